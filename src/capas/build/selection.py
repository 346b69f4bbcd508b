"""What a COPY takes: its sources, wildcards and links resolved, and one content key for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from capas.build.sources.contract import Files
from capas.build.sources.walk import clean, has_wildcard, iter_below, iter_matches, name_of, resolve, split_pattern
from capas.errors import NotFound
from capas.layer.entry import DIRECTORY, FILE, Entry

Exclude = Callable[[bytes], bool]


class Picked(NamedTuple):
    """One source as found: a file, or a directory with all that is below it (paths relative to it)."""

    name: bytes  # what a file is called when it lands in a directory
    entry: Entry
    files: Files
    below: tuple[tuple[bytes, Entry], ...] = ()
    prefix: bytes = b""  # --parents: the directories to keep in front
    archive: bool = False  # ADD: a tar to be unpacked where it lands

    @property
    def is_directory(self) -> bool:
        """Whether its contents are copied, not itself."""
        return self.entry.kind == DIRECTORY


def pick(
    files: Files, patterns: Iterable[str], *, exclude: Exclude | None = None, parents: bool = False
) -> list[Picked]:
    """The sources that the patterns name, in their order; a wildcard may match nothing.

    Raises: NotFound for a name that is not there, with what may have been meant as the hint.
    """
    picked: list[Picked] = []
    for pattern in patterns:
        pivot, text = _split_pivot(pattern) if parents else ("", pattern)
        for path in _find_paths(files, text, pivot):
            one = _pick_one(files, path, pattern, exclude)
            if one is not None:
                picked.append(one._replace(prefix=_prefix(path, pivot)) if parents else one)
    return picked


def pick_path(files: Files, path: str) -> Picked:
    """What is at this path, links followed inside: no pattern. Raises: NotFound."""
    one = _pick_one(files, clean(path.encode(errors="surrogateescape")), path, None)
    assert one is not None  # nothing is excluded
    return one


def content_key(picked: Iterable[Picked], *, fixed_mode: bool, keep_owner: bool) -> str:
    """The digest of what was picked, as far as it can show in the result: names, kinds, modes, owners, links, contents.

    Times are not in it, nor what `--chmod` (fixed_mode) and `--chown` (not keep_owner) will overwrite.
    """
    running = sha256()
    for one in picked:
        top = (b"", one.entry) if one.is_directory else (one.name, one.entry)
        running.update(b"%s\0%d\0" % (one.prefix, len(one.below)))
        for path, entry in (top, *one.below):
            digest = one.files.digest(entry) if entry.kind == FILE else ""
            mode = 0 if fixed_mode else entry.mode
            owner = (entry.uid, entry.gid) if keep_owner else (0, 0)
            running.update(
                b"%s\0%s%o %d %d %s %s %s\0"
                % (path, entry.kind, mode, *owner, digest.encode(), entry.target, _rest(entry))
            )
    return running.hexdigest()


def _rest(entry: Entry) -> bytes:
    return (
        repr((entry.device, sorted(entry.xattrs.items()))).encode() if entry.xattrs or entry.device != (0, 0) else b""
    )


def _find_paths(files: Files, pattern: str, pivot: str) -> Iterator[bytes]:
    whole = clean((pivot + "/" + pattern).encode(errors="surrogateescape")).decode(errors="surrogateescape")
    if not has_wildcard(whole):
        yield _unescape(whole).encode(errors="surrogateescape")
        return
    base, rest = split_pattern(whole)
    start = resolve(files.find, _unescape(base).encode(errors="surrogateescape"))
    entry = files.find(start)
    if entry is not None and entry.kind == DIRECTORY:
        yield from iter_matches(files, start, rest)


def _pick_one(files: Files, path: bytes, pattern: str, exclude: Exclude | None) -> Picked | None:
    real = resolve(files.find, path)
    entry = files.find(real)
    if entry is None:
        raise NotFound(
            "{source} is not in {where}", source=pattern, where=files.label, hint=files.explain_absence(clean(path))
        )
    if entry.kind != DIRECTORY:
        name = name_of(path)
        return None if exclude is not None and exclude(name) else Picked(name, entry, files)
    start = len(real) + 1 if real else 0
    below = ((child.path[start:], child) for child in iter_below(files, real))
    return Picked(name_of(path), entry, files, tuple(_filtered(below, exclude)))


def _filtered(below: Iterable[tuple[bytes, Entry]], exclude: Exclude | None) -> Iterator[tuple[bytes, Entry]]:
    for path, entry in below:
        if exclude is None or not exclude(path):
            yield path, entry


def _split_pivot(pattern: str) -> tuple[str, str]:
    pivot, dot, rest = pattern.partition("/./")
    return (pivot, rest) if dot else ("", pattern)


def _prefix(path: bytes, pivot: str) -> bytes:
    start = clean(pivot.encode(errors="surrogateescape"))
    relative = path[len(start) :].lstrip(b"/")
    return relative.rpartition(b"/")[0]


def _unescape(path: str) -> str:
    out, escaped = [], False
    for char in path:
        if char == "\\" and not escaped:
            escaped = True
            continue
        out.append(char)
        escaped = False
    return "".join(out)
