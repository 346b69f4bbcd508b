"""Folders of the host as stat(2) shows them: names with their signatures, each read once, ignored names left out.

A build that changes nothing does no more than this for each of its files, so a file is one plain tuple here.
"""

from __future__ import annotations

import marshal
import os
import threading
from collections.abc import Iterable, Iterator
from hashlib import sha256
from operator import itemgetter
from stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG
from typing import NamedTuple

from capas.build.sources.descriptors import Directories
from capas.build.sources.walk import join
from capas.dockerfile.ignore import Ignore
from capas.errors import Denied

Row = tuple[str, int, int, int, int, int, int]
"""name, mode, size (the number of a device), mtime_ns, ctime_ns, inode, and the device it is on if it has other names.

A folder has its name and mode alone.
"""

_SIGNED = frozenset((S_IFREG, S_IFLNK, S_IFIFO))
_DEVICES = frozenset((S_IFCHR, S_IFBLK))
_KIND = 0o170000
_MTIME, _CTIME = itemgetter(3), itemgetter(4)
_PLAIN = 2  # marshal's last format in which equal values give equal bytes


class Folder(NamedTuple):
    """What is visible in one folder, by name. `newest_ns` is the latest time of any file in it."""

    rows: dict[str, Row]
    folders: tuple[str, ...]
    digest: bytes  # of all rows: the same while nothing in it changes
    newest_ns: int


class _Draft(NamedTuple):
    """A folder that was read; `doubtful` folders in it are there only if the rules leave something in them."""

    rows: list[Row]
    doubtful: frozenset[str]


class Folders:
    """The folders beneath an open directory. Safe from many threads."""

    def __init__(self, directories: Directories, ignore: Ignore) -> None:
        self._directories = directories
        self._ignore = ignore
        self._lock = threading.Lock()
        self._known: dict[bytes, Folder] = {}
        self._drafts: dict[bytes, _Draft] = {}
        self._states = {b"": Ignore.START}

    def get(self, path: bytes) -> Folder:
        """The folder at this path, empty where there is none. Raises: Denied."""
        found = self._known.get(path)
        if found is None:
            with self._lock:
                found = self._known.get(path) or self._load(path)
        return found

    def find(self, path: bytes) -> Row | None:
        """What stands at this path, where every part before it is a folder. Raises: Denied."""
        here, row = b"", None
        for part in path.split(b"/"):
            if row is not None and row[1] & _KIND != S_IFDIR:
                return None
            row = self.get(here).rows.get(os.fsdecode(part))
            if row is None:
                return None
            here = join(here, part)
        return row

    def find_known(self, path: bytes) -> Folder | None:
        """The folder at this path, if somebody looked into it."""
        return self._known.get(path)

    def seal(self, paths: Iterable[bytes]) -> tuple[bytes, int]:
        """A digest of all signatures at and beneath these paths, and the latest time in them (ns). Raises: Denied."""
        running, newest_ns = sha256(), 0
        for path in paths:
            row = self.find(path) if path else None
            if row is not None and row[1] & _KIND != S_IFDIR:
                running.update(sha256(repr(row).encode(errors="surrogateescape")).digest())
                newest_ns = max(newest_ns, row[3], row[4])
                continue
            for folder in self._iter_below(path):
                running.update(folder.digest)
                newest_ns = max(newest_ns, folder.newest_ns)
        return running.digest(), newest_ns

    def _iter_below(self, path: bytes) -> Iterator[Folder]:
        stack = [path]
        while stack:
            here = stack.pop()
            folder = self.get(here)
            yield folder
            stack += [join(here, os.fsencode(name)) for name in folder.folders]

    def _load(self, path: bytes) -> Folder:
        """Without recursion: a context may be as deep as it likes."""
        stack = [path]
        while stack:
            here = stack[-1]
            draft = self._drafts.get(here)
            if draft is None:
                draft = self._drafts[here] = self._draft(here, self._scan(here))
            inside = {name: join(here, os.fsencode(name)) for name in draft.doubtful}
            waiting = [below for below in inside.values() if below not in self._known]
            if waiting:
                stack += waiting
                continue
            empty = {name for name, below in inside.items() if not self._known[below].rows}
            self._known[here] = _finish([row for row in draft.rows if row[0] not in empty])
            del self._drafts[here]
            stack.pop()
        return self._known[path]

    def _draft(self, path: bytes, rows: list[Row]) -> _Draft:
        """Leave out what the rules leave out for good."""
        ignore = self._ignore
        if not ignore.rules:
            return _Draft(rows, frozenset())
        parent = self._states[path]
        prefix = os.fsdecode(path) + "/" if path else ""
        kept, doubtful = [], set()
        for row in rows:
            name = row[0]
            state = ignore.enter(prefix + name, parent)
            is_folder = row[1] & _KIND == S_IFDIR
            if is_folder:
                self._states[join(path, os.fsencode(name))] = state
            if ignore.leaves_out(state):
                if not is_folder or ignore.is_pruned(prefix + name, state):
                    continue
                doubtful.add(name)
            kept.append(row)
        return _Draft(kept, frozenset(doubtful))

    def _scan(self, path: bytes) -> list[Row]:
        try:
            fd = self._directories.open_dir(path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _denied(path, error) from None
        try:
            return _read(fd)
        except OSError as error:
            raise _denied(path, error) from None
        finally:
            os.close(fd)


def _read(fd: int) -> list[Row]:
    rows: list[Row] = []
    with os.scandir(fd) as scan:
        for item in scan:
            status = item.stat(follow_symlinks=False)
            mode = status.st_mode
            kind = mode & _KIND
            if kind in _SIGNED:
                times = (status.st_mtime_ns, status.st_ctime_ns)
                linked = status.st_dev if status.st_nlink > 1 else 0
                rows.append((item.name, mode, status.st_size, *times, status.st_ino, linked))
            elif kind == S_IFDIR:
                rows.append((item.name, mode, 0, 0, 0, 0, 0))
            elif kind in _DEVICES:
                rows.append((item.name, mode, status.st_rdev, 0, 0, 0, 0))  # a socket has no place in an image
    return rows


def _finish(rows: list[Row]) -> Folder:
    rows.sort()
    packed = marshal.dumps(rows, _PLAIN)
    newest_ns = max(max(map(_MTIME, rows), default=0), max(map(_CTIME, rows), default=0))
    folders = tuple(row[0] for row in rows if row[1] & _KIND == S_IFDIR)
    return Folder({row[0]: row for row in rows}, folders, sha256(packed).digest(), newest_ns)


def _denied(path: bytes, error: OSError) -> Denied:
    shown = path.decode(errors="replace") or "."
    return Denied("cannot read the directory {path}: {why}", path=shown, why=error.strerror)
