"""In-toto statements, and the manifest that puts them beside an image as BuildKit does.

Spec: in-toto attestation framework, "Statement v0.1"; moby/buildkit, docs/attestations/attestation-storage.md;
OCI image-spec, manifest.md, `subject`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from capas.build.attestations.subject import image_url
from capas.image.image import Image
from capas.oci import media
from capas.oci.attestation import ATTESTATION, REFERENCE_DIGEST, REFERENCE_TYPE
from capas.oci.config import Config, RootFS
from capas.oci.descriptor import Descriptor, PlatformDocument
from capas.oci.digest import DiffID, Digest
from capas.oci.document import encode
from capas.oci.manifest import Manifest
from capas.reference import Reference
from capas.store.contract import BlobStore
from capas.store.put import put

LAYER_TYPE = "application/vnd.in-toto+json"
ARTIFACT_TYPE = "application/vnd.docker.attestation.manifest.v1+json"
PREDICATE_TYPE = "in-toto.io/predicate-type"
_STATEMENT = "https://in-toto.io/Statement/v0.1"
_NOWHERE = PlatformDocument(os="unknown", architecture="unknown")


class Predicate(NamedTuple):
    """What is said, and the type that says what kind of saying it is."""

    type: str
    content: Mapping[str, Any]


def attach(image: Image, names: Sequence[Reference], predicates: Sequence[Predicate], blobs: BlobStore) -> Descriptor:
    """Write the statements about an image, and a manifest of them; what the index says of it.

    The manifest names the image as its subject too, so that a registry lists it among the image's referrers.
    """
    layers = tuple(_layer(image, names, predicate, blobs) for predicate in predicates)
    diff_ids = tuple(DiffID(layer.digest) for layer in layers)
    config = encode(Config(os="unknown", architecture="unknown", rootfs=RootFS(diff_ids=diff_ids)))
    manifest = Manifest(
        schema_version=2,
        media_type=media.OCI_MANIFEST,
        artifact_type=ARTIFACT_TYPE,
        config=Descriptor(media_type=media.OCI_CONFIG, digest=put(blobs, config), size=len(config)),
        layers=layers,
        subject=image.descriptor,
    )
    data = encode(manifest)
    return Descriptor(
        media_type=media.OCI_MANIFEST,
        digest=put(blobs, data),
        size=len(data),
        annotations={REFERENCE_DIGEST: str(image.digest), REFERENCE_TYPE: ATTESTATION},
        platform=_NOWHERE,
    )


def _layer(image: Image, names: Sequence[Reference], predicate: Predicate, blobs: BlobStore) -> Descriptor:
    platform = str(image.platform)
    called = [image_url(name, platform) for name in names] or ["_"]
    statement = {
        "_type": _STATEMENT,
        "predicateType": predicate.type,
        "subject": [{"name": name, "digest": {"sha256": image.digest.hex}} for name in called],
        "predicate": predicate.content,
    }
    data = encode(statement)
    return Descriptor(
        media_type=LAYER_TYPE,
        digest=put(blobs, data),
        size=len(data),
        annotations={PREDICATE_TYPE: predicate.type},
    )


def is_about(descriptor: Descriptor, digest: Digest) -> bool:
    """Whether an entry of an index is the attestations of the image with this digest."""
    said = descriptor.annotations
    return said.get(REFERENCE_TYPE) == ATTESTATION and said.get(REFERENCE_DIGEST) == digest
