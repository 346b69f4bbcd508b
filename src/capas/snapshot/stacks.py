"""Committed snapshots: a small record for each stack of layers, and its correction where it needs one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from capas.errors import NotFound
from capas.oci.digest import ChainID, DiffID, chain_id
from capas.snapshot import syscalls
from capas.snapshot.contract import Mount
from capas.snapshot.corrections import correct, needs_correction
from capas.snapshot.layers import Layers
from capas.snapshot.lock import held
from capas.snapshot.mounting import join_paths, mount_all
from capas.snapshot.namespaces import identity, in_private_mounts
from capas.snapshot.scratch import Scratch
from capas.store.disk import sync_dir


class Stack(NamedTuple):
    """A chain id's layer on top, the stack it stands on, and whether a correction stands on the layer."""

    chain: ChainID
    diff_id: DiffID
    parent: ChainID | None
    corrected: bool


class Stacks:
    """`stacks/<hex>/` holds `stack.json` and, where there is a correction, `fs/`."""

    def __init__(self, root: Path, scratch: Scratch, layers: Layers) -> None:
        self._root = root / "stacks"
        self._locks = root / "locks"
        self._scratch = scratch
        self._layers = layers

    def find(self, chain: ChainID) -> Stack | None:
        """The stack, None where it is not here."""
        try:
            found = json.loads((self._path(chain) / "stack.json").read_bytes())
        except FileNotFoundError:
            return None
        parent = ChainID.parse(found["parent"]) if found["parent"] else None
        return Stack(chain, DiffID.parse(found["diff_id"]), parent, found["corrected"])

    def get(self, chain: ChainID) -> Stack:
        """The stack. Raises: NotFound."""
        found = self.find(chain)
        if found is None:
            raise NotFound("no snapshot {chain}", chain=chain)
        return found

    def iterate(self) -> Iterator[Stack]:
        """Every stack."""
        for name in os.listdir(self._root):
            found = self.find(ChainID("sha256:" + name))
            if found is not None:
                yield found

    def add(self, diff_ids: Sequence[DiffID]) -> ChainID:
        """Make the records from the bottom up; those that are here stay. Raises: NotFound for a missing layer."""
        chain: ChainID | None = None
        for diff_id in diff_ids:
            parent, chain = chain, chain_id([diff_id], chain)
            self.put(chain, diff_id, parent)
        return chain_id(diff_ids)

    def put(self, chain: ChainID, diff_id: DiffID, parent: ChainID | None) -> None:
        """One more layer on a parent. Atomic, idempotent."""
        if self.find(chain) is not None and self._layers.has(diff_id):
            return
        with held(self._locks / f"stack-{chain.hex[:32]}", forget=True):
            if self.find(chain) is None:
                self._make(chain, diff_id, parent)

    def folders(self, chain: ChainID) -> list[Path]:
        """The directories to stack, topmost first. Raises: NotFound."""
        found: list[Path] = []
        at: ChainID | None = chain
        while at is not None:
            stack = self.get(at)
            if stack.corrected:
                found.append(self._path(at) / "fs")
            found.append(self._layers.path(stack.diff_id) / "fs")
            at = stack.parent
        return found

    def correction(self, chain: ChainID) -> Path:
        """Where the stack's own files are, if it has any."""
        return self._path(chain)

    def remove(self, chain: ChainID) -> None:
        """Idempotent."""
        self._scratch.discard(self._path(chain))

    def _make(self, chain: ChainID, diff_id: DiffID, parent: ChainID | None) -> None:
        notes = self._layers.notes(diff_id)
        with self._scratch.directory() as place:
            corrected = parent is not None and needs_correction(notes) and self._correct(diff_id, parent, place)
            record = {"diff_id": diff_id, "parent": parent, "corrected": corrected}
            (place / "stack.json").write_text(json.dumps(record))
            syscalls.syncfs(os.fsencode(place))
            place.chmod(0o755)
            os.rename(place, self._path(chain))
            sync_dir(self._root)

    def _correct(self, diff_id: DiffID, parent: ChainID, place: Path) -> bool:
        below = view_mount(self.folders(parent))
        notes, layer, target = self._layers.notes(diff_id), self._layers.path(diff_id) / "fs", place / "fs"
        target.mkdir(mode=0o755)
        view = place / "below"
        view.mkdir()

        def work() -> bool:
            mount_all([below], view)
            paths = [os.fsencode(path) for path in (view, layer, target)]
            return correct(notes, *paths, lenient=identity() == "single")

        made = in_private_mounts(work)
        view.rmdir()
        if not made:
            target.rmdir()
        return made

    def _path(self, chain: ChainID) -> Path:
        return self._root / chain.hex


def view_mount(folders: Sequence[Path]) -> Mount:
    """A read-only mount of directories, topmost first."""
    if len(folders) == 1:
        return Mount("bind", str(folders[0]), ("rbind", "ro"))
    return Mount("overlay", "overlay", (f"lowerdir={join_paths([str(f) for f in folders])}", "ro", *user_options()))


def user_options() -> tuple[str, ...]:
    """What an overlay mount needs in a user namespace."""
    return () if identity() == "root" else ("userxattr",)
