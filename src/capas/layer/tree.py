"""The files of stacked layers, seen through their tables of contents: nothing is unpacked, no privilege is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import BinaryIO, NamedTuple

from capas.errors import Invalid, NotFound
from capas.layer.contents import UNKNOWN, Contents
from capas.layer.entry import DIRECTORY, FILE, Entry
from capas.layer.paths import join
from capas.layer.section import open_section, stored_size
from capas.layer.stack import Ref, Stack
from capas.store.contract import Readable


class Located(NamedTuple):
    """An entry, which layer (0 is the bottom) holds its body, and which put it there: a hard link may be younger.

    `sum` is the SHA-256 of what a regular file holds, `UNKNOWN` for anything else and where files were not read.
    """

    entry: Entry
    layer: int
    made: int
    sum: bytes


class Hidden(NamedTuple):
    """What a layer brought and the image has not: `by` is the layer that took it away.

    `replaced`: something else stands in its place since then.
    """

    entry: Entry
    layer: int
    made: int
    sum: bytes
    by: int
    replaced: bool


class Tree:
    """Layers stacked, bottom first. `open_tar(i)` gives the uncompressed tar of layer `i` from its first byte.

    Paths are bytes; leading and doubled slashes do not matter. Nothing is found outside the root.
    Spec: OCI image-spec, layer.md, "Applying Changesets".
    """

    def __init__(self, layers: Sequence[Contents], open_tar: Callable[[int], Readable]) -> None:
        self.layers = layers
        self.open_tar = open_tar
        self.stack = Stack([contents.columns for contents in layers])

    @cached_property
    def hidden(self) -> Sequence[Hidden]:
        """What was deleted or replaced, in that order; a directory with all that was in it."""
        return [Hidden(*self.located(path, ref), by, replaced) for path, ref, by, replaced in self.stack.gone]

    def find(self, path: bytes) -> Entry | None:
        """The entry at a path; a link at its end is not followed, links on the way are."""
        found = self._locate(path, follow=False)
        return found.entry if found else None

    def resolve(self, path: bytes) -> bytes | None:
        """The path with every link followed inside the root, None for no such path. Raises: Invalid for a loop."""
        return self.stack.walk(path, follow=True)

    def locate(self, path: bytes) -> Located | None:
        """As `find`, links followed, with the layer that holds the body."""
        return self._locate(path, follow=True)

    def list(self, path: bytes) -> Sequence[Entry]:
        """The entries in a directory, sorted; links on the way are followed. Raises: NotFound."""
        found = self.stack.walk(path, follow=True)
        folder = None if found is None else self.stack.folders.get(found)
        if folder is None:
            raise NotFound("no such directory in the image: /{path}", path=path.decode(errors="replace").lstrip("/"))
        return [self.entry(join(folder.path, name), folder.names[name]) for name in sorted(folder.names)]

    def iter(self, path: bytes = b"") -> Iterator[Entry]:
        """The entry at a path and all beneath it, each directory before what is in it, sorted. Nothing for no entry."""
        found = self.stack.walk(path, follow=False)
        if found is not None:
            yield from map(self.entry, *self.stack.list_beneath(found))

    def iter_located(self, path: bytes = b"") -> Iterator[Located]:
        """As `iter`, with the layers."""
        found = self.stack.walk(path, follow=False)
        if found is not None:
            yield from map(self.located, *self.stack.list_beneath(found))

    def entry(self, path: bytes, ref: Ref) -> Entry:
        """The entry that the stack has at a path."""
        layer, row = self.stack.place(self.stack.links.get(ref, ref))
        return Entry(path, DIRECTORY, 0o755) if row < 0 else self.layers[layer].entry(row, path)

    def located(self, path: bytes, ref: Ref) -> Located:
        """As `entry`, with the layers."""
        body = self.stack.links.get(ref, ref)
        layer, row = self.stack.place(body)
        made = layer if body == ref else self.stack.place(ref)[0]
        return Located(self.entry(path, body), layer, made, UNKNOWN if row < 0 else self.layers[layer].sum(row))

    def bodies(self) -> set[Ref]:
        """What the names stand for, each once: of hard links what they are other names of."""
        stack = self.stack
        refs = set(chain.from_iterable(folder.names.values() for folder in stack.folders.values()))
        linked = {ref for ref in stack.links if ref in refs}
        return (refs - linked) | {stack.links[ref] for ref in linked}

    @property
    def size(self) -> int:
        """The bytes of all files, what has several names once."""
        sizes = list(chain.from_iterable(columns.sizes for columns in self.stack.layers))
        return sum(sizes[ref] for ref in self.bodies() if ref >= 0)

    def open(self, path: bytes) -> BinaryIO:
        """The bytes of a regular file, links followed. Raises: NotFound; Invalid for anything but a file."""
        found = self._locate(path, follow=True)
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
        found = (self._locate(path, follow=False) for path in paths)
        files = [one for one in found if one is not None and one.entry.kind == FILE]
        for number in sorted({one.layer for one in files}):
            tar = self.open_tar(number)
            at = 0
            for entry in sorted((one.entry for one in files if one.layer == number), key=lambda entry: entry.offset):
                if entry.offset < at:  # the same body under another name: its tar is opened again
                    tar, at = self.open_tar(number), 0
                body = open_section(tar, entry, at=at)
                yield entry, body
                body.read()
                at = entry.offset + stored_size(entry)

    @cached_property
    def _shared(self) -> set[int]:
        """Where bodies of files that were linked to begin."""
        places = map(self.stack.place, self.stack.links.values())
        return {self.layers[layer].columns.offsets[row] for layer, row in places}

    def _locate(self, path: bytes, *, follow: bool) -> Located | None:
        found = self.stack.walk(path, follow=follow)
        ref = None if found is None else self.stack.find(found)
        return None if found is None or ref is None else self.located(found, ref)
