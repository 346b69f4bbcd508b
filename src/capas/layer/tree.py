"""The files of stacked layers, seen through their tables of contents: nothing is unpacked, no privilege is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from capas.errors import Corrupt, Invalid, NotFound
from capas.layer.contents import Contents
from capas.layer.entry import DIRECTORY, FILE, HARDLINK, SYMLINK, Entry
from capas.layer.marks import OPAQUE, WHITEOUT
from capas.layer.section import open_section, stored_size
from capas.store.contract import Readable

_MOST_LINKS = 40  # as Linux


class _Node:
    """A place in the tree: its entry, the layers that put it there and hold its body, its children if a directory."""

    __slots__ = ("children", "entry", "layer", "made")

    def __init__(self, entry: Entry, layer: int, made: int) -> None:
        self.entry = entry
        self.layer = layer
        self.made = made
        self.children: dict[bytes, _Node] | None = {} if entry.kind == DIRECTORY else None


class Located(NamedTuple):
    """An entry, which layer (0 is the bottom) holds its body, and which put it there: a hard link may be younger."""

    entry: Entry
    layer: int
    made: int


class Hidden(NamedTuple):
    """What a layer brought and the image has not: `by` is the layer that took it away.

    `replaced`: something else stands in its place since then.
    """

    entry: Entry
    layer: int
    made: int
    by: int
    replaced: bool


class Tree:
    """Layers stacked, bottom first. `open_tar(i)` gives the uncompressed tar of layer `i` from its first byte.

    Paths are bytes; leading and doubled slashes do not matter. Nothing is found outside the root.
    Spec: OCI image-spec, layer.md, "Applying Changesets".
    """

    def __init__(self, layers: Sequence[Contents], open_tar: Callable[[int], Readable]) -> None:
        self.layers = layers
        self.hidden: list[Hidden] = []
        """What was deleted or replaced, in that order; a directory with all that was in it."""
        self.open_tar = open_tar
        self._root = _Node(Entry(b"", DIRECTORY, 0o755), 0, 0)
        self._shared: set[int] = set()  # where bodies of files that were linked to begin
        for number, contents in enumerate(layers):
            self._stack(contents.entries, number)

    def find(self, path: bytes) -> Entry | None:
        """The entry at a path; a link at its end is not followed, links on the way are."""
        found = self._walk(path, follow=False)
        return found.entry if found else None

    def resolve(self, path: bytes) -> bytes | None:
        """The path with every link followed inside the root, None for no such path. Raises: Invalid for a loop."""
        found = self._walk(path, follow=True)
        return found.entry.path if found else None

    def locate(self, path: bytes) -> Located | None:
        """As `find`, links followed, with the layer that holds the body."""
        found = self._walk(path, follow=True)
        return Located(found.entry, found.layer, found.made) if found else None

    def list(self, path: bytes) -> Sequence[Entry]:
        """The entries in a directory, sorted; links on the way are followed. Raises: NotFound."""
        found = self._walk(path, follow=True)
        if found is None or found.children is None:
            raise NotFound("no such directory in the image: /{path}", path=path.decode(errors="replace").lstrip("/"))
        return [found.children[name].entry for name in sorted(found.children)]

    def iter(self, path: bytes = b"") -> Iterator[Entry]:
        """The entry at a path and all beneath it, each directory before what is in it, sorted. Nothing for no entry."""
        found = self._walk(path, follow=False)
        if found is not None:
            yield from (node.entry for node in _descend(found))

    def iter_located(self, path: bytes = b"") -> Iterator[Located]:
        """As `iter`, with the layers."""
        found = self._walk(path, follow=False)
        if found is not None:
            yield from (Located(node.entry, node.layer, node.made) for node in _descend(found))

    def bodies(self) -> dict[tuple[int, int], Entry]:
        """What the regular files hold, each once: the layer and the offset of it, with one of its names."""
        found: dict[tuple[int, int], Entry] = {}
        waiting = [self._root]
        while waiting:
            for node in (waiting.pop().children or {}).values():
                if node.children is not None:
                    waiting.append(node)
                elif node.entry.kind == FILE:
                    found.setdefault((node.layer, node.entry.offset), node.entry)
        return found

    def open(self, path: bytes) -> BinaryIO:
        """The bytes of a regular file, links followed. Raises: NotFound; Invalid for anything but a file."""
        found = self._walk(path, follow=True)
        name = path.decode(errors="replace").lstrip("/")
        if found is None:
            raise NotFound("no such file in the image: /{path}", path=name)
        if found.entry.kind != FILE:
            raise Invalid("/{path} in the image is not a regular file", path=name)
        return open_section(self.open_tar(found.layer), found.entry)

    def may_share(self, entry: Entry) -> bool:
        """Whether a file may have other names. Quick; `locate` tells which names are one file: they have one place."""
        return entry.offset in self._shared

    def iter_files(self, paths: Iterable[bytes]) -> Iterator[tuple[Entry, BinaryIO]]:
        """The regular files among the paths, with their bytes, in the order of the tars: each tar is read once.

        Order: a body must be read before the next is asked for.
        """
        found = (self._walk(path, follow=False) for path in paths)
        nodes = [node for node in found if node is not None and node.entry.kind == FILE]
        for number in sorted({node.layer for node in nodes}):
            tar = self.open_tar(number)
            at = 0
            for node in sorted((n for n in nodes if n.layer == number), key=lambda n: n.entry.offset):
                if node.entry.offset < at:  # the same body under another name: its tar is opened again
                    tar, at = self.open_tar(number), 0
                body = open_section(tar, node.entry, at=at)
                yield node.entry, body
                body.read()
                at = node.entry.offset + stored_size(node.entry)

    def _walk(self, path: bytes, *, follow: bool, make: int | None = None) -> _Node | None:
        """What is at a path. With `make` (a layer), what is missing or no directory on the way becomes one."""
        trail = [self._root]
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        parts.reverse()
        links = 0
        while parts:
            part = parts.pop()
            if part == b"..":
                trail = trail[:-1] or trail
                continue
            node = (trail[-1].children or {}).get(part)
            if node is not None and node.entry.kind == SYMLINK and (parts or follow):
                links += 1
                if links > _MOST_LINKS:
                    shown = path.decode(errors="replace").lstrip("/")
                    raise Invalid("too many links on the way to /{path}", path=shown)
                target = node.entry.target
                parts += reversed([piece for piece in target.split(b"/") if piece not in (b"", b".")])
                trail = [self._root] if target.startswith(b"/") else trail
                continue
            if make is not None and (node is None or node.children is None):
                if node is not None:
                    self._hide(node, make, replaced=True)
                node = _Node(_below(trail[-1], Entry(b"", DIRECTORY, 0o755), part), make, make)
                _children(trail[-1])[part] = node
            if node is None:
                return None
            trail.append(node)
        return trail[-1]

    def _stack(self, entries: Sequence[Entry], layer: int) -> None:
        marks = [entry for entry in entries if WHITEOUT in entry.path]
        self._white_out(marks, layer)
        known: dict[bytes, tuple[_Node, bool]] = {}  # directories by the paths that entries call them: are these real?
        for entry in entries:
            folder, _, name = entry.path.rpartition(b"/")
            if marks and name.startswith(WHITEOUT):
                continue
            if folder not in known:
                parent = self._walk(folder, follow=True, make=layer) or self._root
                known[folder] = parent, parent.entry.path == folder
            parent, is_real = known[folder]
            if not entry.path:
                self._root.entry, self._root.made = entry, layer
            elif is_real and entry.kind == FILE and parent.children is not None and name not in parent.children:
                parent.children[name] = _Node(entry, layer, layer)  # what most entries are, done quickly
            elif self._put(entry, parent, name, layer):
                known.clear()  # what was on the way to somewhere is another thing now

    def _put(self, entry: Entry, parent: _Node, name: bytes, layer: int) -> bool:
        """Whether it took the place of something, which is hidden now."""
        if entry.kind == HARDLINK:
            node = self._linked(entry, parent, name, layer)
        else:
            node = _Node(_below(parent, entry, name), layer, layer)
        children = _children(parent)
        old = children.get(name)
        children[name] = node
        if old is None:
            return False
        if node.children is not None and old.children is not None:
            node.children = old.children  # a directory over a directory changes its attributes only
            return False
        self._hide(old, layer, replaced=True)
        return True

    def _white_out(self, entries: Sequence[Entry], layer: int) -> None:
        """Deletions speak of the layers below, wherever they stand in this one."""
        for entry in entries:
            folder, _, name = entry.path.rpartition(b"/")
            if not name.startswith(WHITEOUT):
                continue
            parent = self._walk(folder, follow=True)
            if parent is None or parent.children is None:
                continue
            if name == OPAQUE:
                for below in parent.children.values():
                    self._hide(below, layer)
                parent.children.clear()
            elif (gone := parent.children.pop(name[len(WHITEOUT) :], None)) is not None:
                self._hide(gone, layer)

    def _hide(self, node: _Node, by: int, *, replaced: bool = False) -> None:
        self.hidden += (Hidden(one.entry, one.layer, one.made, by, replaced) for one in _descend(node))

    def _linked(self, entry: Entry, parent: _Node, name: bytes, made: int) -> _Node:
        target = self._walk(entry.target, follow=False)
        if target is None or target.children is not None:
            raise Corrupt("{path} is a hard link to nothing", path=entry.path.decode(errors="replace"))
        self._shared.add(target.entry.offset)
        return _Node(_below(parent, target.entry, name), target.layer, made)


def _below(parent: _Node, entry: Entry, name: bytes) -> Entry:
    """The entry at its real place: a parent may be reached through a link."""
    path = parent.entry.path + b"/" + name if parent.entry.path else name
    return entry if entry.path == path else entry._replace(path=path)


def _children(node: _Node) -> dict[bytes, _Node]:
    if node.children is None:
        raise Corrupt("{path} is not a directory", path=node.entry.path.decode(errors="replace"))
    return node.children


def _descend(node: _Node) -> Iterator[_Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        children = node.children
        if children:
            waiting += [children[name] for name in sorted(children, reverse=True)]
