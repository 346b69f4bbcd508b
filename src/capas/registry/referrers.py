"""Manifests about other manifests, made known to registries that do not find them by themselves.

Spec: OCI distribution-spec 1.1, "Pushing Manifests with Subject", "Referrers Tag Schema".
"""

from __future__ import annotations

from msgspec.structs import replace

from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES, decode, encode
from capas.oci.manifest import Index, Manifest
from capas.registry.manifests import put_manifest
from capas.registry.message import Conversation
from capas.registry.refusal import refused
from capas.registry.scope import pushing
from capas.registry.session import Session

_EMPTY = Index(schema_version=2, media_type=media.OCI_INDEX, manifests=())
_MISSING = (400, 404, 405)


def describe_referrer(manifest: Manifest, described: Descriptor) -> Descriptor:
    """What a list of referrers says of a manifest."""
    kind = manifest.artifact_type or manifest.config.media_type
    return replace(described, artifact_type=kind, annotations=manifest.annotations, platform=None)


def announce_referrer(session: Session, path: str, subject: Digest, referrer: Descriptor) -> Conversation[None]:
    """See that a manifest is listed among those about `subject`: under a tag, where the registry keeps no list.

    Order: after the manifest itself. Raises: as the registry refuses; Corrupt for a list that is none.
    """
    scopes = pushing(path)
    response = yield from session.ask("GET", f"/v2/{path}/referrers/{subject}", scopes=scopes, repository=path)
    response.discard()
    if response.status == 200:
        return
    if response.status not in _MISSING:
        raise refused(response, f"the referrers of {subject.short}")
    tag = subject.replace(":", "-")
    response = yield from session.ask(
        "GET", f"/v2/{path}/manifests/{tag}", scopes=scopes, repository=path, headers={"Accept": media.OCI_INDEX}
    )
    if response.status == 200:
        listed = decode(response.data(MAX_BYTES), Index, "list of referrers")
    elif response.status in _MISSING:
        response.discard()
        listed = _EMPTY
    else:
        raise refused(response, f"the referrers of {subject.short}")
    if all(one.digest != referrer.digest for one in listed.manifests):
        data = encode(replace(listed, manifests=(*listed.manifests, referrer)))
        yield from put_manifest(session, path, tag, data, media.OCI_INDEX)
