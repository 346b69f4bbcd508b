"""Modes of `--chmod`: octal, or symbolic as chmod(1) takes them."""

from __future__ import annotations

import re
from collections.abc import Callable

from capas.errors import Invalid

Mode = Callable[[int, bool], int]
_OCTAL = re.compile(r"[0-7]{1,5}", re.ASCII)
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)", re.ASCII)
_ACTION = re.compile(r"([-+=])([ugo]|[rwxXst]*)", re.ASCII)
_SHIFTS = {"u": 6, "g": 3, "o": 0}


def parse_mode(text: str) -> Mode:
    """What `--chmod` does to a mode: a function of the mode before and of whether it is a directory's.

    Raises: Invalid for what is neither octal up to 07777 nor symbolic.

    >>> oct(parse_mode("u=rwX,go=rX")(0o600, False))
    '0o644'
    """
    if _OCTAL.fullmatch(text) and int(text, 8) <= 0o7777:
        value = int(text, 8)
        return lambda mode, is_directory: value
    clauses = [_CLAUSE.fullmatch(clause) for clause in text.split(",")]
    if not text or any(clause is None for clause in clauses):
        raise Invalid(
            "invalid --chmod {text!r}",
            text=text,
            hint="write it in octal, like 0755, or as chmod does, like u=rwX,go=rX",
        )
    actions = [
        (found[1] or "ugo", action[1], action[2])
        for found in clauses
        if found is not None
        for action in _ACTION.finditer(found[2])
    ]
    return lambda mode, is_directory: _apply(actions, mode, is_directory)


def _apply(actions: list[tuple[str, str, str]], mode: int, is_directory: bool) -> int:
    for who, operator, what in actions:
        who = who.replace("a", "ugo")
        bits = 0
        for person in who:
            bits |= _bits(person, what, mode, is_directory)
        if operator == "-":
            mode &= ~bits
        elif operator == "+":
            mode |= bits
        else:
            mode = mode & ~_whole(who) | bits
    return mode


def _whole(who: str) -> int:
    bits = 0
    for person in who:
        bits |= 7 << _SHIFTS[person] | {"u": 0o4000, "g": 0o2000, "o": 0o1000}[person]
    return bits


def _bits(person: str, what: str, mode: int, is_directory: bool) -> int:
    shift = _SHIFTS[person]
    if what in _SHIFTS:
        return (mode >> _SHIFTS[what] & 7) << shift
    bits = 0
    for letter in what:
        if letter in "rwx":
            bits |= {"r": 4, "w": 2, "x": 1}[letter] << shift
        elif letter == "X" and (is_directory or mode & 0o111):
            bits |= 1 << shift
        elif letter == "s":
            bits |= {"u": 0o4000, "g": 0o2000, "o": 0}[person]
        elif letter == "t":
            bits |= 0o1000
    return bits
