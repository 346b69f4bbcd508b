"""Who a process runs as: `user[:group]`, names or numbers, looked up in the image's own files and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import Invalid, NotFound
from capas.run.inside import opened_root, read_small

_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_NUMERIC_LOOK = re.compile(r"[-+]?\d[\dxX_.]*")
_LARGEST = 2**31 - 1
_FILE_LIMIT = 16 * 1024 * 1024
_MAX_GROUPS = 65_536  # NGROUPS_MAX


class User(NamedTuple):
    """Ids of a process, with the user's home for $HOME."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


class _Person(NamedTuple):
    name: str
    uid: int
    gid: int
    home: str


def find_user(tree: str | os.PathLike[str], text: str, extra_groups: tuple[str, ...] = ()) -> User:
    """The user that `text` names in the tree: as docker reads USER and --user. Empty is root.

    A number need not be in /etc/passwd; a name must. Supplementary groups come from /etc/group, unless a group is
    given. /etc/passwd and /etc/group are read confined, as regular files of a bounded size.

    Raises: Invalid for numbers out of 0 to 2147483647 and everything else that is no name; NotFound for a name.
    """
    with opened_root(tree) as root:
        return _find_user(root, text, extra_groups)


def _find_user(root: int, text: str, extra_groups: tuple[str, ...]) -> User:
    user_text, colon, group_text = text.partition(":")
    if colon and not (user_text or group_text):
        raise Invalid("not a user: {user!r}", user=text)
    user_id = parse_id(user_text, text) if user_text else 0
    person = _find_person(root, user_text, user_id)
    if person is None and user_id is None:
        raise NotFound("no user {user} in the image's /etc/passwd", user=user_text)
    uid = person.uid if person else int(user_id or 0)
    gid = person.gid if person else 0
    groups: tuple[int, ...] = ()
    if group_text:
        gid = _find_group(root, group_text, text)
    elif person:
        groups = _groups_of(root, person)
    added = tuple(_find_group(root, name, name) for name in extra_groups)
    # The main group is in the list too: a process that drops it must not slip past rules against the group
    return User(uid, gid, tuple(sorted({gid, *groups, *added})), (person.home if person else "") or "/")


def parse_id(text: str, whole: str) -> int | None:
    """The number that `text` is, or None where it is a name.

    Raises: Invalid for what looks like a number and is none of 0 to 2147483647 ("0x0", "-1", other digits).
    """
    if _NUMBER.fullmatch(text):
        if int(text) <= _LARGEST:
            return int(text)
        raise Invalid("user {user!r}: ids go from 0 to {largest}", user=whole[:100], largest=_LARGEST)
    if _NUMERIC_LOOK.fullmatch(text) or not text.isprintable() or len(text) > 256:
        raise Invalid("user {user!r} is neither a name nor a number from 0 to {largest}", user=whole[:100],
                      largest=_LARGEST)  # fmt: skip
    return None


def _find_person(root: int, name: str, uid: int | None) -> _Person | None:
    for fields in _rows(root, "/etc/passwd", 7):
        found_uid, found_gid = _small(fields[2]), _small(fields[3])
        if found_uid is None or found_gid is None:
            continue
        if (fields[0] == name and name) or (uid is not None and found_uid == uid):
            return _Person(fields[0], found_uid, found_gid, fields[5])
    return None


def _find_group(root: int, name: str, whole: str) -> int:
    number = parse_id(name, whole)
    for fields in _rows(root, "/etc/group", 4):
        gid = _small(fields[2])
        if gid is not None and (fields[0] == name or gid == number):
            return gid
    if number is None:
        raise NotFound("no group {group} in the image's /etc/group", group=name)
    return number


def _groups_of(root: int, person: _Person) -> tuple[int, ...]:
    found: list[int] = []
    for fields in _rows(root, "/etc/group", 4):
        gid = _small(fields[2])
        if gid is not None and person.name in fields[3].split(",") and len(found) < _MAX_GROUPS:
            found.append(gid)
    return tuple(found)


def _rows(root: int, path: str, width: int) -> Iterator[list[str]]:
    data = read_small(root, path, _FILE_LIMIT) or b""
    for line in data.split(b"\n"):
        fields = line.decode("utf-8", "surrogateescape").strip().split(":")
        if fields[0] and not fields[0].startswith("#") and len(fields) >= min(width, 4):
            yield fields + [""] * (width - len(fields))


def _small(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= _LARGEST else None
