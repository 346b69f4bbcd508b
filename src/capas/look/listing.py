"""The files of an image, or the entries of one of its layers: listed, searched, and made when they are looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import chain, compress
from operator import eq
from typing import Any, overload

from capas.errors import NotFound
from capas.layer.entry import DIRECTORY
from capas.layer.stack import Ref
from capas.layer.tree import Tree
from capas.look.files import KINDS, ImageFile, find_mark, make_file, text_of
from capas.look.finding import Field, Test

_KINDS = {kind[0]: name for kind, name in KINDS.items()}
_COLUMNS = {"mode": ("modes", 0o755), "size": ("sizes", 0), "mtime_ns": ("mtimes_ns", 0)}
"""The columns that fields are in, and what a directory has that no layer lists."""


class Files(Sequence[ImageFile]):
    """Files of an image. One field of all of them is read at once; an `ImageFile` is made when it is asked for."""

    def __init__(self, tree: Tree, paths: Sequence[bytes], refs: Sequence[Ref], layer: int | None = None) -> None:
        self._tree, self._names, self._refs = tree, paths, refs
        self._layer = layer  # whose own entries these are; none: files of the merged tree

    def __len__(self) -> int:
        return len(self._refs)

    @overload
    def __getitem__(self, index: int) -> ImageFile: ...
    @overload
    def __getitem__(self, index: slice) -> Files: ...
    def __getitem__(self, index: int | slice) -> ImageFile | Files:
        if isinstance(index, slice):
            return Files(self._tree, self._names[index], self._refs[index], self._layer)
        path, ref = self._names[index], self._refs[index]
        if self._layer is None:
            found = self._tree.located(path, ref)
            return make_file(found.entry, found.made, found.sum)
        contents, row = self._tree.layers[self._layer], self._tree.stack.place(ref)[1]
        file = make_file(contents.entry(row, path), self._layer, contents.sum(row))
        mark = find_mark(path)
        return file._replace(kind=mark, digest="") if mark else file

    def __eq__(self, other: object) -> bool:
        """As lists are: equal files in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # as lists

    def __repr__(self) -> str:
        return f"<{len(self)} files of an image>"

    @property
    def paths(self) -> list[str]:
        """The path of each, as `ImageFile` has it."""
        return text_of(b"\0/".join([b"", *self._names])).split("\0")[1:]

    def values(self, field: Field) -> Sequence[Any]:
        """One field of each, as `ImageFile` has it."""
        if field == "path":
            return self.paths
        if field != "kind":
            return self._column(*_COLUMNS[field])
        kinds = [_KINDS[kind] for kind in self._column("kinds", DIRECTORY[0])]
        if self._layer is None:
            return kinds
        return [find_mark(path) or kind for path, kind in zip(self._names, kinds, strict=True)]

    def where(self, tests: Iterable[Test]) -> Files:
        """Those that pass all tests, which look at one field each."""
        found = self
        for test in tests:
            passed = list(map(test.passes, found.values(test.field)))
            paths, refs = compress(found._names, passed), compress(found._refs, passed)
            found = Files(self._tree, list(paths), list(refs), self._layer)
        return found

    def _column(self, name: str, default: int) -> Sequence[int]:
        layers = self._tree.stack.layers
        values = [*chain.from_iterable(getattr(one, name) for one in layers), *[default] * len(layers)]
        links = self._tree.stack.links if self._layer is None else {}
        refs = [links.get(ref, ref) for ref in self._refs] if links else self._refs
        return list(map(values.__getitem__, refs))  # what no layer lists is below zero: at the end


def list_files(tree: Tree, path: str = "/") -> Files:
    """The file at a path and all beneath it in the merged tree; links on the way, and a link itself, are followed.

    Order: by path, a directory before what is in it. Raises: NotFound; Invalid for links in a circle.
    """
    top = tree.resolve(os.fsencode(path))
    if top is None:
        raise NotFound("no such file in the image: {path}", path=path)
    return Files(tree, *tree.stack.list_beneath(top))


def list_layer(tree: Tree, number: int, path: str = "/") -> Files:
    """The entries of one layer at a path and beneath it, in its order, as they are there: whiteouts by their names."""
    top, start = os.fsencode(path).strip(b"/"), tree.stack.starts[number]
    found = {
        start + row: one
        for row, one in enumerate(tree.layers[number].columns.iter_paths())
        if not top or one == top or one.startswith(top + b"/")
    }
    return Files(tree, list(found.values()), list(found), number)
