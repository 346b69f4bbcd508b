"""Layers kept as one file each, mountable as they are; those that are here unpacked from before serve too."""

from __future__ import annotations

import os
from pathlib import Path

from capas.layer.applied import Applied
from capas.layer.files import LayerFiles
from capas.oci.digest import DiffID
from capas.snapshot.contract import Usage
from capas.snapshot.layer_mounts import LayerMounts
from capas.snapshot.layers import LooseLayers
from capas.snapshot.lock import held
from capas.store.contract import Readable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FiledLayers:
    """See `Layers`. New ones become layer files in `files`; `loose` has those of an earlier time."""

    def __init__(self, files: LayerFiles, loose: LooseLayers, root: Path) -> None:
        self._files = files
        self._loose = loose
        self._locks = root / "locks"
        self._mounts = LayerMounts(root / "places")

    def has(self, diff_id: DiffID) -> bool:
        """Whether it is here, whole."""
        return self._files.has(diff_id) or self._loose.has(diff_id)

    def lower(self, diff_id: DiffID) -> Path:
        """The layer file, or the tree."""
        path = self._files.path(diff_id)
        return path if path.exists() else self._loose.lower(diff_id)

    def notes(self, diff_id: DiffID) -> Applied:
        """What the layer left open. Raises: NotFound; Corrupt."""
        if not self._files.has(diff_id):
            return self._loose.notes(diff_id)
        with self._files.open(diff_id) as file:
            return file.notes()

    def dress(self, diff_id: DiffID, folder: Path) -> None:
        """Give a directory the attributes of the layer's root."""
        if not self._files.has(diff_id):
            self._loose.dress(diff_id, folder)
            return
        from capas.layer.attributes import Attributes
        from capas.layer.erofs.inodes import read_root

        entry = read_root(self._files.path(diff_id))
        fd = os.open(folder, _FOLDER)
        try:
            Attributes(lenient=False, inherits=True).set_folder(fd, entry, fresh=True)
        finally:
            os.close(fd)

    def add(self, diff_id: DiffID, tar: Readable) -> None:
        """Write it down, or read it past where it is here. One process does it, the others wait. Raises: Corrupt."""
        with held(self._locks / f"layer-{diff_id.hex[:32]}", forget=True):
            if self.has(diff_id):
                from capas.layer.hashed import Hashed

                Hashed(tar).finish(diff_id)
            else:
                self._files.add(diff_id, tar)

    def adopt(self, diff_id: DiffID, tree: Path) -> None:
        """Write an upper directory down as the layer that it is, where that is not done yet. Raises: Corrupt."""
        with held(self._locks / f"layer-{diff_id.hex[:32]}", forget=True):
            if self.has(diff_id):
                return
            from capas.layer.diff import iter_upper, write_changes
            from capas.layer.writer import TarWriter

            with self._files.begin() as file:
                tar = TarWriter(file.write, file.add)
                write_changes(iter_upper(tree), tar)
                tar.finish()
                file.commit(diff_id)

    def usage(self, diff_id: DiffID) -> Usage:
        """What it takes on disk."""
        if not self._files.has(diff_id):
            return self._loose.usage(diff_id)
        return Usage(os.stat(self._files.path(diff_id)).st_blocks * 512, 1)

    def hide(self, diff_id: DiffID) -> Path | None:
        """A layer file is deleted at once: that costs next to nothing, and who has it mounted keeps it."""
        self._files.remove(diff_id)
        self._mounts.forget(self._files.path(diff_id))
        return self._loose.hide(diff_id)
