"""What a container is given to mount: -v, --mount and --tmpfs, read as docker reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from capas.errors import Invalid
from capas.run.limits import parse_size
from capas.run.stubs import clean_path

Kind = Literal["bind", "volume", "tmpfs"]
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}", re.ASCII)
_PROPAGATIONS = {"private", "rprivate", "slave", "rslave", "shared", "rshared"}
_FLAGS = {"ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"}
_TMPFS_WORDS = {"rw", "ro", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "noatime", "relatime", "sync", "async"}
_TMPFS_SIZED = re.compile(
    r"(size=\d{1,12}[kKmMgG%]?|mode=[0-7]{3,4}|uid=\d{1,10}|gid=\d{1,10}|nr_inodes=\d{1,12}[kKmM]?)"
)


class ContainerMount(NamedTuple):
    """One of them. `source` is a path of the host, a volume's name ("" for an anonymous one), or "" for tmpfs."""

    type: Kind
    source: str
    target: str
    read_only: bool = False
    propagation: str = "rprivate"
    no_copy: bool = False
    create: bool = False  # docker's -v makes a missing directory on the host
    options: tuple[str, ...] = ()  # of tmpfs


def parse_volume(text: str, *, base: str = "/") -> ContainerMount:
    """`[source:]target[:options]` of -v. A source that begins with "/", "." or "~" is a path; others name volumes.

    Raises: Invalid, also for an option that is not known.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise Invalid("not a volume: {text!r}", text=text[:300], hint="write it as source:target[:ro]")
    if len(parts) == 1:
        return ContainerMount("volume", "", parse_target(parts[0]))
    source, target = parts[0], parse_target(parts[1])
    words = parts[2].split(",") if len(parts) == 3 else []
    unknown = [word for word in words if word not in _FLAGS | _PROPAGATIONS]
    if unknown:
        raise Invalid("volume {text!r}: unknown option {option!r}", text=text[:300], option=unknown[0])
    propagation = next((word for word in words if word in _PROPAGATIONS), "rprivate")
    if source.startswith(("/", ".", "~")):
        path = os.path.normpath(os.path.join(base, os.path.expanduser(source)))
        return ContainerMount("bind", path, target, "ro" in words, propagation, create=True)
    return ContainerMount("volume", parse_volume_name(source), target, "ro" in words, no_copy="nocopy" in words)


def parse_mount(text: str, *, base: str = "/") -> ContainerMount:
    """`type=bind,source=/a,target=/b,readonly` of --mount. Raises: Invalid, also for a key that is not known."""
    keys: dict[str, str] = {}
    for item in text.split(","):
        key, equals, value = item.partition("=")
        key = _ALIASES.get(key.strip().lower(), key.strip().lower())
        if key in keys:
            raise Invalid("mount {text!r}: {key} is said twice", text=text[:300], key=key)
        keys[key] = value if equals else "true"
    kind = keys.pop("type", "volume")
    target = parse_target(keys.pop("target", ""))
    made = _READERS[kind](keys, target, base) if kind in _READERS else None
    if made is None:
        raise Invalid("mount type {kind!r} is not bind, volume or tmpfs", kind=kind)
    if keys:
        raise Invalid("mount {text!r}: unknown option {key!r}", text=text[:300], key=next(iter(keys)))
    return made


def parse_tmpfs(text: str) -> ContainerMount:
    """`/path[:options]` of --tmpfs. Raises: Invalid."""
    target, _, options = text.partition(":")
    words = tuple(word for word in options.split(",") if word)
    for word in words:
        if word not in _TMPFS_WORDS and not _TMPFS_SIZED.fullmatch(word):
            raise Invalid("tmpfs {text!r}: unknown option {option!r}", text=text[:300], option=word)
    return ContainerMount("tmpfs", "", parse_target(target), options=words)


def parse_volume_name(text: str) -> str:
    """A volume's name. Raises: Invalid."""
    if not _VOLUME_NAME.fullmatch(text):
        raise Invalid(
            "not a volume name: {name!r}", name=text[:300],
            hint="a name has letters, digits, '_', '.', '-'; a path of the host begins with / or .",
        )  # fmt: skip
    return text


def parse_target(text: str) -> str:
    """A place in the container. Raises: Invalid for a relative path or the root itself."""
    if not text.startswith("/"):
        raise Invalid("a mount's target is an absolute path, not {target!r}", target=text[:300])
    path = clean_path(text)
    if path == "/":
        raise Invalid("the root of a container cannot be mounted over")
    return path


def _bind(keys: dict[str, str], target: str, base: str) -> ContainerMount:
    source = keys.pop("source", "")
    if not source:
        raise Invalid("a bind mount needs a source")
    propagation = keys.pop("bind-propagation", "rprivate")
    if propagation not in _PROPAGATIONS:
        raise Invalid("unknown bind propagation {propagation!r}", propagation=propagation[:100])
    path = os.path.normpath(os.path.join(base, source))
    return ContainerMount("bind", path, target, _flag(keys, "readonly"), propagation)


def _volume(keys: dict[str, str], target: str, _base: str) -> ContainerMount:
    source = keys.pop("source", "")
    name = parse_volume_name(source) if source else ""
    return ContainerMount("volume", name, target, _flag(keys, "readonly"), no_copy=_flag(keys, "volume-nocopy"))


def _tmpfs(keys: dict[str, str], target: str, _base: str) -> ContainerMount:
    options: list[str] = []
    size, mode = keys.pop("tmpfs-size", ""), keys.pop("tmpfs-mode", "")
    if size:
        options.append(f"size={parse_size(size)}")
    if mode:
        if not re.fullmatch(r"[0-7]{3,4}", mode):
            raise Invalid("tmpfs-mode {mode!r} is not an octal mode", mode=mode[:100])
        options.append(f"mode={mode}")
    return ContainerMount("tmpfs", "", target, _flag(keys, "readonly"), options=tuple(options))


def _flag(keys: dict[str, str], key: str) -> bool:
    value = keys.pop(key, "false").lower()
    if value not in ("true", "1", "false", "0"):
        raise Invalid("{key} is true or false, not {value!r}", key=key, value=value[:100])
    return value in ("true", "1")


_ALIASES: Mapping[str, str] = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_READERS = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs}
