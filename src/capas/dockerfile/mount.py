"""RUN --mount: `type=cache,target=/root/.cache` and its kin, as values.

Spec: Dockerfile reference, "RUN --mount". An option that is not known, or that its type does not have, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from capas.dockerfile.instructions import RunMount
from capas.dockerfile.source import suggest
from capas.errors import Invalid

_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_SHARING = ("shared", "private", "locked")
_NAMES = {
    "type": "type", "from": "from", "source": "source", "src": "source", "target": "target", "dst": "target",
    "destination": "target", "readonly": "readonly", "ro": "readonly", "readwrite": "readwrite", "rw": "readwrite",
    "required": "required", "size": "size", "id": "id", "sharing": "sharing", "mode": "mode", "uid": "uid",
    "gid": "gid", "env": "env",
}  # fmt: skip
_SWITCHES = frozenset({"readonly", "readwrite", "required"})
_ALLOWED = {
    "bind": frozenset({"from", "source", "target", "readonly", "readwrite", "id"}),
    "cache": frozenset({"from", "source", "target", "readonly", "readwrite", "id", "sharing", "mode", "uid", "gid"}),
    "tmpfs": frozenset({"target", "size", "readonly", "readwrite", "id"}),
    "secret": frozenset({"source", "target", "id", "required", "mode", "uid", "gid", "env", "readonly", "readwrite"}),
    "ssh": frozenset({"target", "id", "required", "mode", "uid", "gid", "readonly", "readwrite"}),
}
_TRUE, _FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_CACHE_ID = re.compile(r"(?:^|/)\.\.?(?:/|$)")

Expander = Callable[[str], str]


def parse_mount(text: str, expand: Expander | None = None) -> RunMount:
    """The mount that a flag's value describes. Without `expand`, a value with a variable is left for later.

    Raises: Invalid, naming the option.
    """
    options = _options(text)
    settled = {key: expand(value) if expand else value for key, value in options.items()}
    deferred = {key for key, value in settled.items() if expand is None and "$" in value}
    if "from" in deferred:
        raise Invalid("from= holds no variable", hint="name a stage with FROM … AS, and give that name")
    if "type" in deferred:
        return RunMount(origin=settled.get("from", ""), text=text)
    kind = _word(settled.get("type", "bind").lower(), _TYPES, "unknown type of mount: {value!r}")
    for key in settled:
        if key != "type" and key not in _ALLOWED[kind]:
            raise Invalid("a {kind} mount has no option {key}", kind=kind, key=key)
    known = {key: value for key, value in settled.items() if key not in deferred}
    mount = _build(kind, known, text)
    if not deferred:
        _check(mount)
    return mount


def _options(text: str) -> dict[str, str]:
    import csv  # most Dockerfiles have no mount

    try:
        fields = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise Invalid("cannot read the mount {text!r}: {error}", text=text[:100], error=str(error)) from None
    options: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        name = _NAMES.get(key.lower())
        if name is None:
            meant = suggest(key, tuple(_NAMES))
            raise Invalid(
                "unknown option of a mount: {key!r}", key=key[:40], hint="did you mean {meant}?" if meant else "",
                meant=meant,
            )  # fmt: skip
        if not equals and name not in _SWITCHES:
            raise Invalid("the option {key} of a mount needs a value", key=key)
        options[name] = value if equals else "true"
    return options


def _build(kind: str, options: dict[str, str], text: str) -> RunMount:
    read_only = kind not in ("cache", "tmpfs")
    if "readonly" in options:
        read_only = _switch("readonly", options["readonly"])
    elif "readwrite" in options:
        read_only = not _switch("readwrite", options["readwrite"])
    return RunMount(
        type=kind,
        target=options.get("target", ""),
        source=options.get("source", ""),
        origin=options.get("from", ""),
        id=options.get("id", ""),
        sharing=_word(options.get("sharing", "shared").lower(), _SHARING, "unknown sharing: {value!r}"),
        read_only=read_only,
        required=_switch("required", options.get("required", "false")),
        env=options.get("env", ""),
        uid=_number("uid", options.get("uid")),
        gid=_number("gid", options.get("gid")),
        mode=_number("mode", options.get("mode"), base=8),
        size=_size(options.get("size")),
        text=text,
    )


def _check(mount: RunMount) -> None:
    if mount.type in ("bind", "cache", "tmpfs") and not mount.target:
        raise Invalid("a {kind} mount needs a target", kind=mount.type, hint="add target=/path")
    if mount.type == "secret" and not (mount.source or mount.target or mount.id):
        raise Invalid("a secret mount needs an id", hint="add id=name, and give --secret id=name,src=file")
    if mount.type == "secret" and mount.source and mount.id:
        raise Invalid("a secret mount has an id or a source, not both")
    if mount.type == "cache" and _CACHE_ID.search(mount.id):
        raise Invalid("the id of a cache mount cannot hold . or .. between slashes: {id!r}", id=mount.id[:100])


def _word(value: str, known: tuple[str, ...], problem: str) -> str:
    if value in known:
        return value
    meant = suggest(value, known)
    raise Invalid(
        problem, value=value[:40], meant=meant, known=", ".join(known),
        hint="did you mean {meant}?" if meant else "it is one of {known}",
    )  # fmt: skip


def _switch(name: str, value: str) -> bool:
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise Invalid("the option {name} of a mount is true or false, not {value!r}", name=name, value=value[:40])


def _number(name: str, value: str | None, *, base: int = 10) -> int | None:
    if value is None:
        return None
    digits = "01234567" if base == 8 else "0123456789"
    if 0 < len(value) < 12 and all(char in digits for char in value) and int(value, base) < 2**32:
        return int(value, base)
    raise Invalid(
        "the option {name} of a mount is a number{how}, not {value!r}", name=name, value=value[:40],
        how=" in octal" if base == 8 else "",
    )  # fmt: skip


def _size(value: str | None) -> int | None:
    if value is None:
        return None
    found = _SIZE.fullmatch(value)
    if found is None:
        raise Invalid("the size of a mount is a number with b, k, m or g, not {value!r}", value=value[:40])
    return int(float(found[1]) * 1024 ** _POWERS[found[2].lower()])
