"""Layers kept as one file each, by diff_id: where a layer's tar, its table of contents and its tree are one thing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from capas.oci.digest import DiffID
from capas.store.contract import Readable
from capas.store.disk import disk_errors, make_dirs, unlink

if TYPE_CHECKING:  # a container's start asks for paths alone
    from capas.layer.erofs.file import LayerFile
    from capas.layer.erofs.writer import LayerFileWriter
    from capas.layer.follower import Follower


class LayerFiles:
    """`folder/<hex of the diff_id>`, each visible only when whole and on disk. Safe from many threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, diff_id: DiffID) -> Path:
        """Where the layer is, or would be."""
        return self.folder / diff_id.hex

    def has(self, diff_id: DiffID) -> bool:
        """Whether it is here."""
        return self.path(diff_id).exists()

    def open(self, diff_id: DiffID) -> LayerFile:
        """The layer file. Raises: NotFound; Corrupt for one that is cut short or damaged in its first page."""
        from capas.layer.erofs.file import LayerFile

        return LayerFile(self.path(diff_id))

    def begin(self) -> LayerFileWriter:
        """A new layer file under way. Raises: Exhausted; Denied."""
        from capas.layer.erofs.writer import LayerFileWriter

        with disk_errors(self.folder):
            make_dirs(self.folder)
        return LayerFileWriter(self.folder)

    def add(self, diff_id: DiffID, tar: Readable) -> None:
        """Keep a layer's uncompressed tar, read once to its end. Atomic.

        Raises: Corrupt where it is not that of `diff_id`, or no tar; Unsupported; Exhausted. Nothing is kept then.
        """
        from capas.layer.follower import Follower
        from capas.layer.reader import iter_entries

        with self.begin() as writer, Follower(writer.write) as follower:
            for entry, _ in iter_entries(_Followed(tar, follower)):
                writer.add(entry)
            follower.finish()
            writer.commit(diff_id)

    def remove(self, diff_id: DiffID) -> None:
        """Delete it. Idempotent. Whoever has it open or mounted keeps it until they let go."""
        unlink(self.path(diff_id))

    def iterate(self) -> Iterator[tuple[DiffID, int]]:
        """Every layer file with the bytes that it takes on disk."""
        try:
            found = os.scandir(self.folder)
        except FileNotFoundError:
            return
        with found:
            for item in found:
                if len(item.name) == 64:
                    try:
                        yield DiffID("sha256:" + item.name), item.stat(follow_symlinks=False).st_blocks * 512
                    except FileNotFoundError:
                        continue


def layer_files(root: Path) -> LayerFiles:
    """Where a store in `root` keeps its layer files."""
    return LayerFiles(root / "layers")


class _Followed:
    """A tar that is hashed and written down by another thread while its headers are read in this one."""

    def __init__(self, tar: Readable, follower: Follower) -> None:
        self._tar = tar
        self._put = follower.put

    def read(self, size: int = -1, /) -> bytes:
        """As the tar."""
        data = self._tar.read(size)
        self._put(data)
        return data
