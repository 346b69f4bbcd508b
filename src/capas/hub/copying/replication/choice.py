"""Which tags a rule copies: by pattern, and of those that are versions the newest.

Spec: Semantic Versioning 2.0.0, 11 (precedence), with one to four numbers and an optional `v`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:-([0-9A-Za-z.-]+))?(?:[+_][0-9A-Za-z.-]+)?", re.ASCII)

Version = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]


def choose_tags(tags: Iterable[str], patterns: Sequence[str], newest: int) -> list[str]:
    """The tags that match, in order; of versions among them only the `newest` (0: all). Other tags are not counted.

    >>> choose_tags(["1.9", "1.10", "1.2", "latest"], ["*"], 2)
    ['1.10', '1.9', 'latest']
    """
    matching = [tag for tag in sorted(tags) if matches(tag, patterns)]
    if not newest:
        return matching
    versions = {tag: version for tag in matching if (version := parse_version(tag)) is not None}
    kept = set(sorted(versions, key=versions.__getitem__, reverse=True)[:newest])
    return [tag for tag in matching if tag not in versions or tag in kept]


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is for this name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def parse_version(tag: str) -> Version | None:
    """What versions are ordered by, None for a tag that is none."""
    match = _VERSION.fullmatch(tag)
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    parts = match[2].split(".") if match[2] else []
    before = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return tuple(numbers + [0] * (4 - len(numbers))), not parts, before
