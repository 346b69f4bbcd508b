"""From what was asked for to the targets to build: groups opened, inheritance resolved, overrides on top."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from capas.bake.definition import Definition
from capas.bake.fields import Fields, merge
from capas.bake.hcl.values import to_object, to_text
from capas.bake.override import Override, apply
from capas.dockerfile.source import suggest
from capas.errors import Invalid, NotFound

_TARGET = "target:"


class Resolved(NamedTuple):
    """What to build. `wanted` are the targets asked for; `targets` has those that they need as contexts, too."""

    wanted: tuple[str, ...]
    targets: Mapping[str, Fields]
    groups: Mapping[str, tuple[str, ...]]

    def needs(self, name: str) -> tuple[str, ...]:
        """The targets that a target has as contexts."""
        return linked_targets(self.targets[name])


def resolve(definition: Definition, names: Sequence[str], overrides: Sequence[Override] = ()) -> Resolved:
    """The targets behind these names ("default" for none), with every field filled in.

    Order: a target comes after those it needs. Raises: NotFound; Invalid for circles and bad overrides.
    """
    asked = tuple(dict.fromkeys(names or ("default",)))
    groups = {"default": asked} if asked != ("default",) else {}
    wanted: list[str] = []
    for name in asked:
        wanted += _open(definition, name, (), groups)
    wanted = list(dict.fromkeys(wanted))
    if "default" not in groups:
        groups["default"] = ("default",)
    task = _Resolution(definition, overrides)
    for name in wanted:
        task.add(name, ())
    for name in task.done.keys() - set(wanted):
        task.done[name]["output"] = [{"type": "cacheonly"}]  # it is a context only
    _check_used(overrides, definition.targets)
    return Resolved(tuple(wanted), task.done, groups)


def linked_targets(fields: Fields) -> tuple[str, ...]:
    """The targets that are contexts of a target: `contexts = { name = "target:other" }`."""
    contexts = [to_text(value) for value in to_object(fields.get("contexts", {})).values()]
    return tuple(text.removeprefix(_TARGET) for text in contexts if text.startswith(_TARGET))


def _open(
    definition: Definition, name: str, path: tuple[str, ...], groups: dict[str, tuple[str, ...]]
) -> Iterable[str]:
    """The targets of a group, or the target; the groups on the way are noted."""
    if name in path:
        raise Invalid("group {name} is in itself: {circle}", name=name, circle=" → ".join([*path, name]))
    if name in definition.groups and name not in definition.targets:
        members = definition.groups[name]
        groups[name] = members
        return [one for member in members for one in _open(definition, member, (*path, name), groups)]
    if name not in definition.targets:
        raise _missing(definition, name)
    return [name]


def _missing(definition: Definition, name: str) -> NotFound:
    known = (*definition.groups, *definition.targets)
    near = suggest(name, known)
    hint = f"did you mean {near}?" if near else "there are: " + (", ".join(sorted(known)) or "none")
    return NotFound("there is no target or group {name!r}", name=name[:100], hint=hint)


class _Resolution:
    def __init__(self, definition: Definition, overrides: Sequence[Override]) -> None:
        self._definition = definition
        self._overrides = overrides
        self.done: dict[str, Fields] = {}

    def add(self, name: str, path: tuple[str, ...]) -> None:
        """A target, after those that it needs."""
        if name in path:
            raise Invalid("target {name} needs itself: {circle}", name=name, circle=" → ".join([*path, name]))
        if name in self.done:
            return
        fields = self._inherited(name, ())
        for override in self._overrides:
            if fnmatch.fnmatchcase(name, override.pattern):
                fields = apply(override, fields)
        for needed in linked_targets(fields):
            self.add(needed, (*path, name))
        self.done[name] = {"context": ".", "dockerfile": "Dockerfile", **fields}

    def _inherited(self, name: str, path: tuple[str, ...]) -> Fields:
        if name in path:
            raise Invalid("target {name} inherits from itself: {circle}", name=name, circle=" → ".join([*path, name]))
        target = self._definition.targets.get(name)
        if target is None:
            raise _missing(self._definition, name)
        fields: Fields = {}
        for parent in target.inherits:
            fields = merge(fields, self._inherited(parent, (*path, name)))
        return merge(fields, target.fields)


def _check_used(overrides: Sequence[Override], targets: Iterable[str]) -> None:
    for override in overrides:
        if not any(fnmatch.fnmatchcase(name, override.pattern) for name in targets):
            raise NotFound(
                "--set {text}: no target is called {pattern!r}", text=override.text, pattern=override.pattern
            )
