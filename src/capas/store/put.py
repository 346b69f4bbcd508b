"""Writing a blob by the contract alone: a small one whole, a large one in turn with others who bring it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from capas.errors import Conflict
from capas.oci.digest import Digest
from capas.store.contract import BlobStore, Ingest

_FIRST_WAIT, _LONGEST_WAIT = 0.005, 0.1


def put(blobs: BlobStore, data: bytes) -> Digest:
    """Keep these bytes, whoever else is keeping the same; their digest."""
    digest = Digest.of(data)
    if blobs.stat(digest) == len(data):
        return digest
    name = f"{digest}+{os.getpid()}+{threading.get_ident()}"  # its own: small bytes are not worth waiting for
    with blobs.ingest(name) as ingest:
        ingest.write(data[ingest.offset :])
        ingest.commit(digest, len(data))
    return digest


def fresh_ingest(blobs: BlobStore, name: str) -> Ingest:
    """An ingest that begins at 0: what a killed process left under the name is of another try."""
    ingest = blobs.ingest(name)
    if ingest.offset:
        ingest.abort()
        ingest = blobs.ingest(name)
    return ingest


def take_turn(
    blobs: BlobStore, digest: Digest, size: int, *, check: Callable[[], None] = lambda: None
) -> Ingest | None:
    """The ingest of a large blob, waiting while another writes it; None once the blob is here, whole.

    When the other is killed, the turn is ours from where it stopped. `check` is called while waiting and may raise.
    """
    wait = _FIRST_WAIT
    while blobs.stat(digest) != size:
        try:
            ingest = blobs.ingest(digest)
        except Conflict:
            check()
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            continue
        if blobs.stat(digest) != size:
            return ingest
        ingest.abort()  # the other committed between our look and our turn
    return None
