"""What a container changed in its tree: shown by `diff`, made a layer by `commit`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capas.layer.compression import Kind
from capas.layer.create import LayerBlob, NewLayer
from capas.layer.entry import Entry
from capas.layer.files import LayerFiles
from capas.layer.writer import TarWriter
from capas.run.containers import Container, Containers
from capas.run.record import Record
from capas.snapshot.changes import Change, list_changes, write_changes
from capas.store.contract import BlobStore, Readable


class Committed(NamedTuple):
    """The layer of a container's changes, and the container it came from."""

    layer: NewLayer
    record: Record


def diff(containers: Containers, reference: str) -> list[Change]:
    """What it added, changed and deleted, sorted by path. Places made to mount on are not its changes."""
    container = containers.get(reference)
    stubs = _stubs(container)
    above = {line for stub in stubs for line in _above(stub)}
    found = list_changes(containers.snapshotter, container.record.snapshot)
    real = [change for change in found if change.path.strip(b"/") not in stubs]
    return [change for change in real if change.path.strip(b"/") not in above or _has_more(change, real)]


def commit(
    containers: Containers,
    reference: str,
    blobs: BlobStore,
    files: LayerFiles | None = None,
    *,
    compression: Kind = "gzip",
    clamp_ns: int | None = None,
) -> Committed:
    """Its changes as a new layer in `blobs`, on top of its image's. It may run meanwhile. Raises: Exhausted."""
    container = containers.get(reference)
    with LayerBlob(blobs, files, compression=compression, name=f"commit-{container.record.id}") as blob:
        writer = _Without(blob.tar, _stubs(container))
        write_changes(containers.snapshotter, container.record.snapshot, writer, clamp_ns=clamp_ns)
        return Committed(blob.commit(), container.record)


def _above(path: bytes) -> Iterator[bytes]:
    while path := path.rpartition(b"/")[0]:
        yield path


def _has_more(change: Change, changes: list[Change]) -> bool:
    """Whether something changed beneath it, other than a mount point."""
    return change.kind != "C" or any(other.path.startswith(change.path + b"/") for other in changes)


def _stubs(container: Container) -> frozenset[bytes]:
    return frozenset(path.strip("/").encode("utf-8", "surrogateescape") for path in container.state.stubs)


class _Without(TarWriter):
    """A writer that leaves out some paths."""

    def __init__(self, inner: TarWriter, skip: frozenset[bytes]) -> None:
        super().__init__(lambda data: None)
        self._inner, self._skip = inner, skip

    def add(self, entry: Entry, body: Readable | None = None) -> None:
        if entry.path not in self._skip:
            self._inner.add(entry, body)

    def add_small(self, entry: Entry, data: bytes | memoryview) -> None:
        if entry.path not in self._skip:
            self._inner.add_small(entry, data)
