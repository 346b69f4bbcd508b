"""Media types: what a blob or a document says that it is."""

from __future__ import annotations

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
ACCEPTED = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)

_COMPRESSIONS = {
    OCI_LAYER_GZIP: "gzip", DOCKER_LAYER_GZIP: "gzip", OCI_LAYER: "none", DOCKER_LAYER: "none", OCI_LAYER_ZSTD: "zstd",
}  # fmt: skip
_NONDISTRIBUTABLE = ("vnd.oci.image.layer.nondistributable.", "vnd.docker.image.rootfs.foreign.")


def is_layer(media_type: str) -> bool:
    """Whether a blob of this type is a filesystem layer."""
    return media_type.startswith(("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."))


def is_foreign(media_type: str) -> bool:
    """Whether a layer of this type lives elsewhere (its URLs are never fetched)."""
    return any(mark in media_type for mark in _NONDISTRIBUTABLE)


def layer_type(compression: str, *, docker: bool = False) -> str:
    """The type of a layer compressed with "gzip", "zstd" or "none". Docker's own types know no zstd: OCI's serves."""
    if docker and compression != "zstd":
        return DOCKER_LAYER_GZIP if compression == "gzip" else DOCKER_LAYER
    return {"gzip": OCI_LAYER_GZIP, "zstd": OCI_LAYER_ZSTD, "none": OCI_LAYER}[compression]


def compression_of(media_type: str) -> str | None:
    """How a layer of this type is compressed: "gzip", "zstd" or "none"; None for a type of neither family."""
    return _COMPRESSIONS.get(media_type)
