"""What differs between two images, wherever they are: files by what they hold, packages, config, history, bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from capas.image.config_changes import Change, compare_configs
from capas.image.image import Image
from capas.image.steps import list_steps
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FILE, SYMLINK
from capas.layer.tree import Located, Tree
from capas.look.files import ImageFile, digests_of, to_file
from capas.look.packages import PackageChange, compare_packages
from capas.oci.digest import DiffID, Digest, ImageID

_MOST_PAIRS = 1 << 22  # of steps: longer histories, made to keep us busy, are not lined up
Attribute = Literal["kind", "content", "target", "device", "mode", "owner", "xattrs"]


class Opened(NamedTuple):
    """An image with its tree, which has digests."""

    image: Image
    tree: Tree


class Side(NamedTuple):
    """One of the two. Units: `packed` is what a pull of all fetches, `size` the bytes of the files, each once."""

    image_id: ImageID
    digest: Digest
    layers: int
    packed: int
    files: int
    size: int


class FileChange(NamedTuple):
    """A path at which the images differ; `old` or `new` is None where one of them has nothing there.

    `what` tells in which respects two files differ. A difference of times alone is none.
    """

    path: str
    what: tuple[Attribute, ...]
    old: ImageFile | None
    new: ImageFile | None

    @property
    def growth(self) -> int:
        """By how many bytes the second image's file is larger."""
        return (self.new.size if self.new else 0) - (self.old.size if self.old else 0)


class HistoryChange(NamedTuple):
    """A step that only one of the images has: `sign` is "-" or "+"."""

    sign: Literal["-", "+"]
    step: str


class ImageDiff(NamedTuple):
    """From one image to another. `files` are in the order of their paths."""

    old: Side
    new: Side
    shared_layers: int
    files: Sequence[FileChange]
    packages: Sequence[PackageChange]
    config: Sequence[Change]
    history: Sequence[HistoryChange]
    notes: Sequence[str]

    @property
    def is_nothing(self) -> bool:
        """Whether whoever runs the images, or reads their history, sees the same."""
        return not (self.files or self.packages or self.config or self.history)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from capas.look.difference_table import draw_difference

        return draw_difference(self)


def compare(old: Opened, new: Opened) -> ImageDiff:
    """What differs. Raises: Corrupt, also from databases of packages in a layer that cannot be read."""
    files = list(compare_trees(old, new))
    packages = compare_packages(old.tree, new.tree, [os.fsencode(one.path[1:]) for one in files])
    return ImageDiff(
        old=_side(old),
        new=_side(new),
        shared_layers=len(_diff_ids(old.image) & _diff_ids(new.image)),
        files=files,
        packages=packages.changes,
        config=compare_configs(old.image.config, new.image.config),
        history=list(_history(old.image, new.image)),
        notes=packages.notes,
    )


def _diff_ids(image: Image) -> set[DiffID]:
    return {layer.diff_id for layer in image.layers}


def compare_trees(old: Opened, new: Opened) -> Iterator[FileChange]:
    """The paths at which two images differ, sorted as names are in directories."""
    before, after = _paths(old.tree), _paths(new.tree)
    same = _Same(old, new)
    told = digests_of(old.tree), digests_of(new.tree)
    for path in sorted(before.keys() | after.keys(), key=lambda path: path.split(b"/")):
        was, now = before.get(path), after.get(path)
        if was is None or now is None:
            what: tuple[Attribute, ...] = ()
        elif not (what := tuple(same.differences(was, now))):
            continue
        gone, come = (one and to_file(one, find) for one, find in zip((was, now), told, strict=True))
        yield FileChange("/" + os.fsdecode(path), what, gone, come)


class _Same:
    """Tells in which respects two files differ."""

    def __init__(self, old: Opened, new: Opened) -> None:
        self._layers = [dict(enumerate(layer.diff_id for layer in side.image.layers)) for side in (old, new)]
        self._digests = digests_of(old.tree), digests_of(new.tree)

    def differences(self, old: Located, new: Located) -> Iterator[Attribute]:
        """In the order in which they matter."""
        was, now = old.entry, new.entry
        if was == now and self._layers[0].get(old.layer) == self._layers[1].get(new.layer):
            return
        if was.kind != now.kind:
            yield "kind"
        elif was.kind == FILE and self._holds_other(old, new):
            yield "content"
        elif was.kind == SYMLINK and was.target != now.target:
            yield "target"
        elif was.kind in (CHARACTER, BLOCK) and was.device != now.device:
            yield "device"
        if was.mode != now.mode and SYMLINK not in (was.kind, now.kind):  # a link's mode means nothing
            yield "mode"
        if (was.uid, was.gid) != (now.uid, now.gid):
            yield "owner"
        if dict(was.xattrs) != dict(now.xattrs):
            yield "xattrs"

    def _holds_other(self, old: Located, new: Located) -> bool:
        """What has no digest (a file of endless holes) is the same where size and time are."""
        was, now = self._digests[0](old.entry, old.layer), self._digests[1](new.entry, new.layer)
        if was and now:
            return was != now
        return (old.entry.size, old.entry.mtime_ns) != (new.entry.size, new.entry.mtime_ns)


def _paths(tree: Tree) -> Mapping[bytes, Located]:
    return {one.entry.path: one for one in tree.iter_located()}


def _side(side: Opened) -> Side:
    image = side.image
    bodies: dict[tuple[int, int], int] = {}
    files = 0
    for entry, layer, _ in side.tree.iter_located():
        files += entry.kind != DIRECTORY
        if entry.kind == FILE:
            bodies[layer, entry.offset] = entry.size
    return Side(image.id, image.digest, len(image.layers), image.size_compressed, files, sum(bodies.values()))


def _history(old: Image, new: Image) -> Iterator[HistoryChange]:
    before, after = _words(old), _words(new)
    plain = len(before) * len(after) > _MOST_PAIRS
    codes = [("replace", 0, len(before), 0, len(after))] if plain else _codes(before, after)
    for tag, a, b, c, d in codes:
        if tag != "equal":
            yield from (HistoryChange("-", step) for step in before[a:b])
            yield from (HistoryChange("+", step) for step in after[c:d])


def _codes(before: Sequence[str], after: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()


def _words(image: Image) -> list[str]:
    """The steps that the history tells, each as one line of a Dockerfile."""
    steps = list_steps(image.manifest, image.config)
    return [" ".join(step.words.split()) for step in steps if step.text]
