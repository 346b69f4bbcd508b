"""What a snapshot driver promises.

Words. A *layer* is named by its diff_id and is kept once however many images use it (`LayerReceiver`: has_layer,
add_layer). A *stack* of layers is a committed snapshot, named by its chain id. A *view* is a committed snapshot to be
read, an *active* one to be written on, both under a key that the caller chooses (a container's id, a build step's).
The parent of either is always committed.

Importing an image: `add_layer` for each layer, in any order and at once, then `stack` with all its diff_ids. Running:
`prepare(key, parent)`, `mounts(key)`. A new layer: after `prepare` and some work on the tree, write the changeset
(`snapshot.changes`), then `commit(key, diff_id)`: the active tree becomes that layer without being read again.

A driver may unpack a layer into loose files, or mount it from one file without unpacking: nobody above can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from capas.layer.entry import LayerReceiver
from capas.oci.digest import ChainID, DiffID

Kind = Literal["view", "active", "committed"]


class Mount(NamedTuple):
    """One mount(2) to make a snapshot visible: `type` "overlay" or "bind". `options` as in /proc/mounts."""

    type: str
    source: str
    options: tuple[str, ...] = ()


class Info(NamedTuple):
    """A snapshot: its key or chain id, its kind, the committed snapshot below it."""

    name: str
    kind: Kind
    parent: ChainID | None


class Usage(NamedTuple):
    """What a snapshot itself takes on disk, without its parent. `size` in bytes."""

    size: int
    inodes: int


class Snapshotter(LayerReceiver, Protocol):
    """Trees by name. Safe from many threads and processes; every change is atomic and survives a crash."""

    @property
    def name(self) -> str:
        """The driver's name, as settings write it."""

    def stack(self, diff_ids: Sequence[DiffID]) -> ChainID:
        """Commit the stack of these layers, bottom first, all of them received. Idempotent. Raises: NotFound."""

    def prepare(self, key: str, parent: ChainID | None, *, writable: bool = True) -> None:
        """An active snapshot on `parent` (or on nothing), or a view. Raises: AlreadyExists; NotFound."""

    def mounts(self, key: str) -> Sequence[Mount]:
        """How to see it. Raises: NotFound."""

    def commit(self, key: str, diff_id: DiffID) -> ChainID:
        """Turn the active's changes into the layer `diff_id` on its parent, and remove the key. Raises: NotFound."""

    def stat(self, name: str) -> Info | None:
        """The snapshot of this key or chain id."""

    def usage(self, name: str) -> Usage:
        """Raises: NotFound."""

    def remove(self, name: str) -> None:
        """Remove a key, a chain id or a layer (diff_id). Idempotent. Raises: Conflict while a snapshot stands on it."""

    def iterate(self) -> Iterator[Info]:
        """Every snapshot."""
