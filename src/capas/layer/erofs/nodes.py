"""The files of one layer by itself, in memory: what `layer.apply` would write into an empty directory.

Order: entries as in the tar; of those with one path the last wins. Links on the way to a place are followed inside the
layer, as when it is unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator

from capas.errors import Corrupt
from capas.layer import entry as kinds
from capas.layer.applied import Applied, LowerLink
from capas.layer.entry import Entry
from capas.layer.erofs.costs import Costs, check_target
from capas.layer.marks import WHITEOUT, read_mark
from capas.layer.paths import join

IMPLICIT = Entry(b"", kinds.DIRECTORY, 0o755)
DELETED = Entry(b"", kinds.CHARACTER, 0, device=(0, 0))
"""Overlayfs' mark for a name that is gone."""

_MOST_LINKS = 40  # as Linux


class File:
    """An inode that is no directory, under however many names: `links` is counted when it is laid out."""

    __slots__ = ("entry", "links", "slot")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.links = 0
        self.slot = 0


class Folder:
    """A directory. `entry` is IMPLICIT where the layer has not listed it."""

    __slots__ = ("children", "entry", "name", "opaque", "parent", "size", "slot")

    def __init__(self, parent: Folder | None, name: bytes) -> None:
        self.parent = parent or self
        self.name = name
        self.size: int = parent.size + 1 + len(name) if parent else 0  # bytes of its path
        self.entry = IMPLICIT
        self.children: dict[bytes, Folder | File] = {}
        self.opaque = False
        self.slot = 0

    @property
    def path(self) -> bytes:
        """Where it is in the layer."""
        names, at = [], self
        while at.parent is not at:
            names.append(at.name)
            at = at.parent
        return b"/".join(reversed(names))


class LayerTree:
    """Takes the entries of a layer one by one; `finish` settles what can only be known at the end."""

    def __init__(self) -> None:
        self.root = Folder(None, b"")
        self._nowhere = Folder(None, b"")  # above every folder that is taken out again
        self._path: bytes = b""  # the folder of the last entry
        self._folder = self.root
        self._hidden: dict[tuple[bytes, bytes], None] = {}
        self._opaque: dict[bytes, None] = {}
        self._links: dict[tuple[Folder, bytes], LowerLink] = {}
        self._costs = Costs()
        self._size = 0
        self.has_holes = False

    def add(self, entry: Entry) -> None:
        """The next entry. Raises: Corrupt for one that no tree can have; Unsupported; Exhausted."""
        self._costs.entries += 1
        path, kind = entry[0], entry[1]
        if b".wh." in path and (path.startswith(WHITEOUT) or b"/.wh." in path):
            self._add_whiteout(path)
        elif not path:
            self._add_root(entry)
        elif kind == kinds.FILE:
            self._size += entry[5]
            self.has_holes = self.has_holes or entry.sparse is not None
            self._put(path, File(entry))
        elif kind == kinds.DIRECTORY:
            self._add_folder(entry)
        elif kind == kinds.HARDLINK:
            self._add_link(entry)
        elif kind == kinds.CHARACTER and entry.device == (0, 0):
            self._hidden[path.rpartition(b"/")[::2]] = None  # overlayfs would take it for its own mark
        else:
            if kind == kinds.SYMLINK:
                check_target(entry.target)
            self._put(path, File(entry))

    def finish(self) -> Applied:
        """Whiteouts and opaque directories become overlayfs' marks. What is left for whoever stacks the layer.

        Raises: Exhausted.
        """
        listed = set(self._iter_folders())
        for folder, name in list(self._links):
            if name in folder.children or folder not in listed:
                del self._links[folder, name]
        opaques = self._mark_opaques()
        whiteouts = self._mark_whiteouts(opaques)
        implicit = [folder for folder in self._iter_folders() if folder.entry is IMPLICIT]
        return Applied(
            self._costs.entries,
            self._size,
            whiteouts=tuple(whiteouts),
            opaques=tuple(opaques),
            implicit=tuple(folder.path for folder in implicit),
            bare=tuple(folder.path for folder in implicit if folder not in listed),
            links=tuple(self._links.values()),
        )

    # one entry

    def _add_root(self, entry: Entry) -> None:
        if entry.kind != kinds.DIRECTORY:
            raise Corrupt("the root of a layer is not a directory")
        self.root.entry = entry

    def _add_folder(self, entry: Entry) -> None:
        parent, name = self._place(entry.path)
        found = parent.children.get(name)
        if not isinstance(found, Folder):
            found = Folder(parent, name)
            self._set(parent, name, found)
        found.entry = entry

    def _add_link(self, entry: Entry) -> None:
        parent, name = self._place(entry.path)
        above, _, last = entry.target.rpartition(b"/")
        folder = self._enter(above)
        if folder is parent and last == name:
            return  # a link to itself
        target = None if folder is None else folder.children.get(last)
        if isinstance(target, Folder) or (folder is not None and not last):
            raise Corrupt("{path!r} is a hard link to a directory", path=entry.path[:200])
        if target is None:
            self._remove(parent, name)
            self._costs.note(parent.size + len(name) + len(entry.target))
            self._links[parent, name] = LowerLink(join(parent.path, name), entry.target)
        elif parent.children.get(name) is not target:
            if self._remove(parent, name) and folder is not None and not self._is_attached(folder):
                raise Corrupt("{path!r} is a hard link to a file beneath itself", path=entry.path[:200])
            self._set(parent, name, target)

    def _add_whiteout(self, path: bytes) -> None:
        mark = read_mark(path)
        if mark is None:
            return
        folder, hidden = mark
        if hidden:
            self._hidden[folder, hidden] = None
        else:
            self._opaque[folder] = None

    # places

    def _put(self, path: bytes, file: File) -> None:
        parent, name = self._place(path)
        self._set(parent, name, file)

    def _set(self, parent: Folder, name: bytes, node: Folder | File) -> None:
        old = parent.children.get(name)
        if old is not None:
            self._remove(parent, name)
        parent.children[name] = node

    def _remove(self, parent: Folder, name: bytes) -> bool:
        """Take a name out. Returns: whether it was a folder's."""
        old = parent.children.pop(name, None)
        if isinstance(old, Folder):
            old.parent = self._nowhere
        if isinstance(old, Folder) or (old is not None and old.entry.kind == kinds.SYMLINK):
            self._path, self._folder = b"", self.root  # the way to the last entry's folder may lead elsewhere now
        return isinstance(old, Folder)

    def _place(self, path: bytes) -> tuple[Folder, bytes]:
        """The folder for an entry, made where it is missing, and the name in it."""
        above, _, name = path.rpartition(b"/")
        if above != self._path:
            self._folder = self._enter(above, make=True, replace=True) or self.root
            self._path = above
        return self._folder, name

    def _enter(self, path: bytes, *, make: bool = False, replace: bool = False) -> Folder | None:
        """The folder at a path, links followed; None where it is not there.

        `make`: what is missing on the way is made; `replace`: what is neither folder nor link too.
        """
        at, links = self.root, 0
        parts = path.split(b"/")[::-1]
        while parts:
            part = parts.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                at = at.parent
                continue
            found = at.children.get(part)
            if isinstance(found, Folder):
                at = found
            elif found is not None and found.entry.kind == kinds.SYMLINK:
                links += 1
                if links > _MOST_LINKS:
                    raise Corrupt("too many links on the way to /{path}", path=path[:200].decode("utf-8", "replace"))
                target = found.entry.target.split(b"/")
                self._costs.follow(len(target))
                parts += reversed(target)
                at = self.root if found.entry.target.startswith(b"/") else at
            elif (found is None and make) or replace:
                below = Folder(at, part)
                self._costs.note(below.size)
                at.children[part] = below
                at = below
            else:
                return None
        return at

    def _is_attached(self, folder: Folder) -> bool:
        while folder.parent is not folder:
            folder = folder.parent
        return folder is self.root

    def _iter_folders(self) -> Iterator[Folder]:
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting += [child for child in folder.children.values() if isinstance(child, Folder)]

    # marks

    def _mark_opaques(self) -> dict[bytes, None]:
        found: dict[bytes, None] = {}
        for path in self._opaque:
            folder = self._enter(path, make=True)
            place = path if folder is None else folder.path
            self._costs.note(len(place))
            found[place] = None
            if folder is not None:
                folder.opaque = True
        return found

    def _mark_whiteouts(self, opaques: dict[bytes, None]) -> list[bytes]:
        found = []
        for above, name in self._hidden:
            folder = self._enter(above, make=True)
            path = join(above if folder is None else folder.path, name)
            self._costs.note(len(path))
            there = None if folder is None else folder.children.get(name)
            if isinstance(there, Folder):
                opaques[path] = None
                there.opaque = True
            elif folder is None:
                found.append(path)
            elif there is None and (folder, name) not in self._links:
                found.append(path)
                folder.children[name] = File(DELETED)
        return found
