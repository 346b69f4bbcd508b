"""The tree of an image, a stage or an archive as files to copy: read from its layers, never unpacked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import BinaryIO, cast

from capas.build.sources.walk import name_of, parent_of
from capas.layer.contents import Contents
from capas.layer.entry import DIRECTORY, FILE, Entry
from capas.layer.slice import Slice
from capas.layer.tree import Tree

_CHUNK = 1 << 20


class TreeFiles:
    """The files of a `Tree`, with their owners, times and attributes as they are there."""

    def __init__(
        self,
        label: str,
        layers: Sequence[Contents],
        open_tar: Callable[[int], Slice],
        *,
        limit_ns: int | None = None,
        mtime_ns: int | None = None,
    ) -> None:
        self.label = label
        self._tree = Tree(layers, open_tar)
        self._open_tar = open_tar
        self._limit_ns = limit_ns  # SOURCE_DATE_EPOCH: nothing is younger
        self._mtime_ns = mtime_ns  # a context's: every file is root's and of this time
        self._digests: dict[bytes, str] = {}

    def called(self, label: str) -> TreeFiles:
        """The same tree under another label, sharing all that is known of it."""
        other = copy.copy(self)
        other.label = label
        return other

    def find(self, path: bytes) -> Entry | None:
        """The entry at this path."""
        entry = self._tree.find(path)
        return None if entry is None else self._dated(entry)

    def list(self, path: bytes) -> Sequence[Entry]:
        """What is in this directory, by name."""
        entry = self._tree.find(path)
        if entry is None or entry.kind != DIRECTORY:
            return []
        return [self._dated(entry) for entry in self._tree.list(path)]

    def open(self, entry: Entry) -> BinaryIO:
        """A file's content."""
        found = self._tree.locate(entry.path)
        if found is None or found.entry.sparse is not None:
            return self._tree.open(entry.path)
        return cast(BinaryIO, self._open_tar(found.layer).cut(found.entry.offset, found.entry.size))

    def place(self, entry: Entry) -> tuple[int, int]:
        """Which layer has a file's body, and where in its tar: hard links have one place."""
        found = self._tree.locate(entry.path)
        return (found.layer, found.entry.offset) if found else (-1, -1)

    def digest(self, entry: Entry) -> str:
        """A file's content digest, read once."""
        found = self._digests.get(entry.path)
        if found is None:
            running = sha256()
            with self.open(entry) as file:
                while data := file.read(_CHUNK):
                    running.update(data)
            found = self._digests[entry.path] = running.hexdigest()
        return found

    def learn(self, entry: Entry, digest: str) -> None:
        """The file has just been read."""
        self._digests[entry.path] = digest

    def inode(self, entry: Entry) -> tuple[int, int] | None:
        """Its place, if another name may share it."""
        return self.place(entry) if entry.kind == FILE and self._tree.may_share(entry) else None

    def key(self, paths: Sequence[bytes], how: bytes, compute: Callable[[], str]) -> str:
        """Computed: the digests that it is made of are known already."""
        return compute()

    def explain_absence(self, path: bytes) -> str:
        """What is nearly called so."""
        import difflib  # only for errors

        names = [name_of(entry.path).decode(errors="replace") for entry in self.list(parent_of(path))]
        near = difflib.get_close_matches(name_of(path).decode(errors="replace"), names, n=3, cutoff=0.6)
        return "did you mean " + " or ".join(near) + "?" if near else ""

    def _dated(self, entry: Entry) -> Entry:
        if self._mtime_ns is not None:
            return entry._replace(uid=0, gid=0, mtime_ns=self._mtime_ns)
        if self._limit_ns is None or entry.mtime_ns <= self._limit_ns:
            return entry
        return entry._replace(mtime_ns=self._limit_ns)
