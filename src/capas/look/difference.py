"""What differs between two images, wherever they are: files by what they hold, packages, config, history, bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal, NamedTuple

from capas.image.config_changes import Change, compare_configs
from capas.image.image import Image
from capas.image.steps import list_steps
from capas.layer.contents import UNKNOWN
from capas.layer.entry import BLOCK, CHARACTER, FILE, SYMLINK
from capas.layer.paths import join
from capas.layer.tree import Located, Tree
from capas.look.files import ImageFile, make_file
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
    for path in sorted(_list_suspects(old, new), key=lambda path: path.split(b"/")):
        was, now = (_find(side.tree, path) for side in (old, new))
        what = tuple(_differences(was, now)) if was and now else ()
        if what or was is None or now is None:
            gone, come = (one and make_file(one.entry, one.made, one.sum) for one in (was, now))
            yield FileChange("/" + os.fsdecode(path), what, gone, come)


def _list_suspects(old: Opened, new: Opened) -> Iterator[bytes]:
    """The paths that are not in both images by one entry of a layer that is in both, on the same layers."""
    one, two = old.tree.stack, new.tree.stack
    common = _count_common(old.image, new.image)
    known = range(-common, one.starts[common])  # such a layer's entries have the same numbers in both
    if one.top != two.top or one.top not in known:
        yield b""
    for folder in one.folders.keys() | two.folders.keys():
        before, after = (stack.folders[folder].names if folder in stack.folders else {} for stack in (one, two))
        names = [name for name, ref in before.items() if ref not in known or after.get(name) != ref]
        yield from (join(folder, name) for name in (*names, *(after.keys() - before.keys())))


def _count_common(old: Image, new: Image) -> int:
    """How many of their lowest layers are the same."""
    pairs = zip(old.layers, new.layers, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0].diff_id == pair[1].diff_id, pairs))


def _find(tree: Tree, path: bytes) -> Located | None:
    ref = tree.stack.find(path)
    return None if ref is None else tree.located(path, ref)


def _differences(old: Located, new: Located) -> Iterator[Attribute]:
    """In which respects two files differ, in the order in which they matter."""
    was, now = old.entry, new.entry
    if was.kind != now.kind:
        yield "kind"
    elif was.kind == FILE and _hold_other(old, new):
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


def _hold_other(old: Located, new: Located) -> bool:
    """What has no digest (a file of endless holes) is the same where size and time are."""
    if UNKNOWN not in (old.sum, new.sum):
        return old.sum != new.sum
    return (old.entry.size, old.entry.mtime_ns) != (new.entry.size, new.entry.mtime_ns)


def _side(side: Opened) -> Side:
    image, tree = side.image, side.tree
    files = sum(len(folder.names) - len(folder.below) for folder in tree.stack.folders.values())
    return Side(image.id, image.digest, len(image.layers), image.size_compressed, files, tree.size)


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
