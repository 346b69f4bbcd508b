"""`--set target.field=value`: the command line's last word on targets.

Spec: docs.docker.com, "docker buildx bake", --set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from capas.bake.fields import FIELDS, Fields, merge
from capas.bake.hcl.syntax import Value
from capas.bake.hcl.values import to_bool, to_list, to_object
from capas.dockerfile.source import suggest
from capas.errors import CapasError, Invalid

_OTHER_NAMES = {"platform": "platforms", "secrets": "secret", "outputs": "output"}
_MAPS = ("args", "contexts", "labels", "extra-hosts")
_LISTS = (
    "annotations", "attest", "cache-from", "cache-to", "entitlements", "no-cache-filter", "output", "platforms",
    "secret", "ssh", "tags", "ulimits",
)  # fmt: skip
_OUTPUTS = ("push", "load")
_PUSHED = ("image", "registry")
_IMAGES = (*_PUSHED, "docker")
_JOINED = ("annotations", "attest", "entitlements", *_MAPS)  # as docker has it: these join, the others replace


class Override(NamedTuple):
    """One field of the targets that `pattern` fits. `add` joins instead of replacing; `text` is for errors."""

    pattern: str
    field: str
    value: Value
    add: bool = False
    text: str = ""


def parse_overrides(texts: Sequence[str], environ: Mapping[str, str]) -> list[Override]:
    """What several `--set` say; those of one list make it together. Raises: Invalid."""
    found: list[Override] = []
    for text in texts:
        one = _parse(text, environ)
        before = next((o for o in found if (o.pattern, o.field, o.add) == (one.pattern, one.field, one.add)), None)
        if before is not None and one.field in _LISTS:
            found[found.index(before)] = before._replace(value=[*to_list(before.value), *to_list(one.value)])
        else:
            found.append(one)
    return found


def _parse(text: str, environ: Mapping[str, str]) -> Override:
    name, equals, value = text.partition("=")
    pattern, dot, path = name.removesuffix("+").partition(".")
    field, _, key = path.partition(".")
    field = _OTHER_NAMES.get(field, field)
    if not pattern or not dot or not field or (not equals and field != "args"):
        raise Invalid("--set {text!r} is not TARGET.FIELD=VALUE", text=text[:200])
    if field in _OUTPUTS:
        return Override(pattern, field, to_bool(value), text=text)
    if field not in FIELDS:
        near = suggest(field, (*FIELDS, *_OUTPUTS))
        hint = f"did you mean {near}?" if near else "there are: " + ", ".join(sorted((*FIELDS, *_OUTPUTS)))
        raise Invalid("--set {text}: there is no field {field!r}", text=text[:200], field=field, hint=hint)
    try:
        return Override(
            pattern, field, _value(field, key, value if equals else environ.get(key)), name.endswith("+"), text
        )
    except CapasError as error:
        raise Invalid("--set {text}: {problem}", text=text[:200], problem=str(error)) from None


def _value(field: str, key: str, value: str | None) -> Value:
    if field in _MAPS:
        if not key:
            raise Invalid("{field} needs a name: {field}.NAME=VALUE", field=field)
        return {} if value is None else {key: value}
    if key:
        raise Invalid("{field} has no parts", field=field)
    return FIELDS[field].read([value] if field in _LISTS else value)


def apply(override: Override, fields: Fields) -> Fields:
    """The fields with the override on top."""
    field, value = override.field, override.value
    if field in _OUTPUTS:
        return _with_output(fields, field) if value else fields
    if override.add and field in _LISTS:
        return {**fields, field: [*to_list(fields.get(field, [])), *to_list(value)]}
    if field in _JOINED:
        return merge(fields, {field: value})
    return {**fields, field: value}


def _with_output(fields: Fields, field: str) -> Fields:
    """`push` sends every image to its registry, `load` keeps it here; a target whose output is files stays as it is."""
    outputs = [to_object(one) for one in to_list(fields.get("output", []))]
    if field == "load":
        return fields if outputs else {**fields, "output": [{"type": "docker"}]}
    if any(one.get("type") not in _IMAGES for one in outputs):
        return fields
    pushed: list[Value] = [{"push": "true", **one} if one.get("type") == "image" else one for one in outputs]
    if not any(one.get("type") in _PUSHED for one in outputs):
        pushed.append({"type": "image", "push": "true"})
    return {**fields, "output": pushed}
