"""Manifests over the wire: fetched, looked up, put and deleted, every one checked against its digest.

Spec: OCI distribution-spec 1.1, "Pulling manifests", "Pushing Manifests", "Deleting Manifests".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capas.errors import CapasError, Corrupt, Invalid
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES
from capas.registry.message import Conversation, Response
from capas.registry.refusal import refused
from capas.registry.scope import deleting, pulling, pushing
from capas.registry.session import Session

_KNOWN = media.MANIFESTS | media.INDEXES | {media.DOCKER_SCHEMA1, media.DOCKER_SCHEMA1_SIGNED}


class Fetched(NamedTuple):
    """A manifest or index as it came. `media_type` is empty where the registry did not say a type that means one."""

    data: bytes
    media_type: str
    digest: Digest


def get_manifest(
    session: Session, path: str, target: str, accept: Sequence[str] = media.ACCEPTED
) -> Conversation[Fetched]:
    """The manifest or index that a tag or digest names.

    Raises: NotFound; Unauthenticated; Denied; Unavailable; Corrupt where its bytes are not those of the digest asked
    for, or of the digest that the registry says.
    """
    response = yield from session.ask(
        "GET", _url(path, target), scopes=pulling(path), repository=path, headers={"Accept": ", ".join(accept)}
    )
    if response.status != 200:
        raise refused(response, _name(session, path, target))
    data = response.data(MAX_BYTES)
    actual = Digest.of(data)
    asked = target if target.startswith("sha256:") else response.header("docker-content-digest")
    if asked.startswith("sha256:") and asked != actual:
        raise Corrupt(
            "{host} lies about {name}: the digest should be {asked} and is {actual}",
            host=session.endpoint.host, name=f"{path}:{target}" if asked != target else path, asked=asked,
            actual=actual, hint="somebody changed it on the way, or the registry is broken",
        )  # fmt: skip
    return Fetched(data, _type_of(response), actual)


def head_manifest(
    session: Session, path: str, target: str, accept: Sequence[str] = media.ACCEPTED
) -> Conversation[Descriptor | None]:
    """What a registry says of a tag or digest, without fetching it; None where it does not say a digest.

    Raises: NotFound; Unauthenticated; Denied; Unavailable.
    """
    response = yield from session.ask(
        "HEAD", _url(path, target), scopes=pulling(path), repository=path, headers={"Accept": ", ".join(accept)}
    )
    response.discard()
    if response.status != 200:
        raise refused(response, _name(session, path, target))
    length = response.header("content-length")
    try:
        digest = Digest.parse(response.header("docker-content-digest"))
    except CapasError:
        return None
    return Descriptor(
        media_type=_type_of(response), digest=digest, size=int(length) if length.isascii() and length.isdigit() else 0
    )


def put_manifest(session: Session, path: str, target: str, data: bytes, media_type: str) -> Conversation[Digest]:
    """Store a manifest under a tag or its digest; its digest.

    Order: what it names first. Raises: as the registry refuses; Corrupt where it says another digest.
    """
    response = yield from session.ask(
        "PUT", _url(path, target), scopes=pushing(path), repository=path, headers={"Content-Type": media_type},
        body=data,
    )  # fmt: skip
    if response.status not in (200, 201, 202):
        raise refused(response, _name(session, path, target))
    response.discard()
    digest, said = Digest.of(data), response.header("docker-content-digest")
    if said.startswith("sha256:") and said != digest:
        raise Corrupt(
            "{host} stored {digest} as {said}: it changed the manifest", host=session.endpoint.host, digest=digest,
            said=said,
        )  # fmt: skip
    return digest


def delete_manifest(session: Session, path: str, target: str) -> Conversation[None]:
    """Delete a manifest (by digest) or a tag (where the registry can). Raises: NotFound; Unsupported; Denied."""
    response = yield from session.ask("DELETE", _url(path, target), scopes=deleting(path), repository=path)
    if response.status not in (200, 202, 204):
        raise refused(response, _name(session, path, target))
    response.discard()


def _url(path: str, target: str) -> str:
    if "/" in target or not target.isprintable():
        raise Invalid("neither a tag nor a digest: {target!r}", target=target[:100])
    return f"/v2/{path}/manifests/{target}"


def _name(session: Session, path: str, target: str) -> str:
    separator = "@" if ":" in target else ":"
    return f"{session.endpoint.host}/{path}{separator}{target}"


def _type_of(response: Response) -> str:
    return response.media_type if response.media_type in _KNOWN else ""
