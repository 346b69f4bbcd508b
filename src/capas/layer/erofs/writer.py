"""Writing a layer file in one pass: bytes of the tar as they come, its entries beside them, the rest at the end."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType

from capas.errors import Corrupt
from capas.layer.entry import Entry
from capas.layer.erofs.layout import Copy, lay_out
from capas.layer.erofs.nodes import LayerTree
from capas.layer.erofs.record import TAR
from capas.oci.digest import DiffID
from capas.store.disk import Writeback, disk_error

_PIECE = 1 << 20


class LayerFileWriter:
    """A layer file under way in `folder`, without a name until `commit`: whatever happens, nothing is left behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o444)
            os.lseek(self._fd, TAR, os.SEEK_SET)
        except OSError as error:
            raise disk_error(error, folder) from error
        self._writeback = Writeback(self._fd)
        self._tree = LayerTree()
        self._sha256 = hashlib.sha256()
        self.size = 0
        """Bytes of the tar written so far."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes of the tar. Raises: Exhausted."""
        self._sha256.update(data)
        self.size += len(data)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            self._writeback.wrote(TAR + self.size)
        except OSError as error:
            raise disk_error(error, self._folder) from error

    def add(self, entry: Entry) -> None:
        """An entry of the tar, its `offset` that of its body in the tar. Raises: Corrupt."""
        self._tree.add(entry)

    def commit(self, diff_id: DiffID | None = None) -> DiffID:
        """Make it visible as `<hex of the diff_id>`; one that is there already stays. Atomic: whole, and on disk.

        Raises: Corrupt where the tar is not that of `diff_id`; Unsupported for what no filesystem holds; Exhausted.
        """
        actual = DiffID.of_hash(self._sha256)
        if diff_id is not None and actual != diff_id:
            raise Corrupt("a layer's bytes are those of {actual} and not of {diff_id}", actual=actual, diff_id=diff_id)
        layout = lay_out(self._tree, self.size, actual)
        try:
            for copy in layout.copies:
                self._copy(copy)
            _write_at(self._fd, layout.metadata, layout.metadata_at)
            _write_at(self._fd, layout.header, 0)
            os.fsync(self._fd)
            self._link(actual.hex)
        except OSError as error:
            raise disk_error(error, self._folder) from error
        return actual

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> LayerFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _copy(self, copy: Copy) -> None:
        done = 0
        while done < copy.size:
            data = os.pread(self._fd, min(copy.size - done, _PIECE), copy.source + done)
            _write_at(self._fd, data, copy.target + done)
            done += len(data)

    def _link(self, name: str) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:  # linkat(2), which follows /proc's link, is asked only where a directory is given
            os.link(f"/proc/self/fd/{self._fd}", name, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        except FileExistsError:
            pass  # another has just made it, with the same bytes
        finally:
            os.close(folder)


def _write_at(fd: int, data: bytes | bytearray, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view, offset = view[count:], offset + count
