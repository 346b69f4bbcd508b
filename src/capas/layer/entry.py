"""The shapes of a changeset: one entry, a layer, and where a layer arrives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from capas.oci.digest import DiffID
from capas.store.contract import Readable

if TYPE_CHECKING:
    from capas.oci.descriptor import Descriptor  # msgspec comes with it, and `run` is in a hurry

FILE, HARDLINK, SYMLINK, CHARACTER, BLOCK, DIRECTORY, FIFO = (bytes([c]) for c in b"0123456")
NO_XATTRS: Mapping[bytes, bytes] = MappingProxyType({})


class Entry(NamedTuple):
    """One member of a layer. `path` is clean (no leading, doubled or dotted parts; b"" for the root).

    `mode` has permission bits with setuid, setgid and sticky only. `size` is the body's length in bytes (the real
    length for a sparse file). `offset` is where the body begins in the uncompressed tar, -1 where there is none.
    """

    path: bytes
    kind: bytes = FILE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[bytes, bytes] = NO_XATTRS
    offset: int = -1
    sparse: tuple[tuple[int, int], ...] | None = None  # (offset in the file, length) of each piece of data


class Layer(NamedTuple):
    """A layer of an image: the blob and what it is when inflated."""

    descriptor: Descriptor
    diff_id: DiffID


class LayerReceiver(Protocol):
    """Where layers arrive to be stacked: every snapshot driver is one. Safe from many threads and processes."""

    def has_layer(self, diff_id: DiffID) -> bool:
        """Whether it is here, whole."""

    def add_layer(self, diff_id: DiffID, tar: Readable) -> None:
        """Take a layer's uncompressed tar and read it to its end, even where the layer is here. Atomic, idempotent.

        Raises: Corrupt where the bytes are not those of `diff_id` or not a tar; nothing is kept then.
        """
