"""Layers as they arrive: fetched, checked, inflated and handed on in one pass; a blob that is here is not fetched."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import NamedTuple

from capas.errors import CapasError, Corrupt, NotFound, Unsupported
from capas.events import Advanced, Failed, Finished, Report, Started
from capas.layer.ahead import reading_ahead
from capas.layer.compression import decompress
from capas.layer.entry import Layer, LayerReceiver
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.registry.client import Repository
from capas.store.contract import BlobStore, Ingest, Readable
from capas.store.put import take_turn
from capas.store.record import LayerRecord
from capas.store.records import Records

_CHUNK = 1 << 20
_SMALL = 2 << 20  # not worth a thread


class Here(NamedTuple):
    """What is on this machine: blobs (held while the pull lasts), records, and where layers are unpacked, if at all."""

    blobs: BlobStore
    records: Records
    receiver: LayerReceiver | None

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether a blob is here, whole."""
        return self.blobs.stat(descriptor.digest) == descriptor.size

    def has_layer(self, layer: Layer) -> bool:
        """Whether nothing is to be done for a layer: its blob is here, known to be it, and unpacked."""
        if not self.has_blob(layer.descriptor):
            return False
        known = self.records.find_layer_of(layer.descriptor.digest)
        if known is None or known.diff_id != layer.diff_id:
            return False
        return self.receiver is None or self.receiver.has_layer(layer.diff_id)


class Arrival:
    """Brings the layers of one image from a repository, for several threads at once.

    `records` and `fetched` tell afterwards what arrived. `check` is called between chunks and may raise.
    """

    def __init__(self, repository: Repository, here: Here, *, check: Callable[[], None], report: Report) -> None:
        self._repository = repository
        self._here = here
        self._check = check
        self._report = report
        self._lock = threading.Lock()
        self.records: list[LayerRecord] = []
        self.fetched: list[Digest] = []

    def bring(self, layer: Layer) -> None:
        """One layer, to the end: blob in the store, tree with the receiver.

        Raises: Corrupt; Unavailable; NotFound; Exhausted; whatever `check` raises.
        """
        digest = layer.descriptor.digest
        try:
            if not self._fetch(layer):
                with self._here.blobs.open(digest) as file:
                    self._take(layer, Watched(file, self._check))
        except CapasError as error:
            self._report(Failed(digest.short, error.told))
            raise
        self._report(Finished(digest.short, "Pull complete"))

    def _fetch(self, layer: Layer) -> bool:
        """Get the blob where it is not here. Whether the layer was taken in the same pass."""
        descriptor = layer.descriptor
        ingest = take_turn(self._here.blobs, descriptor.digest, descriptor.size, check=self._check)
        if ingest is None:
            return False
        with ingest:
            resumed = ingest.offset > 0
            try:
                taken = self._stream(layer, ingest)
            except Corrupt:
                ingest.abort()
                if not resumed:
                    raise
                taken = None  # what an earlier try left was damaged: from the start, once
        return self._fetch(layer) if taken is None else taken

    def _stream(self, layer: Layer, ingest: Ingest) -> bool:
        descriptor, offset = layer.descriptor, ingest.offset
        with self._lock:
            self.fetched.append(descriptor.digest)
        if offset >= descriptor.size > 0:  # an earlier try was stopped just before its commit
            ingest.commit(descriptor.digest, descriptor.size)
            return False
        stream = self._repository.open_blob(descriptor, offset, verify=False)
        tee = Tee(stream, ingest, descriptor, self._told(descriptor))
        try:
            if offset:
                drain(tee)  # its beginning is on disk: it is inflated from there, afterwards
                return False
            if descriptor.size < _SMALL:
                self._take(layer, tee)
            else:
                with reading_ahead(tee) as ahead:
                    self._take(layer, ahead)
            drain(tee)
            return True
        except NotFound as error:
            raise _absent(descriptor, error) from error
        finally:
            stream.close()

    def _take(self, layer: Layer, stream: Readable) -> None:
        """Inflate a blob into the receiver, or only compare it with its diff_id."""
        tar = Counted(decompress(stream))
        receiver = self._here.receiver
        if receiver is not None and not receiver.has_layer(layer.diff_id):
            receiver.add_layer(layer.diff_id, tar)
            drain(tar)
        else:
            check_diff_id(layer, tar)
        descriptor = layer.descriptor
        record = LayerRecord(layer.diff_id, descriptor.digest, descriptor.media_type, descriptor.size, tar.count)
        with self._lock:
            self.records.append(record)

    def _told(self, descriptor: Descriptor) -> Callable[[int], None]:
        def told(done: int) -> None:
            self._check()
            self._report(Advanced(descriptor.digest.short, done, descriptor.size, "Downloading"))

        return told


class Tee:
    """A blob on its way through: every byte goes into the ingest, and the last read commits it.

    So whoever reads it to the end has read verified bytes. Raises, from `read`: Corrupt; Exhausted; Unavailable.
    """

    def __init__(self, stream: Readable, ingest: Ingest, descriptor: Descriptor, report: Callable[[int], None]) -> None:
        self._stream = stream
        self._ingest = ingest
        self._descriptor = descriptor
        self._report = report

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end, when the blob is committed."""
        data = self._stream.read(size)
        if data:
            self._ingest.write(data)
            self._report(self._ingest.offset)
        elif size:
            self._ingest.commit(self._descriptor.digest, self._descriptor.size)
        return data


class Counted:
    """A stream whose bytes are counted."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        data = self._stream.read(size)
        self.count += len(data)
        return data


class Watched:
    """A stream whose reader may be stopped between chunks."""

    def __init__(self, stream: Readable, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        self._check()
        return self._stream.read(size)


def drain(stream: Readable) -> None:
    """Read to the end."""
    while stream.read(_CHUNK):
        pass


def check_diff_id(layer: Layer, tar: Readable) -> None:
    """Read a layer's tar to its end. Raises: Corrupt where it is not the one that the config names."""
    sha256 = hashlib.sha256()
    while chunk := tar.read(_CHUNK):
        sha256.update(chunk)
    actual = DiffID.of_hash(sha256)
    if actual != layer.diff_id:
        raise Corrupt(
            "layer {digest} inflates to {actual} and not to {diff_id}",
            digest=layer.descriptor.digest, actual=actual, diff_id=layer.diff_id,
        )  # fmt: skip


def _absent(descriptor: Descriptor, error: NotFound) -> CapasError:
    if not media.is_foreign(descriptor.media_type):
        return error
    return Unsupported(
        "layer {digest} is not in the registry but elsewhere, and addresses in manifests are never fetched",
        digest=descriptor.digest,
    )


def announce(layer: Layer, report: Report) -> None:
    """Say that a layer is going to be brought."""
    report(Started(layer.descriptor.digest.short, "Pulling fs layer", layer.descriptor.size))
