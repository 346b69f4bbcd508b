"""`[storage]` of the hub's configuration: where the bytes of blobs are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from capas.hub.storage.contract import Storage
from capas.hub.storage.directory import DirectoryStorage


class StorageConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a `url`, the hub's root directory; `s3://BUCKET/PREFIX` and the like name an object store.

    `options` are the object store's own: endpoint, region, access_key_id, secret_access_key (or …_file). A client is
    sent to the store for its bytes (`redirect`), at `public_endpoint` where it knows it by another name than the hub.
    """

    url: str = ""
    options: Mapping[str, str] = {}
    redirect: bool = True
    public_endpoint: str = ""


def open_storage(config: StorageConfig, root: Path) -> Storage:
    """The place of the blobs, which was found to answer.

    Raises: Unsupported without the package for it; Invalid for a `url` that names none; Unavailable, Denied.
    """
    if not config.url:
        return DirectoryStorage(root)
    from capas.hub.storage.objects import ObjectStorage  # heavy: loads the client of object stores
    from capas.hub.storage.objects_client import open_objects

    storage = ObjectStorage(open_objects(config))
    storage.check()
    return storage
