"""Layers on disk: each unpacked once into a directory of its own, with the notes of what it left open."""

from __future__ import annotations

import os
from pathlib import Path

from capas.errors import NotFound
from capas.layer.applied import Applied
from capas.layer.apply import apply
from capas.oci.digest import DiffID
from capas.snapshot import syscalls
from capas.snapshot.hashed import Hashed
from capas.snapshot.lock import held
from capas.snapshot.namespaces import identity
from capas.snapshot.open_ends import dump_notes, load_notes
from capas.snapshot.scratch import Scratch
from capas.store.contract import Readable
from capas.store.disk import disk_errors, sync_dir


class Layers:
    """`layers/<hex>/` holds `fs/`, the tree with overlayfs' marks, and `notes`, what `apply` found."""

    def __init__(self, root: Path, scratch: Scratch) -> None:
        self._root = root / "layers"
        self._locks = root / "locks"
        self._scratch = scratch

    def path(self, diff_id: DiffID) -> Path:
        """The directory of a layer."""
        return self._root / diff_id.hex[:32]

    def has(self, diff_id: DiffID) -> bool:
        """Whether it is here, whole."""
        return self.path(diff_id).is_dir()

    def notes(self, diff_id: DiffID) -> Applied:
        """What applying it left open. Raises: NotFound."""
        try:
            return load_notes((self.path(diff_id) / "notes").read_bytes())
        except FileNotFoundError:
            raise NotFound("layer {diff_id} is not unpacked", diff_id=diff_id) from None

    def add(self, diff_id: DiffID, tar: Readable) -> None:
        """Unpack a layer, or read it past where it is here. One process does it, the others wait. Raises: Corrupt."""
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

    def _keep(self, place: Path, applied: Applied, diff_id: DiffID) -> None:
        (place / "notes").write_bytes(dump_notes(applied))
        syscalls.syncfs(os.fsencode(place))  # one call, however many files
        place.chmod(0o755)
        os.rename(place, self.path(diff_id))
        sync_dir(self._root)
