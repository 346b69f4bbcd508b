"""The overlay driver: layers are directories, or what can be mounted as one, and overlayfs stacks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from capas.errors import Conflict
from capas.oci.digest import ChainID, DiffID, chain_id
from capas.snapshot.actives import Actives
from capas.snapshot.contract import Info, Mount, Usage
from capas.snapshot.layers import Layers, LooseLayers
from capas.snapshot.lock import held
from capas.snapshot.scratch import Scratch, remove_tree
from capas.snapshot.stacks import Stacks
from capas.snapshot.usage import tree_usage
from capas.store.contract import Readable
from capas.store.disk import disk_errors, make_dirs

_FOLDERS = ("layers", "stacks", "active", "locks", "ingest", "trash", "empty")


class OverlaySnapshotter:
    """See `Snapshotter`. A key has `fs/`, the topmost directory, and an active one `work/` beside it."""

    name = "overlay"

    def __init__(self, root: Path, keep: Callable[[Scratch], Layers] | None = None) -> None:
        for folder in _FOLDERS:
            make_dirs(root / folder)
        self._root = root
        self._scratch = Scratch(root)
        self._scratch.clean()
        self._actives = Actives(root, self._scratch)
        self._layers: Layers = keep(self._scratch) if keep else LooseLayers(root, self._scratch)
        self._stacks = Stacks(root, self._scratch, self._layers)

    def has_layer(self, diff_id: DiffID) -> bool:
        """Whether it is here, whole."""
        return self._layers.has(diff_id)

    def add_layer(self, diff_id: DiffID, tar: Readable) -> None:
        """Unpack it into its own directory."""
        self._layers.add(diff_id, tar)

    def stack(self, diff_ids: Sequence[DiffID]) -> ChainID:
        """Commit the stack of these layers."""
        with self._still(shared=True):
            return self._stacks.add(diff_ids)

    def prepare(self, key: str, parent: ChainID | None, *, writable: bool = True) -> None:
        """An active snapshot, or a view."""

        def fill(place: Path) -> None:
            (place / "fs").mkdir(mode=0o755)
            if writable:
                (place / "work").mkdir()
            rooted = self._stacks.rooted(parent) if parent is not None else None
            if rooted is not None:  # overlayfs shows the topmost directory's attributes as the root's
                self._layers.dress(rooted, place / "fs")

        with self._still(shared=True), disk_errors(self._root):
            if parent is not None:
                self._stacks.get(parent)
            self._actives.create(key, "active" if writable else "view", parent, fill)

    def mounts(self, key: str) -> Sequence[Mount]:
        """One mount: an overlay, or a bind where there is one directory only."""
        info, place = self._actives.get(key), self._actives.path(key)
        folders = self._stacks.folders(info.parent) if info.parent else []
        if not folders:
            return [Mount("bind", str(place / "fs"), ("rbind", "rw" if info.kind == "active" else "ro"))]
        if info.kind == "view":
            return [self._stacks.view([place / "fs", *folders])]
        return [self._stacks.view(folders, f"upperdir={place / 'fs'}", f"workdir={place / 'work'}")]

    def commit(self, key: str, diff_id: DiffID) -> ChainID:
        """The upper directory becomes the layer."""
        info = self._actives.get(key)
        if info.kind != "active":
            raise Conflict("snapshot {key} is a view: there is nothing to commit", key=key)
        with self._still(shared=True):
            self._layers.adopt(diff_id, self._actives.path(key) / "fs")
            chain = chain_id([diff_id], info.parent)
            self._stacks.put(chain, diff_id, info.parent)
        self._actives.remove(key)
        return chain

    def stat(self, name: str) -> Info | None:
        """The snapshot of this key or chain id."""
        if not name.startswith("sha256:"):
            return self._actives.find(name)
        chain = ChainID.parse(name)
        stack = self._stacks.find(chain)
        return Info(name, "committed", stack.parent) if stack and self._stacks.is_whole(chain) else None

    def usage(self, name: str) -> Usage:
        """What its own files take."""
        if name.startswith("sha256:"):
            stack = self._stacks.get(ChainID.parse(name))
            own, more = self._layers.usage(stack.diff_id), tree_usage(self._stacks.path(stack.chain))
            return Usage(own.size + more.size, own.inodes + more.inodes) if stack.corrected else own
        self._actives.get(name)
        return tree_usage(self._actives.path(name) / "fs")

    def remove(self, name: str) -> None:
        """A key, a chain id or a layer."""
        if not name.startswith("sha256:"):
            self._actives.remove(name)
            return
        with self._still():  # out of sight in here, deleted after
            hidden = self._hide(ChainID.parse(name))
        if hidden is not None:
            remove_tree(hidden)

    def iterate(self) -> Iterator[Info]:
        """Every snapshot."""
        for stack in self._stacks.iterate():
            yield Info(stack.chain, "committed", stack.parent)
        yield from self._actives.iterate()

    def _hide(self, chain: ChainID) -> Path | None:
        """A layer's diff_id is also the chain id of the stack that has it alone: the stack goes first."""
        if any(info.parent == chain for info in self.iterate()):
            raise Conflict("snapshot {name} is stood on by another", name=chain)
        if self._stacks.find(chain) is not None:
            return self._scratch.hide(self._stacks.path(chain))
        if any(stack.diff_id == DiffID(chain) for stack in self._stacks.iterate()):
            raise Conflict("layer {name} is part of a snapshot", name=chain)
        return self._layers.hide(DiffID(chain))

    def _still(self, *, shared: bool = False) -> AbstractContextManager[None]:
        """Removals have the drawing of who stands on whom to themselves; everything else shares it."""
        return held(self._root / "locks" / "removal", shared=shared)
