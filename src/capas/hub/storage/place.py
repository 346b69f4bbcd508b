"""`[storage]` of the hub's configuration: where the bytes of blobs are."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class StorageConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a `url`, the hub's root directory. `options` are the object store's own: endpoint, region, keys."""

    url: str = ""
    options: Mapping[str, str] = {}
