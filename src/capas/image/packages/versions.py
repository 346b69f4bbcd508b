"""Which of two versions of a package is the newer, as its own manager has it.

Spec: Debian policy 5.6.12; rpm, "Version comparison"; apk-tools, apk-package(5); PEP 440; Semantic Versioning 2.0.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from capas.image.packages.package import Kind

_PARTS = re.compile(r"(\d+)|([A-Za-z]+|[~^])", re.ASCII)
_DEBIAN = re.compile(r"(\D*)(\d*)", re.ASCII)
_EARLY = {
    "dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "pre": 3, "preview": 3, "rc": 4, "c": 4,
}  # fmt: skip
_END = (0, 0, "")

Key = list[tuple[int, int, str]]


def is_newer(kind: Kind, new: str, old: str) -> bool:
    """Whether `new` comes after `old`.

    >>> is_newer("deb", "1.0-1", "1.0~rc1-1"), is_newer("npm", "2.0.0", "2.0.0-rc.1"), is_newer("pypi", "1.9", "1.10")
    (True, True, False)
    """
    if kind == "deb":
        return _compare_debian(new, old) > 0
    return _key(kind, new) > _key(kind, old)


def _compare_debian(one: str, two: str) -> int:
    """Epoch, upstream version and revision; letters before all else but `~`, which is before the end."""
    for a, b in zip(_debian(one), _debian(two), strict=True):
        for (text, number), (other, against) in zip_longest(_DEBIAN.findall(a), _DEBIAN.findall(b), fillvalue=("", "")):
            left, right = ([*map(_order, text), 0], int(number or 0)), ([*map(_order, other), 0], int(against or 0))
            if left != right:
                return 1 if left > right else -1
    return 0


def _debian(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    upstream, dash, revision = (rest if colon else version).rpartition("-")
    return epoch if colon else "0", upstream if dash else revision, revision if dash else "0"


def _order(char: str) -> int:
    return -1 if char == "~" else ord(char) if char.isalpha() else ord(char) + 0x110000


def _key(kind: Kind, version: str) -> Key:
    """Words for what is not yet the version, then its end, then other words, then numbers: 1.0rc1, 1.0, 1.0a, 1.0.1."""
    if kind == "npm":
        core, dash, early = version.partition("+")[0].partition("-")
        return [*_parts(kind, core), (-2, 0, "") if dash else _END, *_identifiers(early), _END]
    if kind == "pypi":
        return [*_parts(kind, version), _END]
    core, _, release = version.rpartition("-")
    return [*_parts(kind, core or release), _END, *_parts(kind, release), _END]


def _parts(kind: Kind, text: str) -> Key:
    return [(2, int(number), "") if number else _word(kind, word.lower()) for number, word in _PARTS.findall(text)]


def _word(kind: Kind, word: str) -> tuple[int, int, str]:
    if word == "~":
        return -2, 0, ""
    early = (
        _EARLY.get(word) if kind != "rpm" and (kind == "pypi" or len(word) > 1) else None
    )  # an apk of 1.1.1a is late
    return (1, 0, word) if early is None else (-1, early, "")


def _identifiers(text: str) -> Key:
    """What follows the dash in a version of npm: numbers before words."""
    return [(1, int(one), "") if one.isdigit() else (2, 0, one) for one in text.split(".") if one]
