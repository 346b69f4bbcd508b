"""Corrections: what layers unpacked apart lack to be the tree that unpacking one onto the other gives.

A directory that a layer needed but did not list has the attributes of the one below; where there is a link below, what
the layer has beneath belongs where the link leads; a hard link into a layer below is a copy here of that file. Such
things stand in a directory right above the layer, made once for each stack: the layer itself serves every image.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator

from capas.errors import Corrupt
from capas.layer.applied import Applied
from capas.layer.paths import join
from capas.snapshot.beneath import find, follow, same_files
from capas.snapshot.duplicate import dress, duplicate


def needs_correction(notes: Applied) -> bool:
    """Whether a layer can look different above others than alone. The root's attributes are the stack's affair."""
    return any(notes.implicit) or bool(notes.links) or any(b"/" in path for path in notes.whiteouts)


def correct(notes: Applied, below: bytes, layer: bytes, target: bytes, *, lenient: bool = False) -> bool:
    """Write the correction of `layer` over the tree shown at `below` into `target`. Whether there is anything in it.

    Raises: Corrupt for a hard link to nothing, or a loop of links.
    """
    return _Correction(notes, below, layer, target, lenient).run()


class _Correction:
    """Paths are those of the tree; `_folders` says whose attributes each directory of the correction is to have."""

    def __init__(self, notes: Applied, below: bytes, layer: bytes, target: bytes, lenient: bool) -> None:
        self._notes = notes
        self._below = below
        self._layer = layer
        self._target = target
        self._lenient = lenient
        self._implicit = frozenset(notes.implicit)
        self._opaque = frozenset(notes.opaques)
        self._bare = frozenset(notes.bare)
        self._folders: dict[bytes, bytes] = {}
        self._settled: dict[bytes, bytes | None] = {}  # trees of the layer that go elsewhere, or out of sight
        self._moved: dict[int, bytes] = {}

    def run(self) -> bool:
        for settle in (self._settle, self._settle_bare):  # what moves first: it may move into a bare directory
            for path in sorted(self._implicit):
                if path and not self._is_covered(path):
                    settle(path)
        for path in self._notes.whiteouts:
            self._hide_mark(path.rpartition(b"/")[0])
        for link in self._notes.links:
            self._link(link.path, link.target)
        for path in sorted(self._folders, reverse=True):  # the inner first: they change the times of the outer
            self._finish(self._at(path), self._folders[path])
        return bool(os.listdir(self._target))

    # one directory that the layer does not list

    def _settle(self, path: bytes) -> None:
        status = find(self._below, path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            self._ensure(path)
        elif status is not None and stat.S_ISLNK(status.st_mode):
            self._put(self._below, path, path)
            where = follow(self._below, path)
            self._settled[path] = where
            self._clear(path, where)
            self._move(path, where)

    def _settle_bare(self, path: bytes) -> None:
        """One made for the sake of its whiteouts: where these have nothing to delete, it is not to be seen."""
        status = find(self._below, path)
        if path not in self._bare or path in self._folders or (status is not None and stat.S_ISDIR(status.st_mode)):
            return
        self._settled[path] = None
        if status is None:
            self._white_out(path)
        else:
            self._put(self._below, path, path)
            self._moved[-status.st_ino] = path
            for name in same_files(self._below, path, status):
                if name != path and not self._is_hidden(name):
                    self._add_name(path, name)

    def _hide_mark(self, folder: bytes) -> None:
        """Overlayfs hides the marks in a directory only where it merges two: so there is a second one, here."""
        status = find(self._layer, folder)
        if not folder or status is None or not stat.S_ISDIR(status.st_mode):
            return
        here = (folder, *_above(folder))
        merged = self._is_folder_below(folder) and not self._opaque.intersection(here)
        if not merged and not any(place in self._settled for place in here):
            self._ensure(folder)

    def _is_covered(self, path: bytes) -> bool:
        """Whether what is below at a path does not matter: the layer's directory is opaque, or stands elsewhere."""
        above = list(_above(path))
        return any(folder in self._opaque for folder in above) or any(
            place in self._settled for place in (*above, path)
        )

    def _is_folder_below(self, path: bytes) -> bool:
        status = find(self._below, path)
        return status is not None and stat.S_ISDIR(status.st_mode)

    # what goes where a link leads

    def _move(self, source: bytes, where: bytes) -> None:
        """What the layer has beneath `source` goes to `where`."""
        if source not in self._bare:
            self._ensure(where)
        for name in sorted(os.listdir(join(self._layer, source))):
            old, new = join(source, name), join(where, name)
            status = os.lstat(join(self._layer, old))
            if stat.S_ISDIR(status.st_mode):
                self._move_folder(old, new)
            elif stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
                if find(self._below, new) is not None:
                    self._white_out(new)
            else:
                self._move_file(old, new, status)

    def _move_folder(self, old: bytes, new: bytes) -> None:
        status = find(self._below, new)
        if old in self._implicit:
            if status is not None and stat.S_ISLNK(status.st_mode):
                new = follow(self._below, new)
            elif status is None and old in self._bare:
                return
        else:
            self._ensure(new)
            self._folders[new] = join(self._layer, old)
        self._clear(old, new)
        self._move(old, new)

    def _clear(self, old: bytes, new: bytes) -> None:
        """What an opaque directory hides at the place where it goes."""
        if old in self._opaque and self._is_folder_below(new):
            for name in os.listdir(join(self._below, new)):
                if find(self._layer, join(old, name)) is None and find(self._layer, join(new, name)) is None:
                    self._white_out(join(new, name))

    def _move_file(self, old: bytes, new: bytes, status: os.stat_result) -> None:
        first = self._moved.setdefault(status.st_ino, new)
        if first != new:
            self._add_name(first, new)
            return
        self._put(self._layer, old, new)
        for name in same_files(self._layer, old, status):  # those that stay where they are
            if not any(folder in self._settled for folder in _above(name)):
                self._add_name(first, name)

    def _add_name(self, first: bytes, name: bytes) -> None:
        self._make_room(name)
        os.link(self._at(first), self._at(name), follow_symlinks=False)

    # hard links to what is below

    def _link(self, path: bytes, target: bytes) -> None:
        """One copy of the file for all its names, those it has below among them."""
        path = self._place(path)
        source = join(follow(self._below, target.rpartition(b"/")[0]), target.rpartition(b"/")[2])
        root, status = self._source(source)
        if status is None or stat.S_ISDIR(status.st_mode):
            raise Corrupt("{path} is a hard link to nothing", path=os.fsdecode(path[:200]))
        number = status.st_ino if root is self._layer else -status.st_ino
        first, names = self._moved.get(number), [path]
        if first is None:
            first = self._moved[number] = path
            self._put(root, source, path)
            names = same_files(root, source, status)
        for name in names:
            if name == first:
                continue
            if name == path or root is self._layer or not self._is_hidden(name):
                self._add_name(first, name)

    def _source(self, path: bytes) -> tuple[bytes, os.stat_result | None]:
        """The tree that has a link's target: the layer itself may, by a path that only a link below completes."""
        own = find(self._layer, path)
        if own is None or stat.S_ISDIR(own.st_mode) or (stat.S_ISCHR(own.st_mode) and own.st_rdev == 0):
            return self._below, find(self._below, path)
        return self._layer, own

    def _place(self, path: bytes) -> bytes:
        for folder in _above(path):
            where = self._settled.get(folder)
            if where is not None:
                self._ensure(where)
                return join(where, path[len(folder) + 1 :])
        return path

    def _is_hidden(self, path: bytes) -> bool:
        """Whether the layer itself deletes or replaces the name."""
        above = (*_above(path), path)
        deleted = any(name in self._opaque for name in above[:-1]) or any(n in self._notes.whiteouts for n in above)
        return deleted or os.path.lexists(self._at(path)) or find(self._layer, path) is not None

    # writing

    def _ensure(self, path: bytes) -> None:
        """The directory and those above it: the layer knows those that it lists, the tree below the others."""
        for folder in (*reversed(list(_above(path))), path):
            if not folder or folder in self._folders:
                continue
            ours = find(self._layer, folder)
            listed = ours is not None and stat.S_ISDIR(ours.st_mode) and folder not in self._implicit
            root = self._below if not listed and self._is_folder_below(folder) else self._layer
            self._make_folder(folder, join(root, folder) if find(root, folder) else b"")

    def _make_folder(self, path: bytes, like: bytes) -> None:
        place = self._at(path)
        if not os.path.isdir(place) or os.path.islink(place):
            self._unlink(path)
            os.mkdir(place, 0o755)
        self._folders[path] = like if like and os.path.isdir(like) else b""

    def _finish(self, place: bytes, like: bytes) -> None:
        if like:
            dress(like, os.lstat(like), place, lenient=self._lenient)
        else:
            os.utime(place, ns=(0, 0))  # as `apply` makes what no layer lists

    def _put(self, root: bytes, source: bytes, path: bytes) -> None:
        self._make_room(path)
        duplicate(join(root, source), os.lstat(join(root, source)), self._at(path), lenient=self._lenient)

    def _white_out(self, path: bytes) -> None:
        self._make_room(path)
        os.mknod(self._at(path), stat.S_IFCHR, 0)

    def _make_room(self, path: bytes) -> None:
        self._ensure(path.rpartition(b"/")[0])
        self._unlink(path)

    def _unlink(self, path: bytes) -> None:
        try:
            os.unlink(self._at(path))
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            shutil.rmtree(self._at(path))
            for folder in [name for name in self._folders if name == path or name.startswith(path + b"/")]:
                del self._folders[folder]

    def _at(self, path: bytes) -> bytes:
        return join(self._target, path)


def _above(path: bytes) -> Iterator[bytes]:
    """The directories above a path, the nearest first, without the root."""
    while path := path.rpartition(b"/")[0]:
        yield path
