"""The copy driver: whole trees, for machines where nothing can be stacked. Slow, and right everywhere.

A layer is kept as its tar, a stack as the tree that applying its layers one after the other gives. An active snapshot
is a copy of that tree (sharing blocks where the filesystem can), and its changes are the difference of the two.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from capas.errors import Conflict, NotFound
from capas.layer.apply import apply
from capas.layer.diff import iter_difference, iter_tree, write_changes
from capas.layer.hashed import Hashed
from capas.layer.reader import iter_entries
from capas.layer.writer import TarWriter
from capas.oci.digest import ChainID, DiffID, chain_id
from capas.snapshot import syscalls
from capas.snapshot.actives import Actives
from capas.snapshot.contract import Info, Mount, Usage
from capas.snapshot.lock import held
from capas.snapshot.mounting import BELOW
from capas.snapshot.namespaces import identity
from capas.snapshot.scratch import Scratch
from capas.snapshot.second import copy_tree
from capas.snapshot.usage import tree_usage
from capas.store.contract import Readable
from capas.store.disk import disk_errors, make_dirs, sync_dir


class CopySnapshotter:
    """See `Snapshotter`. `layers/<hex>.tar`, `trees/<hex of the chain>/{fs/,layers}`, `active/<key>/fs/`."""

    name = "copy"

    def __init__(self, root: Path) -> None:
        for folder in ("layers", "trees", "active", "locks", "ingest", "trash"):
            make_dirs(root / folder)
        self._root = root
        self._scratch = Scratch(root)
        self._scratch.clean()
        self._actives = Actives(root, self._scratch)

    def has_layer(self, diff_id: DiffID) -> bool:
        """Whether its tar is here."""
        return self._layer(diff_id).exists()

    def add_layer(self, diff_id: DiffID, tar: Readable) -> None:
        """Keep the tar, looked through once. Raises: Corrupt."""
        lock = held(self._root / "locks" / f"layer-{diff_id.hex[:32]}", forget=True)
        with disk_errors(self._root), lock, self._scratch.directory() as place:
            with (place / "tar").open("wb") as file:
                copied = Hashed(tar, file.write)
                for _ in iter_entries(copied):
                    pass
                copied.finish(diff_id)
                file.flush()
                os.fsync(file.fileno())
            os.rename(place / "tar", self._layer(diff_id))
            sync_dir(self._root / "layers")

    def stack(self, diff_ids: Sequence[DiffID]) -> ChainID:
        """Make the tree, from the longest stack below it that is here."""
        chain = chain_id(diff_ids)
        lock = held(self._root / "locks" / f"tree-{chain.hex[:32]}", forget=True)
        with disk_errors(self._root), self._still(shared=True), lock:
            if not self._tree(chain).exists():
                with self._scratch.directory() as place:
                    self._grow(place, diff_ids)
                    self._keep(place, chain, diff_ids)
        return chain

    def prepare(self, key: str, parent: ChainID | None, *, writable: bool = True) -> None:
        """A copy of the tree to be written on, or the tree itself to be read."""

        def fill(place: Path) -> None:
            if parent is None:
                (place / "fs").mkdir(mode=0o755)
            elif writable:
                copy_tree(self._fs(parent), place / "fs")

        with disk_errors(self._root), self._still(shared=True):
            if parent is not None:
                self._fs(parent)
            self._actives.create(key, "active" if writable else "view", parent, fill)

    def mounts(self, key: str) -> Sequence[Mount]:
        """A bind of the tree."""
        info = self._actives.get(key)
        below = (f"{BELOW}{self._fs(info.parent)}",) if info.parent else ()
        if info.kind == "view" and info.parent:
            return [Mount("bind", str(self._fs(info.parent)), ("rbind", "ro"))]
        return [Mount("bind", str(self._actives.path(key) / "fs"), ("rbind", "rw", *below))]

    def commit(self, key: str, diff_id: DiffID) -> ChainID:
        """The active's tree becomes the stack's; its layer is written out where it is not here."""
        info, fs = self._actives.get(key), self._actives.path(key) / "fs"
        if info.kind != "active":
            raise Conflict("snapshot {key} is a view: there is nothing to commit", key=key)
        chain = chain_id([diff_id], info.parent)
        lock = held(self._root / "locks" / f"tree-{chain.hex[:32]}", forget=True)
        with disk_errors(self._root), self._still(shared=True), lock:
            if not self._tree(chain).exists():
                with self._scratch.directory() as place:
                    self._write_layer(info, fs, diff_id)
                    os.rename(fs, place / "fs")
                    below = self._layers_of(info.parent) if info.parent else []
                    self._keep(place, chain, [*below, diff_id])
        self._actives.remove(key)
        return chain

    def stat(self, name: str) -> Info | None:
        """The snapshot of this key or chain id."""
        if not name.startswith("sha256:"):
            return self._actives.find(name)
        layers = self._layers_of(ChainID.parse(name))
        if not layers:
            return None
        return Info(name, "committed", chain_id(layers[:-1]) if len(layers) > 1 else None)

    def usage(self, name: str) -> Usage:
        """What its tree takes."""
        if name.startswith("sha256:"):
            return tree_usage(self._fs(ChainID.parse(name)))
        self._actives.get(name)
        return tree_usage(self._actives.path(name) / "fs")

    def remove(self, name: str) -> None:
        """A key, a chain id or a layer."""
        if not name.startswith("sha256:"):
            self._actives.remove(name)
            return
        with self._still():
            chain = ChainID.parse(name)
            if any(info.parent == chain for info in self.iterate()):
                raise Conflict("snapshot {name} is stood on by another", name=name)
            if not self._tree(chain).exists() and any(name in self._layers_of(c) for c in self._chains()):
                raise Conflict("layer {name} is part of a snapshot", name=name)
            self._scratch.discard(self._tree(chain))
            self._layer(DiffID.parse(name)).unlink(missing_ok=True)

    def iterate(self) -> Iterator[Info]:
        """Every snapshot."""
        for chain in self._chains():
            found = self.stat(chain)
            if found is not None:
                yield found
        yield from self._actives.iterate()

    def _grow(self, place: Path, diff_ids: Sequence[DiffID]) -> None:
        """Fill `place/fs` with the tree of these layers."""
        done = next((n for n in range(len(diff_ids) - 1, 0, -1) if self._tree(chain_id(diff_ids[:n])).exists()), 0)
        if done:
            copy_tree(self._fs(chain_id(diff_ids[:done])), place / "fs")
        else:
            (place / "fs").mkdir(mode=0o755)
        for diff_id in diff_ids[done:]:
            try:
                tar = self._layer(diff_id).open("rb")
            except FileNotFoundError:
                raise NotFound("layer {diff_id} is not here", diff_id=diff_id) from None
            with tar:
                apply(tar, place / "fs", style="plain", lenient=identity() == "single")

    def _keep(self, place: Path, chain: ChainID, diff_ids: Sequence[DiffID]) -> None:
        (place / "layers").write_text("\n".join(diff_ids))
        syscalls.syncfs(os.fsencode(place))
        place.chmod(0o755)
        os.rename(place, self._tree(chain))
        sync_dir(self._root / "trees")

    def _write_layer(self, info: Info, fs: Path, diff_id: DiffID) -> None:
        """Keep the tar of the changes, if it is the very layer: times may have been clamped in the one committed."""
        if self.has_layer(diff_id):
            return
        changes = iter_difference(self._fs(info.parent), fs) if info.parent else iter_tree(fs)
        with self._scratch.directory() as place:
            sha256 = hashlib.sha256()
            with (place / "tar").open("wb") as file:

                def keep(data: bytes | memoryview) -> None:
                    sha256.update(data)
                    file.write(data)

                tar = TarWriter(keep)
                write_changes(changes, tar)
                tar.finish()
            if DiffID.of_hash(sha256) == diff_id:
                os.rename(place / "tar", self._layer(diff_id))

    def _layers_of(self, chain: ChainID) -> list[DiffID]:
        try:
            return [DiffID.parse(line) for line in (self._tree(chain) / "layers").read_text().split()]
        except FileNotFoundError:
            return []

    def _chains(self) -> list[ChainID]:
        return [ChainID("sha256:" + name) for name in os.listdir(self._root / "trees")]

    def _fs(self, chain: ChainID) -> Path:
        path = self._tree(chain) / "fs"
        if not path.exists():
            raise NotFound("no snapshot {chain}", chain=chain)
        return path

    def _tree(self, chain: ChainID) -> Path:
        return self._root / "trees" / chain.hex

    def _layer(self, diff_id: DiffID) -> Path:
        return self._root / "layers" / f"{diff_id.hex}.tar"

    def _still(self, *, shared: bool = False) -> AbstractContextManager[None]:
        return held(self._root / "locks" / "removal", shared=shared)
