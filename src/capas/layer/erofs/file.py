"""A layer file as it lies on disk: its tar, its entries, what it left open. No mount and no privilege is needed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from capas.errors import CapasError, Corrupt, NotFound
from capas.layer.applied import Applied
from capas.layer.entry import CHARACTER, DIRECTORY, FILE, HARDLINK, Entry
from capas.layer.erofs.format import BLOCK, ROOT_SLOT
from capas.layer.erofs.inodes import Inode, Inodes
from capas.layer.erofs.layout import Layout, lay_out
from capas.layer.erofs.nodes import LayerTree
from capas.layer.erofs.record import TAR, Record, parse_record
from capas.layer.hashed import Hashed
from capas.layer.marks import OPAQUE, WHITEOUT
from capas.layer.notes import load_notes
from capas.layer.paths import join
from capas.layer.reader import iter_entries
from capas.layer.slice import Slice

_CHUNK = 1 << 20
_AGAIN = "remove the image and pull it again"


class LayerFile:
    """An open layer file; use it as a block, or `close` it. Safe from many threads."""

    def __init__(self, path: Path) -> None:
        """Raises: NotFound; Corrupt for a file that is none, or is cut short."""
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound("layer {diff_id} is not here", diff_id=path.name) from None
        self.path = path
        try:
            self.record: Record = parse_record(os.pread(self._fd, TAR, 0))
            if os.fstat(self._fd).st_size != self.record.size:
                raise Corrupt("the layer file {path} is not as long as it says", path=path)
        except BaseException:
            self.close()
            raise

    def open_tar(self) -> Slice:
        """The layer's uncompressed tar, which can be sought in. Order: good until the file is closed."""
        return Slice(self._fd, TAR, self.record.tar_size)

    def notes(self) -> Applied:
        """What the layer left open for whoever stacks it. Raises: Corrupt."""
        return load_notes(self._notes()[0])

    def entries(self) -> list[Entry]:
        """Every entry, as a changeset says them: whiteouts by their names, links to lower layers last.

        Order: a directory before what is in it, names sorted. Each path is where the entry really is.
        Raises: Corrupt.
        """
        notes, inodes = self.notes(), self._inodes()
        found = list(_Walk(inodes, frozenset(notes.implicit)).run())
        found += [Entry(join(path, OPAQUE), mode=0o600) for path in notes.opaques]
        found += [Entry(link.path, HARDLINK, target=link.target) for link in notes.links]
        return found

    def verify(self) -> None:
        """Read all of it. The tar has the digest that names it, and everything else follows from the tar.

        Raises: Corrupt.
        """
        tar, tree = Hashed(self.open_tar()), LayerTree()
        try:
            for entry, _ in iter_entries(tar):
                tree.add(entry)
        except CapasError:  # of whatever kind: a tar that was taken once has changed
            pass
        tar.finish(self.record.diff_id)
        if not self._agrees(lay_out(tree, self.record.tar_size, self.record.diff_id)):
            raise Corrupt("the layer file {path} does not show what its tar holds", path=self.path)

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> LayerFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _agrees(self, layout: Layout) -> bool:
        return (
            self._same(layout.header, 0)
            and self._same(layout.metadata, layout.metadata_at)
            and all(self._digest(c.source, c.size) == self._digest(c.target, c.size) for c in layout.copies)
            and all(self._is_blank(*gap) for gap in self._gaps(layout))
        )

    def _gaps(self, layout: Layout) -> Iterator[tuple[int, int]]:
        """Where nothing is, between the tar and the metadata."""
        at = TAR + self.record.tar_size
        for copy in sorted(layout.copies, key=lambda copy: copy.target):
            yield at, copy.target
            at = copy.target + copy.size
        yield at, layout.metadata_at

    def _is_blank(self, at: int, end: int) -> bool:
        while at < end:
            try:
                at = os.lseek(self._fd, at, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:  # which says that there is nothing but a hole
                    raise
                return True
            data = os.pread(self._fd, max(0, min(_CHUNK, end - at)), at)
            if data.count(0) != len(data):
                return False
            at += len(data) or end - at
        return True

    def _same(self, data: bytes | bytearray, offset: int) -> bool:
        return os.pread(self._fd, len(data), offset) == data

    def _digest(self, offset: int, size: int) -> bytes:
        sha256, piece = hashlib.sha256(), Slice(self._fd, offset, size)
        while data := piece.read(_CHUNK):
            sha256.update(data)
        return sha256.digest()

    def _inodes(self) -> Inodes:
        record = self.record
        data = self._read(record.metadata, record.notes, record.metadata_sum)
        sparse = {int(slot): (offset, tuple(map(tuple, pieces))) for slot, (offset, pieces) in self._holes().items()}
        return Inodes(data, record.metadata // BLOCK, TAR // BLOCK, sparse)  # type: ignore[arg-type]

    def _holes(self) -> dict[str, tuple[int, list[list[int]]]]:
        found: dict[str, tuple[int, list[list[int]]]] = json.loads(self._notes()[1])
        return found

    def _notes(self) -> list[bytes]:
        record = self.record
        return self._read(record.notes, record.size, record.notes_sum).split(b"\n")

    def _read(self, start: int, end: int, checksum: int) -> bytes:
        data = os.pread(self._fd, end - start, start)
        if zlib.crc32(data) != checksum:
            raise Corrupt("the layer file {path} is damaged", path=self.path, hint=_AGAIN)
        return data


class _Walk:
    """The tree, directory by directory. `implicit` directories are no entries."""

    def __init__(self, inodes: Inodes, implicit: frozenset[bytes]) -> None:
        self._inodes = inodes
        self._implicit = implicit
        self._names: dict[int, bytes] = {}

    def run(self) -> Iterator[Entry]:
        root = self._inodes.get(ROOT_SLOT)
        if b"" not in self._implicit:
            yield root.entry
        waiting = [(b"", ROOT_SLOT)]
        while waiting:
            folder, slot = waiting.pop()
            for name, below in self._inodes.list(slot):
                inode = self._inodes.get(below)
                path = folder + b"/" + name if folder else name
                if inode.entry.kind == DIRECTORY:
                    waiting.append((path, below))
                    if path in self._implicit:
                        continue
                yield self._entry(folder, path, name, inode)

    def _entry(self, folder: bytes, path: bytes, name: bytes, inode: Inode) -> Entry:
        entry = inode.entry
        if entry.kind == CHARACTER and entry.device == (0, 0):
            return Entry(join(folder, WHITEOUT + name), FILE, mode=0o600)
        if inode.links > 1 and entry.kind != DIRECTORY:
            first = self._names.setdefault(inode.slot, path)
            if first != path:
                return Entry(path, HARDLINK, target=first)
        return tuple.__new__(Entry, (path, *entry[1:]))
