"""The documents inside an image archive: docker's `manifest.json`."""

from __future__ import annotations

import msgspec


class ArchivedImage(msgspec.Struct, frozen=True, rename="pascal"):
    """One image of docker's `manifest.json`: paths inside the archive and whole names."""

    config: str
    repo_tags: tuple[str, ...] | None = None
    layers: tuple[str, ...] | None = None


MANIFEST_JSON = "manifest.json"
REPOSITORIES = "repositories"
INDEX_JSON = "index.json"
OCI_LAYOUT = "oci-layout"
LAYOUT_MARK = b'{"imageLayoutVersion":"1.0.0"}'
DOCUMENTS = frozenset({MANIFEST_JSON, REPOSITORIES, INDEX_JSON, OCI_LAYOUT})
BLOBS = "blobs/sha256/"
