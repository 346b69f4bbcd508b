"""Owners by name: `--chown` and USER against an image's own /etc/passwd and /etc/group.

Spec: passwd(5), group(5). What is read is a regular file inside the tree, and never more than a bounded part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from capas.build.sources.contract import Files
from capas.build.sources.walk import resolve
from capas.errors import Invalid
from capas.layer.entry import FILE

_MOST_BYTES = 1 << 20
_HIGHEST = (1 << 32) - 2


class Owner(NamedTuple):
    """A user and a group by number."""

    uid: int = 0
    gid: int = 0


ROOT = Owner()


def is_numeric(text: str) -> bool:
    """Whether an owner needs no names: `1000`, `1000:1000`."""
    return all(part.isascii() and part.isdigit() for part in text.split(":"))


def resolve_owner(text: str, files: Files | None) -> Owner:
    """The owner that `user[:group]` means in this tree (None: numbers alone mean something).

    A user's name alone brings the group that passwd gives it; a number alone is the group's number too.

    Raises: Invalid for names that the image does not have.
    """
    user, colon, group = text.partition(":")
    if not user or (colon and not group):
        raise Invalid("invalid owner {text!r}", text=text, hint="write it as user or user:group")
    uid, gid = _find_user(user, lambda: _read(files, b"etc/passwd"))
    if group:
        gid = _find_group(group, lambda: _read(files, b"etc/group"))
    return Owner(uid, gid)


def _find_user(name: str, read: Callable[[], str]) -> Owner:
    if name.isascii() and name.isdigit():
        number = _number(name, name)
        return Owner(number, number)
    for fields in _lines(read()):
        if len(fields) > 3 and fields[0] == name:
            return Owner(_number(fields[2], name), _number(fields[3], name))
    raise Invalid(
        "the image has no user {name!r} in /etc/passwd", name=name, hint="create it in a RUN before, or use its number"
    )


def _find_group(name: str, read: Callable[[], str]) -> int:
    if name.isascii() and name.isdigit():
        return _number(name, name)
    for fields in _lines(read()):
        if len(fields) > 2 and fields[0] == name:
            return _number(fields[2], name)
    raise Invalid(
        "the image has no group {name!r} in /etc/group", name=name, hint="create it in a RUN before, or use its number"
    )


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= _HIGHEST):
        raise Invalid("the number of {name!r} is not a user or group id: {text!r}", name=name, text=text[:30])
    return int(text)


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            yield line.split(":")


def _read(files: Files | None, path: bytes) -> str:
    if files is None:
        return ""
    entry = files.find(resolve(files.find, path))
    if entry is None or entry.kind != FILE:
        return ""
    with files.open(entry) as file:
        return file.read(_MOST_BYTES).decode(errors="replace")
