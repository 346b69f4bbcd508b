"""Where copied files land: the target looked up in the tree below, missing directories made, every entry laid out.

The tree below is only looked at (it is never unpacked), so no path of the host is touched, whatever links it holds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from capas.build.modes import Mode
from capas.build.owners import ROOT, Owner
from capas.build.selection import Picked
from capas.build.sources.contract import Files
from capas.build.sources.walk import clean, join, name_of, parent_of, resolve
from capas.errors import Invalid
from capas.layer.entry import DIRECTORY, HARDLINK, SYMLINK, Entry


class Placed(NamedTuple):
    """An entry of the new layer, and where its content comes from."""

    entry: Entry
    files: Files | None = None
    source: Entry | None = None
    inode: Hashable | None = None  # equal for names of one file


class Placement:
    """The entries of one new layer on top of `below` (None: nothing is there, or nothing is to be looked at)."""

    def __init__(
        self, below: Files | None, *, owner: Owner | None = None, mode: Mode | None = None, mtime_ns: int = 0
    ) -> None:
        self._below = below
        self._owner = owner
        self._mode = mode
        self._mtime_ns = mtime_ns
        self._placed: dict[bytes, Placed] = {}
        self._new: set[bytes] = set()  # directories that were not there: nothing below them needs looking up

    def find(self, path: bytes) -> Entry | None:
        """What is at this path once this layer is there."""
        placed = self._placed.get(path)
        if placed is not None:
            return placed.entry
        if self._below is None or parent_of(path) in self._new:
            return None
        return self._below.find(path)

    def iter_placed(self) -> Iterator[Placed]:
        """Every entry, by path in byte order. Of the names of one file the first is the file, the others link to it."""
        first: dict[Hashable, bytes] = {}
        for path in sorted(self._placed):
            placed = self._placed[path]
            target = path if placed.inode is None else first.setdefault(placed.inode, path)
            if target != path:
                placed = placed._replace(entry=placed.entry._replace(kind=HARDLINK, size=0, target=target))
            yield placed

    def make_directories(self, path: bytes) -> bytes:
        """Make what is missing of this path; the path with its links followed.

        Raises: Invalid where a part of it is a file.
        """
        real = resolve(self.find, path)
        parts = real.split(b"/") if real else []
        for end in range(1, len(parts) + 1):
            part = b"/".join(parts[:end])
            entry = self.find(part)
            if entry is None:
                uid, gid = self._owner or ROOT
                self._placed[part] = Placed(Entry(part, DIRECTORY, 0o755, uid, gid, mtime_ns=self._mtime_ns))
                self._new.add(part)
            elif entry.kind != DIRECTORY:
                raise Invalid("/{path} is in the way: it is not a directory", path=part.decode(errors="replace"))
        return real

    def is_directory(self, target: str) -> bool:
        """Whether what is copied to this target lands in a directory, there already or asked for by a slash."""
        path = clean(target.encode(errors="surrogateescape"))
        there = self.find(resolve(self.find, path)) if path else None
        return _asks_directory(target) or (there is not None and there.kind == DIRECTORY)

    def put(self, picked: Picked, target: str) -> None:
        """Lay one source out at `target`, absolute; a slash at its end makes it a directory."""
        path = clean(target.encode(errors="surrogateescape"))
        wants_directory = _asks_directory(target) or picked.parents is not None
        self.make_directories(path if wants_directory else parent_of(path))
        if picked.parents:
            path = self._put_parents(picked, resolve(self.find, path))
        real = resolve(self.find, path)
        there = self.find(real) if real else Entry(b"", DIRECTORY)
        if picked.is_directory:
            self._put_directory(picked, real)
            return
        if there is not None and there.kind == DIRECTORY:
            real = join(real, picked.name)
        self._put_entry(real, picked.entry, picked)

    def _put_parents(self, picked: Picked, base: bytes) -> bytes:
        """Make the directories in front that are missing, as they are in the source; the path of the last."""
        for relative, entry in picked.parents or ():
            path = resolve(self.find, join(base, relative))
            if self.find(path) is None:
                self._put_entry(path, entry, picked)
        return join(base, picked.prefix)

    def _put_directory(self, picked: Picked, real: bytes) -> None:
        base = self.make_directories(real)
        for relative, entry in picked.iter_below():
            self._put_entry(join(base, relative), entry, picked)

    def _put_entry(self, path: bytes, entry: Entry, picked: Picked) -> None:
        there = self.find(path)
        if name_of(path).startswith(b".wh."):
            raise Invalid("a file cannot be called {name}: in a layer this name deletes another file", name=_show(path))
        if entry.kind == DIRECTORY:
            if there is None:
                self._new.add(path)
            elif there.kind != DIRECTORY:
                raise Invalid(
                    "cannot copy a directory to /{path}: it is not a directory in the image", path=_show(path),
                    hint="copy its contents to where the link leads" if there.kind == SYMLINK else "",
                )  # fmt: skip
        elif there is not None and there.kind == DIRECTORY:
            raise Invalid("cannot copy a file to /{path}: it is a directory in the image", path=_show(path))
        dressed = self._dressed(path, entry, keep_mode=picked.archive)
        self._placed[path] = Placed(dressed, picked.files, entry, picked.inode(entry))

    def _dressed(self, path: bytes, entry: Entry, *, keep_mode: bool) -> Entry:
        """As the flags ask; --chmod leaves what an archive holds as it is there, as BuildKit does."""
        mode, uid, gid = entry.mode, entry.uid, entry.gid
        if self._mode is not None and not keep_mode and entry.kind != SYMLINK:
            mode = self._mode(mode, entry.kind == DIRECTORY)
        if self._owner is not None:
            uid, gid = self._owner
        return Entry(
            path, entry.kind, mode, uid, gid, entry.size, entry.mtime_ns, entry.target, entry.device, entry.xattrs
        )


def _asks_directory(target: str) -> bool:
    return target.endswith(("/", "/.")) or target in ("", ".")


def _show(path: bytes) -> str:
    return path.decode(errors="replace")
