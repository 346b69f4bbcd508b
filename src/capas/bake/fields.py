"""The fields of a target: what kind each is, how it is read, and how a later word on it joins an earlier one.

Spec: docs.docker.com, "Bake file reference".
"""

from __future__ import annotations

import csv
import json
import posixpath
from collections.abc import Callable, Mapping
from typing import NamedTuple

from capas.bake.hcl.syntax import Value
from capas.bake.hcl.values import kind_of, to_bool, to_list, to_object, to_text
from capas.errors import Invalid

Fields = dict[str, Value]
"""A target's fields that are set, by their names in the file."""


class Field(NamedTuple):
    """How a field is read (`read` raises Invalid) and joined (earlier, later)."""

    read: Callable[[Value], Value]
    join: Callable[[Value, Value], Value]


def merge(earlier: Fields, later: Fields) -> Fields:
    """The fields of a target after another word on it."""
    found = dict(earlier)
    for name, value in later.items():
        found[name] = FIELDS[name].join(found[name], value) if name in found else value
    return found


def parse_attributes(text: str) -> dict[str, Value]:
    """`type=registry,ref=name`, one line of CSV, as an object. Raises: Invalid."""
    try:
        (row,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        raise Invalid("not a line of key=value: {text!r}", text=text[:200]) from None
    found: dict[str, Value] = {}
    for part in row:
        key, equals, value = part.partition("=")
        if not equals:
            raise Invalid("{part!r} is not key=value", part=part[:200])
        found[key.strip().lower()] = value
    return found


def format_attributes(fields: Value) -> str:
    """The object as one line of CSV, type first."""
    pairs = sorted(to_object(fields).items(), key=lambda pair: (pair[0] != "type", pair[0]))
    return ",".join(_quoted(f"{key}={to_text(value)}") for key, value in pairs)


def _quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"' if any(char in part for char in ',"\n') else part


def _text(value: Value) -> Value:
    return None if value is None else to_text(value)


def _bool(value: Value) -> Value:
    return None if value is None else to_bool(value)


def _texts(value: Value) -> Value:
    return [to_text(item) for item in to_list(value) if item not in (None, "")]


def _once(value: Value) -> Value:
    return append([], _texts(value))


def _secrets(value: Value) -> Value:
    """A secret's type is that of what it comes from."""
    return [
        {key: one for key, one in to_object(item).items() if key != "type"} for item in to_list(_objects(_plain)(value))
    ]


def _path(value: Value) -> Value:
    """A local path in its shortest form; addresses and the like as they are."""
    return posixpath.normpath(value) if isinstance(value, str) and value and ":" not in value else _text(value)


def _paths(value: Value) -> Value:
    return {key: _path(item) for key, item in to_object(_map(value)).items()}


def _map(value: Value) -> Value:
    """Texts by name; null says nothing of a name."""
    return {key: to_text(item) for key, item in to_object(value).items() if item is not None}


def _objects(bare: Callable[[str], Fields]) -> Callable[[Value], Value]:
    """Objects, or texts that say them; `bare` reads a text without key=value."""

    def read(value: Value) -> Value:
        return [_object(item, bare) for item in to_list(value) if item not in (None, "")]

    return read


def _object(item: Value, bare: Callable[[str], Fields]) -> Value:
    if isinstance(item, dict):
        return {key: to_text(one) for key, one in item.items() if one is not None}
    if not isinstance(item, str):
        raise Invalid("an object or key=value is needed here, not {kind}", kind=kind_of(item))
    return parse_attributes(item) if "=" in item else bare(item)


def _output(text: str) -> Fields:
    return {"type": "tar", "dest": "-"} if text == "-" else {"type": "local", "dest": text}


def _ssh(text: str) -> Fields:
    name, _, paths = text.partition("=")
    return {"id": name, "paths": list[Value](paths.split(","))} if paths else {"id": name}


def _ssh_objects(value: Value) -> Value:
    items = [item for item in to_list(value) if item not in (None, "")]
    return [dict(item) if isinstance(item, dict) else _ssh(to_text(item)) for item in items]


def _plain(text: str) -> Fields:
    raise Invalid("{part!r} is not key=value", part=text[:200])


def _replace(earlier: Value, later: Value) -> Value:
    return earlier if later is None else later


def _update(earlier: Value, later: Value) -> Value:
    return {**to_object(earlier), **to_object(later)}


def append(earlier: Value, later: Value) -> Value:
    """Both lists, each item once."""
    found: dict[str, Value] = {}
    for item in (*to_list(earlier), *to_list(later)):
        found.setdefault(item if isinstance(item, str) else json.dumps(item, sort_keys=True), item)
    return list(found.values())


def _by_type(earlier: Value, later: Value) -> Value:
    """A later attestation of a type takes the place of the earlier."""
    types = [to_object(item).get("type") for item in to_list(later)]
    return [item for item in to_list(earlier) if to_object(item).get("type") not in types] + to_list(later)


FIELDS: Mapping[str, Field] = {
    "annotations": Field(_texts, append),
    "args": Field(_map, _update),
    "attest": Field(_objects(_plain), _by_type),
    "cache-from": Field(_objects(lambda text: {"type": "registry", "ref": text}), append),
    "cache-to": Field(_objects(lambda text: {"type": "registry", "ref": text}), _replace),
    "call": Field(_text, _replace),
    "context": Field(_path, _replace),
    "contexts": Field(_paths, _update),
    "description": Field(_text, _replace),
    "dockerfile": Field(_text, _replace),
    "dockerfile-inline": Field(_text, _replace),
    "entitlements": Field(_texts, append),
    "extra-hosts": Field(_map, _update),
    "labels": Field(_map, _update),
    "network": Field(_text, _replace),
    "no-cache": Field(_bool, _replace),
    "no-cache-filter": Field(_texts, _replace),
    "output": Field(_objects(_output), _replace),
    "platforms": Field(_once, _replace),
    "pull": Field(_bool, _replace),
    "secret": Field(_secrets, append),
    "shm-size": Field(_text, _replace),
    "ssh": Field(_ssh_objects, append),
    "tags": Field(_texts, _replace),
    "target": Field(_text, _replace),
    "ulimits": Field(_texts, _replace),
}
