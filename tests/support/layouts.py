"""OCI image layouts on disk, for peers to read."""

from __future__ import annotations

import json
from pathlib import Path

from capas.image.image import Image
from capas.store.blobs import DirectoryBlobs
from support.images import Files, make_image


def make_layout(path: Path, *layers: Files, docker: bool = False, architecture: str = "amd64") -> Image:
    """An OCI layout at `path` that holds one image, tagged `v1`."""
    path.mkdir(parents=True)
    image = make_image(DirectoryBlobs(path), *layers, docker=docker, architecture=architecture)
    entry = {
        "mediaType": image.media_type,
        "digest": str(image.digest),
        "size": len(image.manifest_bytes),
        "annotations": {"org.opencontainers.image.ref.name": "v1"},
    }
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return image
