"""The ways to apply a changeset: onto a tree that is there, or alone into a directory of its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Protocol

from capas.errors import Corrupt
from capas.layer.applied import Applied, LowerLink
from capas.layer.attributes import Attributes
from capas.layer.entry import DIRECTORY, Entry
from capas.layer.paths import TOP, Root, join
from capas.layer.remove import remove

IMPLICIT = Entry(b"", DIRECTORY, 0o755)
_EMPTY = Applied(0, 0)


class Style(Protocol):
    """What differs between the ways. Directories are named by their number in the root."""

    written: Callable[[int, bytes], None] | None
    """Told of every name that is about to be written by the layer, where this style wants to know."""

    def implied(self, folder: int, name: bytes) -> None:
        """A directory is about to be made in `folder` that the layer has not listed (yet)."""

    def listed(self, number: int, entry: Entry, *, fresh: bool) -> None:
        """A directory of the layer. `fresh`: it was not there before."""

    def remove(self, folder: int, name: bytes) -> bool:
        """Remove a name that the layer brings anew. Returns: whether ways have to be found again."""

    def white_out(self, folder: bytes, name: bytes) -> None:
        """A name is deleted from the layers below."""

    def make_opaque(self, folder: bytes) -> None:
        """A directory loses all that the layers below have in it."""

    def link_below(self, folder: int, name: bytes, entry: Entry) -> None:
        """A hard link whose target is not in the tree."""

    def finish(self) -> Applied:
        """Directories get their attributes."""


class Folders:
    """The directories that were made or written in, and the attributes they are to have in the end."""

    def __init__(self, root: Root, attributes: Attributes) -> None:
        self.root = root
        self.wanted: dict[int, tuple[Entry, bool]] = {}
        self._attributes = attributes

    def finish(self) -> list[int]:
        """Set all attributes. Returns: the directories that are still there.

        Order: the outer first, whose descriptors are then at hand for the inner; for an ordinary user the inner first,
        as the outer may end up closed to its owner.
        """
        order = list(self.wanted)
        alive = []
        for number in order if os.geteuid() == 0 else reversed(order):
            entry, fresh = self.wanted[number]
            try:
                fd = self.root.fd(number)
            except OSError:
                continue  # it was removed or replaced later on
            self._attributes.set_folder(fd, entry, fresh=fresh)
            alive.append(number)
        return alive

    def remove(self, folder: int, name: bytes) -> bool:
        """Remove a name with all beneath it."""
        stale = remove(self.root.fd(folder), name)
        if stale:
            self.root.forget()
            number = self.root.find_number(folder, name)
            if number is not None:
                self.wanted.pop(number, None)
        return stale


class Alone:
    """A layer by itself in an empty directory. With `mark`, that of opaque directories, overlayfs' marks are made."""

    def __init__(self, root: Root, attributes: Attributes, mark: str | None) -> None:
        self._root = root
        self._folders = Folders(root, attributes)
        self._folders.wanted[TOP] = (IMPLICIT, True)
        self._mark = mark
        self.written: Callable[[int, bytes], None] | None = None
        self._hidden: dict[tuple[bytes, bytes], None] = {}
        self._opaque: dict[bytes, None] = {}
        self._links: dict[tuple[int, bytes], LowerLink] = {}
        self._linked: dict[int, list[bytes]] = {}  # their names by directory
        self._made: set[int] = set()

    def implied(self, folder: int, name: bytes) -> None:
        """Note it; a listing that comes later wins."""
        number = self._root.number(folder, name)
        self._folders.wanted[number] = (IMPLICIT, True)
        self._made.add(number)
        self._forget_links(number)

    def listed(self, number: int, entry: Entry, *, fresh: bool) -> None:
        """Note the last listing."""
        self._folders.wanted[number] = (entry, True)
        if fresh:
            self._forget_links(number)

    def remove(self, folder: int, name: bytes) -> bool:
        """Remove an earlier entry."""
        return self._folders.remove(folder, name)

    def _forget_links(self, number: int) -> None:
        """Links to lower layers were to be in a directory that had this place before; they went with it."""
        for name in self._linked.pop(number, ()):
            self._links.pop((number, name), None)

    def white_out(self, folder: bytes, name: bytes) -> None:
        """Keep it until the whole layer is known."""
        self._hidden[folder, name] = None

    def make_opaque(self, folder: bytes) -> None:
        """Keep it until the whole layer is known."""
        self._opaque[folder] = None

    def link_below(self, folder: int, name: bytes, entry: Entry) -> None:
        """Note it, at its real place."""
        if _mode(self._root, folder, name) is not None:
            self.remove(folder, name)
        path = join(self._root.path(folder), name)
        self._links[folder, name] = LowerLink(path, entry.target)
        self._linked.setdefault(folder, []).append(name)

    def _drop_overwritten_links(self) -> None:
        for folder, name in list(self._links):
            try:
                gone = _mode(self._root, folder, name) is not None
            except OSError:
                gone = True  # with its directory
            if gone:
                del self._links[folder, name]

    def finish(self) -> Applied:
        """Attributes, then marks: a mark is made in directories whose times are to stay."""
        self._drop_overwritten_links()
        self._made.clear()  # what is made from here on is made for marks alone
        opaques = self._opaque_paths()
        whiteouts = self._whiteout_paths(opaques)
        alive = self._folders.finish()
        implicit = [number for number in alive if self._folders.wanted[number][0] is IMPLICIT]
        return _EMPTY._replace(
            whiteouts=tuple(whiteouts),
            opaques=tuple(opaques),
            implicit=tuple(map(self._root.path, implicit)),
            bare=tuple(self._root.path(number) for number in implicit if number in self._made),
            links=tuple(self._links.values()),
        )

    def _opaque_paths(self) -> dict[bytes, None]:
        found: dict[bytes, None] = {}
        for folder in self._opaque:
            number = self._root.enter(folder, make="nothing" if self._mark is None else "missing")
            found[folder if number is None else self._root.path(number)] = None
            self._mark_opaque(number)
        return found

    def _whiteout_paths(self, opaques: dict[bytes, None]) -> list[bytes]:
        found = []
        for folder, name in self._hidden:
            number = self._root.enter(folder, make="nothing" if self._mark is None else "missing")
            mode = None if number is None else _mode(self._root, number, name)
            path = join(folder if number is None else self._root.path(number), name)
            if number is not None and mode is not None and stat.S_ISDIR(mode):
                opaques[path] = None
                self._mark_opaque(self._root.enter(path))
            elif mode is None and (number, name) not in self._links:
                found.append(path)
                if self._mark is not None and number is not None:
                    os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=self._root.fd(number))
        return found

    def _mark_opaque(self, number: int | None) -> None:
        if self._mark is not None and number is not None:
            os.setxattr(self._root.fd(number), self._mark, b"y")


class Onto:
    """A layer upon a tree: what is written over goes, whiteouts delete, directories passed through keep their times."""

    def __init__(self, root: Root, attributes: Attributes) -> None:
        self._root = root
        self._folders = Folders(root, attributes)
        self._kept: dict[int, int] = {}
        self.written: Callable[[int, bytes], None] | None = self._write
        self._mine: set[int] = set()  # names that the layer brought, and the directories above them

    def implied(self, folder: int, name: bytes) -> None:
        """Note it, and that its parent changes."""
        self._keep_time(folder)
        self._folders.wanted[self._root.number(folder, name)] = (IMPLICIT, True)

    def listed(self, number: int, entry: Entry, *, fresh: bool) -> None:
        """Note the last listing."""
        self._folders.wanted[number] = (entry, fresh)
        self._own(number)

    def _write(self, folder: int, name: bytes) -> None:
        """The name is this layer's own from here on."""
        self._keep_time(folder)
        self._own(self._root.number(folder, name))

    def remove(self, folder: int, name: bytes) -> bool:
        """Remove what is in the way."""
        return self._folders.remove(folder, name)

    def white_out(self, folder: bytes, name: bytes) -> None:
        """Delete the name, as far as it is not this layer's own."""
        number = self._root.enter(folder)
        if number is not None and _mode(self._root, number, name) is not None:
            self._keep_time(number)
            self._delete([(number, name)])

    def make_opaque(self, folder: bytes) -> None:
        """Delete what is in the directory, as far as it is not this layer's own."""
        number = self._root.enter(folder)
        if number is not None:
            self._keep_time(number)
            self._delete(self._inside(number))

    def link_below(self, folder: int, name: bytes, entry: Entry) -> None:
        """There is nothing below. Raises: Corrupt."""
        raise Corrupt("{path!r} is a hard link to nothing", path=entry.path[:200])

    def finish(self) -> Applied:
        """Attributes, and the times of directories that were there."""
        self._folders.finish()
        for number, mtime_ns in self._kept.items():
            if number not in self._folders.wanted:
                try:
                    os.utime(self._root.fd(number), ns=(mtime_ns, mtime_ns))
                except OSError:
                    continue  # it was removed later on
        return _EMPTY

    def _keep_time(self, number: int) -> None:
        if number not in self._kept and number not in self._folders.wanted:
            self._kept[number] = os.fstat(self._root.fd(number)).st_mtime_ns

    def _own(self, number: int) -> None:
        while number not in self._mine:
            self._mine.add(number)
            number = self._root.parent(number)

    def _delete(self, places: list[tuple[int, bytes]]) -> None:
        while places:
            folder, name = places.pop()
            number = self._root.find_number(folder, name)
            if number not in self._mine:
                self._folders.remove(folder, name)
            elif number is not None and stat.S_ISDIR(_mode(self._root, folder, name) or 0):
                places += self._inside(number)

    def _inside(self, number: int) -> list[tuple[int, bytes]]:
        return [(number, os.fsencode(name)) for name in os.listdir(self._root.fd(number))]


def _mode(root: Root, folder: int, name: bytes) -> int | None:
    fd = root.fd(folder)
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
