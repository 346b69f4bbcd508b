"""What bake files define: targets with their own fields and whom they inherit from, and groups of targets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from capas.bake.fields import FIELDS, Fields, merge
from capas.bake.hcl.evaluate import Inner, Scope, evaluate
from capas.bake.hcl.syntax import Attribute, Block, Body, Value
from capas.bake.hcl.values import to_list, to_object, to_text
from capas.bake.names import Names
from capas.dockerfile.source import suggest
from capas.errors import CapasError, Invalid

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_OWN = ("inherits", "matrix", "name")
BLOCKS: Mapping[str, int] = {"variable": 1, "function": 1, "group": 1, "target": 1, "validation": 0}
"""The kinds of block, and how many labels each has."""


class Target(NamedTuple):
    """A target as written: the fields it sets itself, and the targets whose fields it begins with."""

    fields: Fields
    inherits: tuple[str, ...] = ()


class Definition(NamedTuple):
    """Targets and groups by name, in the order of the files."""

    targets: Mapping[str, Target] = {}
    groups: Mapping[str, tuple[str, ...]] = {}

    def over(self, earlier: Definition) -> Definition:
        """Both, this one having the later word."""
        targets = dict(earlier.targets)
        for name, target in self.targets.items():
            targets[name] = _join(targets[name], target) if name in targets else target
        groups = dict(earlier.groups)
        _add(groups, self.groups)
        return Definition(targets, groups)


def read_definition(bodies: Iterable[Body], environ: Mapping[str, str], given: Mapping[str, Value]) -> Definition:
    """What the bodies of some files say together. `environ` overrides variables, `given` are bake's own.

    Raises: Invalid or NotFound, pointing at the place.
    """
    bodies = list(bodies)
    names = Names(bodies, environ, given)
    names.check()
    targets: dict[str, Target] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for block in (block for body in bodies for block in body.blocks):
        if block.kind == "group":
            _add(groups, _group(block, names))
        elif block.kind == "target":
            made, of_matrix = _targets(block, names)
            for name, target in made.items():
                targets[name] = _join(targets[name], target) if name in targets else target
            _add(groups, of_matrix)
    return Definition(targets, groups)


def _add(groups: dict[str, tuple[str, ...]], more: Mapping[str, tuple[str, ...]]) -> None:
    for name, members in more.items():
        groups[name] = tuple(dict.fromkeys((*groups.get(name, ()), *members)))


def _join(earlier: Target, later: Target) -> Target:
    return Target(merge(earlier.fields, later.fields), later.inherits or earlier.inherits)


def _group(block: Block, names: Names) -> dict[str, tuple[str, ...]]:
    members: tuple[str, ...] = ()
    for key, attribute in block.body.attributes.items():
        if key == "targets":
            members = _texts(names, attribute)
        elif key != "description":
            raise _unknown(attribute, ("targets", "description"))
    return {_checked(block.labels[0], block): members}


def _targets(block: Block, names: Names) -> tuple[dict[str, Target], dict[str, tuple[str, ...]]]:
    """The targets of a block: one, or with a matrix one for each combination, and then a group of them."""
    attributes = block.body.attributes
    label = _checked(block.labels[0], block)
    if block.body.blocks:
        raise block.source.fault("there are no blocks in a target", block.body.blocks[0].at)
    if "matrix" not in attributes:
        if "name" in attributes:
            raise block.source.fault("a name of its own belongs to a target with a matrix", attributes["name"].at)
        return {label: _target(attributes, names)}, {}
    if "name" not in attributes:
        raise block.source.fault("a target with a matrix needs a name that tells its members apart", block.at)
    found: dict[str, Target] = {}
    for values in _combinations(attributes["matrix"], names):
        scope = Inner(names, values)
        name = _checked(to_text(_value(attributes["name"], scope)), block)
        if name in found:
            raise block.source.fault("the matrix gives two targets the same name", attributes["name"].at)
        found[name] = _target(attributes, scope)
    return found, {label: tuple(found)}


def _combinations(matrix: Attribute, names: Names) -> Iterator[dict[str, Value]]:
    try:
        axes = {key: to_list(values) for key, values in sorted(to_object(_value(matrix, names)).items())}
    except CapasError as error:
        raise matrix.source.locate(error, matrix.at) from None
    names_of = list(reversed(axes))  # the first name's values change fastest
    return (dict(zip(names_of, values, strict=True)) for values in product(*(axes[name] for name in names_of)))


def _target(attributes: Mapping[str, Attribute], scope: Scope) -> Target:
    fields: Fields = {}
    for key, attribute in attributes.items():
        if key in _OWN:
            continue
        if key not in FIELDS:
            raise _unknown(attribute, (*FIELDS, *_OWN))
        try:
            value = FIELDS[key].read(_value(attribute, scope))
        except CapasError as error:
            raise attribute.source.locate(error, attribute.at) from None
        if value is not None:
            fields[key] = value
    inherits = _texts(scope, attributes["inherits"]) if "inherits" in attributes else ()
    return Target(fields, inherits)


def _value(attribute: Attribute, scope: Scope) -> Value:
    return evaluate(attribute.value, scope, attribute.source)


def _texts(scope: Scope, attribute: Attribute) -> tuple[str, ...]:
    try:
        return tuple(to_text(item) for item in to_list(_value(attribute, scope)))
    except CapasError as error:
        raise attribute.source.locate(error, attribute.at) from None


def _unknown(attribute: Attribute, known: tuple[str, ...]) -> Invalid:
    near = suggest(attribute.name, known)
    hint = f"did you mean {near}?" if near else "there are: " + ", ".join(sorted(known))
    return attribute.source.fault("there is no such attribute here", attribute.at, hint)


def _checked(name: str, block: Block) -> str:
    if not _NAME.fullmatch(name):
        raise block.source.fault("a name has letters, digits, _ and - only", block.at)
    return name
