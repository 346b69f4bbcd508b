"""A difference of two images as a notebook shows it: the sums, and beneath them lists to open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from capas.look import notebook
from capas.printable import human_size

if TYPE_CHECKING:
    from capas.look.difference import FileChange, ImageDiff, Side

_MOST = 50
_TURNS = {"new": "+", "removed": "-", "up": "↑", "down": "↓"}


def draw_difference(found: ImageDiff) -> str:
    """HTML that fetches nothing and runs nothing. Of many changes it has those that matter most in bytes."""
    sides = [_side("-", found.old), _side("+", found.new)]
    lists = (
        _packages(found), _files(found), _config(found), _history(found),
        notebook.folded("Could not be read", notebook.table([""], ([notebook.words(note)] for note in found.notes))),
    )  # fmt: skip
    heads = ("", "image", "to pull", "in files", "files", "layers")
    return notebook.frame(notebook.table(heads, sides), f"<p>{_sentence(found)}</p>", *lists)


def _side(sign: str, side: Side) -> Sequence[str]:
    sizes = human_size(side.packed), human_size(side.size)
    return (sign, notebook.name(side.image_id.short), *sizes, str(side.files), str(side.layers))


def _sentence(found: ImageDiff) -> str:
    if found.is_nothing:
        return "No file, package, setting or step differs."
    added, removed = (sum(getattr(one, side) is None for one in found.files) for side in ("old", "new"))
    growth = sum(one.growth for one in found.files)
    sign = "-" if growth < 0 else "+"
    changed = len(found.files) - added - removed
    return (
        f"Files: {added} added, {removed} removed, {changed} changed ({sign}{human_size(abs(growth))}). "
        f"Layers in both: {found.shared_layers}."
    )


def _files(found: ImageDiff) -> str:
    biggest = sorted(found.files, key=lambda one: -abs(one.growth))[:_MOST]
    title = f"Files ({len(found.files)})" if len(found.files) <= _MOST else f"Files ({_MOST} of {len(found.files)})"
    return notebook.folded(title, notebook.table(("", "path", "size", "what"), map(_file, biggest)))


def _file(one: FileChange) -> Sequence[str]:
    sizes = [human_size(side.size) for side in (one.old, one.new) if side]
    return (_sign(one.old, one.new), notebook.name(one.path), " → ".join(dict.fromkeys(sizes)), ", ".join(one.what))


def _packages(found: ImageDiff) -> str:
    rows = (
        (_TURNS[one.turn], one.kind, *map(notebook.words, (one.name, one.old, one.new)))
        for one in found.packages[:_MOST]
    )
    title = f"Packages ({len(found.packages)})"
    return notebook.folded(title, notebook.table(("", "kind", "package", "old", "new"), rows))


def _config(found: ImageDiff) -> str:
    rows = (
        (_sign(one.old, one.new), *map(notebook.words, (one.what, one.name, one.old or "", one.new or "")))
        for one in found.config[:_MOST]
    )
    return notebook.folded(f"Config ({len(found.config)})", notebook.table(("", "what", "name", "old", "new"), rows))


def _history(found: ImageDiff) -> str:
    def rows() -> Iterator[Sequence[str]]:
        yield from ((one.sign, notebook.words(one.step)) for one in found.history[:_MOST])

    return notebook.folded(f"History ({len(found.history)})", notebook.table(("", "step"), rows()))


def _sign(old: object, new: object) -> str:
    return "+" if old is None else "-" if new is None else "~"
