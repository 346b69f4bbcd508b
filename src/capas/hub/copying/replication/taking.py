"""A blob of another registry taken into a repository of this hub."""

from __future__ import annotations

import time
from collections.abc import Callable

from capas.errors import Conflict
from capas.hub.distribution.kept import keep_blob
from capas.hub.hub import Hub
from capas.hub.storage.contract import Upload
from capas.oci.descriptor import Descriptor
from capas.registry.client import Repository

_CHUNK = 1 << 20
_POLL_SECONDS = 0.1


def take_blob(hub: Hub, name: str, repository: Repository, blob: Descriptor, check: Callable[[], None]) -> int:
    """Bring a blob of another registry into the repository `name`: how many bytes were fetched.

    It is fetched even where the store has its bytes for somebody else: that a registry names a digest proves nothing.
    A try that broke off is gone on with. Raises: NotFound; Corrupt; Unavailable; Exhausted; what `check` raises.
    """
    with _turn(hub, f"replication+{name.replace('/', '+')}+{blob.digest}", check) as ingest:
        begun = ingest.offset
        stream = repository.open_blob(blob, ingest.offset, verify=False)
        try:
            while ingest.offset < blob.size and (data := stream.read(_CHUNK)):
                check()
                ingest.write(data)
        finally:
            stream.close()
        keep_blob(hub, (name, blob.digest), blob.size, hub.new_token(), lambda: ingest.commit(blob.digest, blob.size))
        return blob.size - begun


def _turn(hub: Hub, name: str, check: Callable[[], None]) -> Upload:
    while True:
        try:
            return hub.blobs.ingest(name)
        except Conflict:
            check()
            time.sleep(_POLL_SECONDS)
