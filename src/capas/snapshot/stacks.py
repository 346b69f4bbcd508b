"""Committed snapshots: a small record for each stack of layers, and its correction where it needs one."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from capas.errors import NotFound
from capas.layer.applied import Applied
from capas.oci.digest import ChainID, DiffID, chain_id
from capas.snapshot import syscalls
from capas.snapshot.contract import Mount
from capas.snapshot.layers import Layers
from capas.snapshot.lock import held
from capas.snapshot.mounting import LAYERS, join_paths, mount_all, read_overlay, show_lowers, unmount
from capas.snapshot.namespaces import identity, in_private_mounts
from capas.snapshot.scratch import Scratch
from capas.store.disk import disk_errors, sync_dir

_MANY = 256  # files: from here on one call for the whole filesystem is quicker
_ONE_DEVICE = "xino=auto"
"""Where the kernel can, all files of one tree seem to be on one device, though each layer file is a filesystem.

Not "on": overlayfs then marks every new directory as opaque, and layers made here would differ from those elsewhere.
"""


class Stack(NamedTuple):
    """A chain id's layer on top and the stack it stands on.

    `corrected`: a correction stands on the layer; `rooted`: the layer says what the root directory is like.
    """

    chain: ChainID
    diff_id: DiffID
    parent: ChainID | None
    corrected: bool
    rooted: bool


class Stacks:
    """`stacks/<hex>/` holds `stack.json` and, where there is a correction, `fs/`."""

    def __init__(self, root: Path, scratch: Scratch, layers: Layers) -> None:
        self._root = root / "stacks"
        self._empty = root / "empty"
        self._places = root / "places"
        self._locks = root / "locks"
        self._scratch = scratch
        self._layers = layers

    def find(self, chain: ChainID) -> Stack | None:
        """The stack, None where it is not here."""
        try:
            found = json.loads((self._path(chain) / "stack.json").read_bytes())
        except (FileNotFoundError, ValueError):  # empty after a power cut before it was on disk: it is made again
            return None
        parent = ChainID.parse(found["parent"]) if found["parent"] else None
        return Stack(chain, DiffID.parse(found["diff_id"]), parent, found["corrected"], found.get("rooted", True))

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
        """Make the records from the bottom up; those that are here stay. On disk when this returns.

        Raises: NotFound for a missing layer.
        """
        chain: ChainID | None = None
        missing: list[tuple[ChainID, DiffID, ChainID | None]] = []
        for diff_id in diff_ids:
            if not self._layers.has(diff_id):
                raise NotFound("layer {diff_id} is not unpacked", diff_id=diff_id)
            parent, chain = chain, chain_id([diff_id], chain)
            if self.find(chain) is None:
                missing.append((chain, diff_id, parent))
        self._put(missing)
        return chain_id(diff_ids)

    def put(self, chain: ChainID, diff_id: DiffID, parent: ChainID | None) -> None:
        """One more layer on a parent. Atomic, idempotent. On disk when this returns."""
        if self.find(chain) is None:
            self._put([(chain, diff_id, parent)])

    def _put(self, missing: Sequence[tuple[ChainID, DiffID, ChainID | None]]) -> None:
        """All in one mount namespace, in which a layer that a correction is to see is mounted once."""

        def work() -> None:
            for chain, diff_id, parent in missing:
                with held(self._locks / f"stack-{chain.hex[:32]}", forget=True):
                    if self.find(chain) is None:
                        self._make(chain, diff_id, parent)

        if missing:
            in_private_mounts(work)
            for chain, _, _ in missing:
                self._sync(self._path(chain))
            sync_dir(self._root)

    def _sync(self, stack: Path) -> None:
        """Put a record and its correction on disk: them alone, and not all that others have written there."""
        folders = list(os.walk(stack))
        if sum(len(names) for _, _, names in folders) > _MANY:
            syscalls.syncfs(os.fsencode(stack))
            return
        for folder, _, names in folders:
            for path in (os.path.join(folder, name) for name in names):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    _fsync(path)
            _fsync(folder)

    def folders(self, chain: ChainID) -> list[Path]:
        """The directories to stack, topmost first; two at least, as overlayfs wants it. Raises: NotFound.

        A layer that is there twice (the empty one often is) is stacked once, at its upper place, where it does it all.
        """
        found: dict[Path, None] = {}
        for stack in self._down(chain):
            if stack.corrected:
                found[self._path(stack.chain) / "fs"] = None
            found[self._layers.lower(stack.diff_id)] = None
        return [*found] if len(found) > 1 else [*found, self._empty]

    def view(self, folders: Sequence[Path], *options: str) -> Mount:
        """A mount of two folders or more, topmost first, read-only unless `options` name an upper directory."""
        filed = any(folder.is_file() for folder in folders)
        return _overlay(folders, *options, *((f"{LAYERS}{self._places}", _ONE_DEVICE) if filed else ()))

    def rooted(self, chain: ChainID) -> DiffID | None:
        """The layer whose root has the attributes of the stack's: the topmost that says them."""
        return next((stack.diff_id for stack in self._down(chain) if stack.rooted), None)

    def is_whole(self, chain: ChainID) -> bool:
        """Whether every layer is here, in the form that this driver stacks."""
        return all(self._layers.has(stack.diff_id) for stack in self._down(chain))

    def path(self, chain: ChainID) -> Path:
        """The directory of a stack."""
        return self._path(chain)

    def _down(self, chain: ChainID) -> Iterator[Stack]:
        at: ChainID | None = chain
        while at is not None:
            stack = self.get(at)
            yield stack
            at = stack.parent

    def _make(self, chain: ChainID, diff_id: DiffID, parent: ChainID | None) -> None:
        from capas.snapshot.corrections import needs_correction

        notes = self._layers.notes(diff_id)
        with self._scratch.directory() as place, disk_errors(place):
            corrected = needs_correction(notes) and self._correct(diff_id, parent, notes, place)
            rooted = b"" not in notes.implicit
            record = {"diff_id": diff_id, "parent": parent, "corrected": corrected, "rooted": rooted}
            (place / "stack.json").write_text(json.dumps(record))
            place.chmod(0o755)
            self._scratch.discard(self._path(chain))  # one that a power cut left without its record
            os.rename(place, self._path(chain))

    def _correct(self, diff_id: DiffID, parent: ChainID | None, notes: Applied, place: Path) -> bool:
        from capas.snapshot.corrections import correct

        target, view = place / "fs", place / "below"
        target.mkdir(mode=0o755)
        view.mkdir()

        if parent is not None:
            mount_all([self.view(self.folders(parent))], view)
        layer = show_lowers(read_overlay(self.view([self._layers.lower(diff_id)])))[0]
        try:
            paths = [os.fsencode(path) for path in (view, Path(layer), target)]
            made = correct(notes, *paths, lenient=identity() == "single")
        finally:
            unmount(view)
        view.rmdir()
        if not made:
            target.rmdir()
        return made

    def _path(self, chain: ChainID) -> Path:
        return self._root / chain.hex


def _overlay(folders: Sequence[Path], *options: str) -> Mount:
    lowers = f"lowerdir={join_paths([str(folder) for folder in folders])}"
    writable = any(option.startswith("upperdir=") for option in options)
    return Mount("overlay", "overlay", (lowers, *options, *(() if writable else ("ro",)), *common_options()))


def common_options() -> tuple[str, ...]:
    """What every overlay mount of ours asks for, whatever the kernel's defaults are.

    index and metacopy off: an upper directory then holds whole files and nothing that ties it to its lowers, so that
    it can become a layer. redirect_dir=nofollow: no mark in a layer leads elsewhere. userxattr: for a user namespace.
    """
    own = () if identity() == "root" else ("userxattr",)
    return ("index=off", "metacopy=off", "redirect_dir=nofollow", *own)


def _fsync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
