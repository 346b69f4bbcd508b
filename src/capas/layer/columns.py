"""The entries of a layer field by field: a sequence for each field, that is kept, read and searched as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, repeat
from operator import is_not, itemgetter
from typing import NamedTuple

from capas.layer.entry import DIRECTORY, HARDLINK, NO_XATTRS, Entry
from capas.layer.marks import WHITEOUT

Pieces = tuple[tuple[int, int], ...]


class Columns(NamedTuple):
    """A row for each entry, in the order of the tar; the fields are those of `Entry`. What few entries have is by row.

    A run is of rows that follow each other and are in one folder: `folders` and `lengths` have an item for each run.
    The rows of a run either all just stand in their folder or all mean more than that (`is_plain`).
    """

    folders: Sequence[bytes]
    lengths: Sequence[int]
    names: Sequence[bytes]
    kinds: bytes
    modes: Sequence[int]
    uids: Sequence[int]
    gids: Sequence[int]
    sizes: Sequence[int]
    mtimes_ns: Sequence[int]
    offsets: Sequence[int]
    targets: Mapping[int, bytes]
    devices: Mapping[int, tuple[int, int]]
    xattrs: Mapping[int, Mapping[bytes, bytes]]
    sparse: Mapping[int, Pieces]

    def entry(self, row: int, path: bytes) -> Entry:
        """The entry of a row, as if it stood at this path."""
        fields = (
            path, self.kinds[row : row + 1], self.modes[row], self.uids[row], self.gids[row], self.sizes[row],
            self.mtimes_ns[row], self.targets.get(row, b""), self.devices.get(row, (0, 0)),
            self.xattrs.get(row, NO_XATTRS), self.offsets[row], self.sparse.get(row),
        )  # fmt: skip
        return tuple.__new__(Entry, fields)

    def is_plain(self, row: int) -> bool:
        """Whether an entry just stands in its folder. Directories, links to files, whiteouts and the root mean more."""
        return _is_plain(self.kinds[row : row + 1], self.names[row])

    def iter_runs(self) -> Iterator[tuple[bytes, range]]:
        """The folder and the rows of each run."""
        start = 0
        for folder, length in zip(self.folders, self.lengths, strict=True):
            yield folder, range(start, start + length)
            start += length

    def iter_paths(self) -> Iterator[bytes]:
        """The path of each row."""
        for folder, rows in self.iter_runs():
            prefix = folder + b"/" if folder else b""
            yield from [prefix + name for name in self.names[rows.start : rows.stop]]

    def marks(self) -> list[int]:
        """The rows that are no files but say that others are gone."""
        return [row for row, name in enumerate(self.names) if name.startswith(WHITEOUT)] if self._has_marks() else []

    def _has_marks(self) -> bool:
        return WHITEOUT in b"\0".join(self.names)  # far quicker than to ask each


def to_columns(entries: Sequence[Entry]) -> Columns:
    """The fields of these entries."""
    fields = [list(map(itemgetter(number), entries)) for number in range(len(Entry._fields))]
    paths, kinds, modes, uids, gids, sizes, mtimes_ns, targets, devices, xattrs, offsets, sparse = fields
    return Columns(
        *_runs(paths, kinds), b"".join(kinds), modes, uids, gids, sizes, mtimes_ns, offsets,
        dict(compress(enumerate(targets), targets)),
        dict(compress(enumerate(devices), map((0, 0).__ne__, devices))),
        dict(compress(enumerate(xattrs), xattrs)),
        dict(compress(enumerate(sparse), map(is_not, sparse, repeat(None)))),
    )  # fmt: skip


def _runs(paths: Sequence[bytes], kinds: Sequence[bytes]) -> tuple[list[bytes], list[int], list[bytes]]:
    """The folder and the length of each run, and the names of all rows."""
    folders: list[bytes] = []
    starts: list[int] = []
    names: list[bytes] = []
    last: tuple[bytes, bool] | None = None
    for row, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        folder, _, name = path.rpartition(b"/")
        names.append(name)
        run = folder, _is_plain(kind, name)
        if run != last:
            folders.append(folder)
            starts.append(row)
            last = run
    ends = [*starts[1:], len(names)] if starts else []
    return folders, [end - start for start, end in zip(starts, ends, strict=True)], names


def _is_plain(kind: bytes, name: bytes) -> bool:
    return kind not in (DIRECTORY, HARDLINK) and bool(name) and not name.startswith(WHITEOUT)
