"""Walks inside a tree of files: links followed without leaving it, wildcards as Go's filepath.Match."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from capas.dockerfile.ignore import compile_deep
from capas.dockerfile.match import Wildcard
from capas.errors import Invalid
from capas.layer.entry import DIRECTORY, SYMLINK, Entry

_MOST_LINKS = 255


class Listable(Protocol):
    """What a walk needs of a tree."""

    def list(self, path: bytes) -> Sequence[Entry]: ...


def clean(path: bytes) -> bytes:
    """The path from the root, without dotted, doubled or leading parts: `..` ends at the root."""
    done: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            del done[-1:]
        elif part not in (b"", b"."):
            done.append(part)
    return b"/".join(done)


def join(parent: bytes, name: bytes) -> bytes:
    """The path of `name` in the directory `parent`."""
    return parent + b"/" + name if parent and name else parent or name


def parent_of(path: bytes) -> bytes:
    """The directory that holds it."""
    return path.rpartition(b"/")[0]


def name_of(path: bytes) -> bytes:
    """Its last part."""
    return path.rpartition(b"/")[2]


def resolve(find: Callable[[bytes], Entry | None], path: bytes) -> bytes:
    """The path with every link followed inside the tree; parts that are not there stay as written.

    Raises: Invalid for links that go round.
    """
    done = b""
    todo = deque(path.split(b"/"))
    links = 0
    while todo:
        part = todo.popleft()
        if part in (b"", b"."):
            continue
        if part == b"..":
            done = parent_of(done)
            continue
        candidate = join(done, part)
        entry = find(candidate)
        if entry is None or entry.kind != SYMLINK:
            done = candidate
            continue
        links += 1
        if links > _MOST_LINKS:
            raise Invalid("too many symbolic links at /{path}", path=path.decode(errors="replace"))
        if entry.target.startswith(b"/"):
            done = b""
        todo.extendleft(reversed(entry.target.split(b"/")))
    return done


def iter_below(files: Listable, path: bytes) -> Iterator[Entry]:
    """Everything under this directory, each directory before what is in it; links are not followed."""
    stack = list(reversed(files.list(path)))
    while stack:
        entry = stack.pop()
        yield entry
        if entry.kind == DIRECTORY:
            stack.extend(reversed(files.list(entry.path)))


def has_wildcard(pattern: str) -> bool:
    """Whether some `*`, `?` or `[` in it is not escaped."""
    escaped = False
    for char in pattern:
        if not escaped and char in "*?[":
            return True
        escaped = char == "\\" and not escaped
    return False


def split_pattern(pattern: str) -> tuple[str, str]:
    """The leading directories without wildcards, and the rest."""
    parts = pattern.split("/")
    for index, part in enumerate(parts):
        if has_wildcard(part):
            return "/".join(parts[:index]), "/".join(parts[index:])
    return pattern, ""


def iter_deep_matches(files: Listable, base: bytes, pattern: str) -> Iterator[bytes]:
    """The same for a pattern in which `**` is any number of directories. Raises: Invalid."""
    regex = compile_deep(pattern)
    start = len(base) + 1 if base else 0
    stack = list(reversed(files.list(base)))
    while stack:
        entry = stack.pop()
        if regex.fullmatch(entry.path[start:].decode(errors="surrogateescape")):
            yield entry.path
        elif entry.kind == DIRECTORY:
            stack.extend(reversed(files.list(entry.path)))


def iter_matches(files: Listable, base: bytes, pattern: str) -> Iterator[bytes]:
    """Paths under `base` that match; nothing inside a directory that matched is looked at."""
    depth = pattern.count("/")
    wildcard = Wildcard(pattern)
    stack = [(entry, 0) for entry in reversed(files.list(base))]
    while stack:
        entry, level = stack.pop()
        relative = entry.path[len(base) :].lstrip(b"/")
        if level == depth and wildcard.matches(relative.decode(errors="surrogateescape")):
            yield entry.path
        elif entry.kind == DIRECTORY and level < depth:
            stack.extend((child, level + 1) for child in reversed(files.list(entry.path)))
