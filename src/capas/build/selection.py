"""What a COPY takes: its sources, wildcards and links resolved, and one content key for all of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from capas.build.sources.contract import Files
from capas.build.sources.walk import (
    clean,
    iter_below,
    iter_deep_matches,
    iter_matches,
    join,
    name_of,
    resolve,
    split_pattern,
)  # fmt: skip
from capas.dockerfile.ignore import Ignore, parse_patterns
from capas.errors import NotFound
from capas.layer.entry import DIRECTORY, FILE, HARDLINK, Entry

Line = Callable[[Files, bytes, Entry], bytes]


class Exclusion:
    """The patterns of `--exclude`, matched against paths relative to the source (with `--parents`: to its pivot)."""

    def __init__(self, patterns: tuple[str, ...] = ()) -> None:
        """Raises: Invalid for a pattern that cannot be read."""
        self.patterns = patterns
        self._rules: Ignore = parse_patterns(patterns)

    def leaves_out(self, path: bytes) -> bool:
        """Whether the file at this path is not copied."""
        return bool(self.patterns) and self._rules.is_ignored(path.decode(errors="surrogateescape"))


NOTHING = Exclusion()


class Picked(NamedTuple):
    """One source as found at `path`: a file, or a directory whose contents are copied."""

    name: bytes  # what a file is called when it lands in a directory
    entry: Entry
    files: Files
    path: bytes
    parents: tuple[tuple[bytes, Entry], ...] | None = None  # --parents: the directories to be kept, outermost first
    exclude: Exclusion = NOTHING
    archive: bool = False  # ADD: a tar to be unpacked where it lands
    group: tuple[bytes, str] | None = None  # --parents: all that one pattern names at one pivot is one source

    @property
    def is_directory(self) -> bool:
        """Whether its contents are copied, not itself."""
        return self.entry.kind == DIRECTORY

    @property
    def prefix(self) -> bytes:
        """The directories to be kept, as a path; a directory that is copied is the last of them itself."""
        return self.parents[-1][0] if self.parents else b""

    def inode(self, entry: Entry) -> Hashable | None:
        """Equal for names that are to be one file; None where it has no other.

        As in BuildKit those are the names that come by one source: hard links from one source to the next are not kept.
        """
        inode = self.files.inode(entry)
        return None if inode is None else (self.files, self.group or self.path, inode)

    def iter_below(self) -> Iterator[tuple[bytes, Entry]]:
        """All that a directory holds and is not excluded, by path relative to it; nothing for a file."""
        if not self.is_directory:
            return
        start = len(self.path) + 1 if self.path else 0
        for child in iter_below(self.files, self.path):
            path = child.path[start:]
            if not self.exclude.leaves_out(join(self.prefix, path)):
                yield path, child


def pick(files: Files, patterns: Iterable[str], *, exclude: Exclusion = NOTHING, parents: bool = False) -> list[Picked]:
    """The sources that the patterns name, in their order; a wildcard may match nothing.

    With `parents`, `**` in a wildcard is any number of directories, and a `/./` says where the directories to be kept
    begin.

    Raises: NotFound for a name that is not there, with what may have been meant as the hint.
    """
    return [one for pattern in patterns for one in _pick(files, pattern, exclude, parents=parents)]


def pick_path(files: Files, path: str) -> Picked:
    """What is at this path, links followed inside: no pattern. Raises: NotFound."""
    return _pick_one(files, clean(_encode(path)), path)


def content_key(picked: Iterable[Picked], *, fixed_mode: bool, keep_owner: bool) -> str:
    """The digest of what was picked, as far as it can show in the result: names, kinds, modes, owners, links, contents.

    Times are not in it, nor what `--chmod` (fixed_mode) and `--chown` (not keep_owner) will overwrite.
    """
    running = sha256()
    line = partial(_line, fixed_mode=fixed_mode, keep_owner=keep_owner)
    for files, group in groupby(picked, key=attrgetter("files")):
        ones = list(group)
        heads = b"".join(_head(one, line) for one in ones)
        how = sha256(repr((fixed_mode, keep_owner, heads, [one.exclude.patterns for one in ones])).encode())
        key = files.key([one.path for one in ones], how.digest(), partial(_whole_key, ones, heads, line))
        running.update(bytes.fromhex(key))
    return running.hexdigest()


def _head(one: Picked, line: Line) -> bytes:
    """What is known of a source without reading a file."""
    parents = b"".join(b"/" + line(one.files, path, entry) for path, entry in one.parents or ())
    return parents + (line(one.files, b"", one.entry) if one.is_directory else b"%s\0" % one.name)


def _whole_key(ones: Iterable[Picked], heads: bytes, line: Line) -> str:
    running = sha256(heads)
    first: dict[Hashable, bytes] = {}
    for one in ones:
        running.update(b"\0" if one.is_directory else line(one.files, one.name, _linked(one, one.entry, first)))
        for path, entry in one.iter_below():
            running.update(line(one.files, path, _linked(one, entry, first)))
    return running.hexdigest()


def _linked(one: Picked, entry: Entry, first: dict[Hashable, bytes]) -> Entry:
    """The entry, as a hard link where its file has been there under another name: its content is in the key already."""
    inode = one.inode(entry)
    target = entry.path if inode is None else first.setdefault(inode, entry.path)
    return entry if target == entry.path else entry._replace(kind=HARDLINK, target=target)


def _line(files: Files, path: bytes, entry: Entry, *, fixed_mode: bool, keep_owner: bool) -> bytes:
    digest = files.digest(entry) if entry.kind == FILE else ""
    mode = 0 if fixed_mode else entry.mode
    owner = (entry.uid, entry.gid) if keep_owner else (0, 0)
    return b"%s\0%s%o %d %d %s %s\0%s\0" % (
        path, entry.kind, mode, *owner, digest.encode(), entry.target, _rest(entry)
    )  # fmt: skip


def _rest(entry: Entry) -> bytes:
    if not entry.xattrs and entry.device == (0, 0):
        return b""
    return repr((entry.device, sorted(entry.xattrs.items()))).encode()


def _pick(files: Files, pattern: str, exclude: Exclusion, *, parents: bool) -> Iterator[Picked]:
    pivot, text = _split_pivot(pattern) if parents else ("", pattern)
    for base in _expand(files, b"", pivot, deep=False):
        for path in _expand(files, base, text, deep=parents):
            one = _pick_one(files, path, pattern)
            if parents:
                above = _parents(files, path, base, whole=one.is_directory)
                one = one._replace(parents=above, group=(base, text))
            where = one.prefix if one.is_directory else join(one.prefix, one.name)
            if not where or not exclude.leaves_out(where):
                yield one._replace(exclude=exclude)


def _expand(files: Files, base: bytes, pattern: str, *, deep: bool) -> Iterator[bytes]:
    """The paths beneath `base` that a pattern means; a name without wildcards is one, there or not."""
    whole = clean(_encode(pattern)).decode(errors="surrogateescape")
    literal, rest = split_pattern(whole)
    front = join(base, _encode(_unescape(literal)))
    if not rest:
        yield front
        return
    start = resolve(files.find, front)
    entry = files.find(start)
    if entry is not None and entry.kind == DIRECTORY:
        matches = iter_deep_matches if deep and "**" in rest else iter_matches
        for path in matches(files, start, rest):
            yield join(front, path[len(start) :].lstrip(b"/"))


def _pick_one(files: Files, path: bytes, pattern: str) -> Picked:
    real = resolve(files.find, path)
    entry = files.find(real)
    if entry is None:
        hint = files.explain_absence(clean(path))
        hint = hint or "it is looked for in {where} alone: `capas explain COPY` tells more"
        raise NotFound("{source} is not in {where}", source=pattern, where=files.label, hint=hint)
    return Picked(name_of(path), entry, files, real)


def _parents(files: Files, path: bytes, base: bytes, *, whole: bool) -> tuple[tuple[bytes, Entry], ...]:
    """The directories between the base and the source (`whole`: itself too), with their own modes and owners."""
    parts = [part for part in path[len(base) :].split(b"/") if part]
    found = []
    for count in range(1, len(parts) + whole):
        relative = b"/".join(parts[:count])
        entry = files.find(resolve(files.find, join(base, relative)))
        assert entry is not None
        found.append((relative, entry))
    return tuple(found)


def _split_pivot(pattern: str) -> tuple[str, str]:
    pivot, dot, rest = pattern.partition("/./")
    return (pivot, rest) if dot else ("", pattern)


def _encode(path: str) -> bytes:
    return path.encode(errors="surrogateescape")


def _unescape(path: str) -> str:
    out, escaped = [], False
    for char in path:
        if char == "\\" and not escaped:
            escaped = True
            continue
        out.append(char)
        escaped = False
    return "".join(out)
