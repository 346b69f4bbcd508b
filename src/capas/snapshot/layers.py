"""How a driver keeps layers, and the way that works anywhere: each unpacked once into a directory of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from capas.errors import NotFound
from capas.layer.applied import Applied
from capas.layer.notes import dump_notes, load_notes
from capas.oci.digest import DiffID
from capas.snapshot import syscalls
from capas.snapshot.contract import Usage
from capas.snapshot.duplicate import dress
from capas.snapshot.lock import held
from capas.snapshot.namespaces import identity
from capas.snapshot.scratch import Scratch
from capas.snapshot.usage import tree_usage
from capas.store.contract import Readable
from capas.store.disk import disk_errors, sync_dir


class Layers(Protocol):
    """Layers by diff_id, each on its own. Safe from many threads and processes."""

    def has(self, diff_id: DiffID) -> bool:
        """Whether it is here, whole."""

    def lower(self, diff_id: DiffID) -> Path:
        """What overlayfs is given: a directory, or a layer file to be mounted first."""

    def notes(self, diff_id: DiffID) -> Applied:
        """What applying it left open. Raises: NotFound."""

    def dress(self, diff_id: DiffID, folder: Path) -> None:
        """Give a directory the attributes of the layer's root."""

    def add(self, diff_id: DiffID, tar: Readable) -> None:
        """Keep a layer, or read it past where it is here. One process does it, the others wait. Raises: Corrupt."""

    def adopt(self, diff_id: DiffID, tree: Path) -> None:
        """Take an upper directory as the layer that it is. Its files are ours afterwards. Raises: Corrupt."""

    def usage(self, diff_id: DiffID) -> Usage:
        """What it takes on disk."""

    def hide(self, diff_id: DiffID) -> Path | None:
        """Take it out of sight. What is returned is to be deleted."""


class LooseLayers:
    """`layers/<hex>/` holds `fs/`, the tree with overlayfs' marks, and `notes`, what `apply` found."""

    def __init__(self, root: Path, scratch: Scratch) -> None:
        self._root = root / "layers"
        self._locks = root / "locks"
        self._scratch = scratch

    def has(self, diff_id: DiffID) -> bool:
        """Whether it is here, whole."""
        return self._path(diff_id).is_dir()

    def lower(self, diff_id: DiffID) -> Path:
        """Its tree."""
        return self._path(diff_id) / "fs"

    def notes(self, diff_id: DiffID) -> Applied:
        """What applying it left open. Raises: NotFound."""
        try:
            return load_notes((self._path(diff_id) / "notes").read_bytes())
        except FileNotFoundError:
            raise NotFound("layer {diff_id} is not unpacked", diff_id=diff_id) from None

    def dress(self, diff_id: DiffID, folder: Path) -> None:
        """Give a directory the attributes of the layer's root."""
        root = os.fsencode(self.lower(diff_id))
        dress(root, os.lstat(root), os.fsencode(folder), lenient=identity() == "single")

    def add(self, diff_id: DiffID, tar: Readable) -> None:
        """Unpack a layer, or read it past where it is here. One process does it, the others wait. Raises: Corrupt."""
        from capas.layer.apply import apply  # a container's start unpacks nothing
        from capas.layer.hashed import Hashed

        stream = Hashed(tar)
        with held(self._locks / f"layer-{diff_id.hex[:32]}", forget=True):
            if self.has(diff_id):
                stream.finish(diff_id)
                return
            with self._scratch.directory() as place, disk_errors(place):
                (place / "fs").mkdir(mode=0o755)
                user = identity()
                applied = apply(
                    stream, place / "fs", style="overlay", lenient=user == "single", userxattr=user != "root"
                )
                stream.finish(diff_id)
                self._keep(place, applied, diff_id)

    def adopt(self, diff_id: DiffID, tree: Path) -> None:
        """Take an upper directory as the layer that it is, without reading it. Its files are ours afterwards."""
        with held(self._locks / f"layer-{diff_id.hex[:32]}", forget=True):
            if not self.has(diff_id):
                with self._scratch.directory() as place:
                    os.rename(tree, place / "fs")
                    self._keep(place, Applied(0, 0, implicit=(b"",)), diff_id)  # a changeset does not tell of the root

    def usage(self, diff_id: DiffID) -> Usage:
        """What its files take."""
        return tree_usage(self.lower(diff_id))

    def hide(self, diff_id: DiffID) -> Path | None:
        """Into the trash."""
        return self._scratch.hide(self._path(diff_id))

    def _path(self, diff_id: DiffID) -> Path:
        return self._root / diff_id.hex[:32]

    def _keep(self, place: Path, applied: Applied, diff_id: DiffID) -> None:
        (place / "notes").write_bytes(dump_notes(applied))
        syscalls.syncfs(os.fsencode(place))  # one call, however many files
        place.chmod(0o755)
        os.rename(place, self._path(diff_id))
        sync_dir(self._root)
