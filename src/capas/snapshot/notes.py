"""What a layer's directory cannot say by its files alone, kept beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from capas.errors import Corrupt
from capas.layer.applied import Applied


class Notes(NamedTuple):
    """Deletions, and what is left to be done when the layer is stacked: the fields of `layer.applied.Applied`."""

    whiteouts: frozenset[bytes] = frozenset()
    opaques: frozenset[bytes] = frozenset()
    implicit: frozenset[bytes] = frozenset()
    bare: frozenset[bytes] = frozenset()
    links: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def lists_root(self) -> bool:
        """Whether the layer says what the root directory is like."""
        return b"" not in self.implicit


class Lower(NamedTuple):
    """A layer unpacked in a directory of its own, with its notes."""

    files: bytes
    notes: Notes


NO_NOTES = Notes()


def notes_of(applied: Applied) -> Notes:
    """What is to be kept of `apply`'s outcome."""
    return Notes(
        frozenset(applied.whiteouts),
        frozenset(applied.opaques),
        frozenset(applied.implicit),
        frozenset(applied.bare),
        tuple((link.path, link.target) for link in applied.links),
    )


def write_notes(path: Path, notes: Notes) -> None:
    """Write them to a new file. Names that are not UTF-8 survive."""
    fields: dict[str, object] = {name: _texts(getattr(notes, name)) for name in Notes._fields[:-1]}
    fields["links"] = [_texts(link, keep_order=True) for link in notes.links]
    path.write_text(json.dumps({name: value for name, value in fields.items() if value}))


def read_notes(path: Path) -> Notes:
    """What `write_notes` wrote. Raises: Corrupt."""
    try:
        fields = json.loads(path.read_bytes())
        sets = [frozenset(map(os.fsencode, fields.get(name, ()))) for name in Notes._fields[:-1]]
        links = tuple((os.fsencode(name), os.fsencode(target)) for name, target in fields.get("links", ()))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Corrupt("the layer at {path} is damaged: {why}", path=path.parent, why=str(error)) from error
    return Notes(sets[0], sets[1], sets[2], sets[3], links)


def read_lower(files: Path) -> Lower:
    """A layer by the directory of its files. Raises: Corrupt."""
    return Lower(os.fsencode(files), read_notes(files.with_name("notes")))


def _texts(paths: Iterable[bytes], *, keep_order: bool = False) -> list[str]:
    return [os.fsdecode(path) for path in (paths if keep_order else sorted(paths))]
