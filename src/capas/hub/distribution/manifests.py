"""Manifests and indexes: got by tag or digest, taken in only with all that they need."""

from __future__ import annotations

from typing import Any, NamedTuple

from capas.errors import CapasError
from capas.hub.distribution.blobs import parse_digest
from capas.hub.distribution.conditions import find_known
from capas.hub.distribution.message import Answer, header, search_near
from capas.hub.distribution.names import is_tag
from capas.hub.distribution.refusal import (
    DIGEST_INVALID,
    MANIFEST_BLOB_UNKNOWN,
    MANIFEST_INVALID,
    MANIFEST_TOO_LARGE,
    MANIFEST_UNKNOWN,
    NAME_UNKNOWN,
    TAG_INVALID,
    UNSUPPORTED,
    Refused,
)
from capas.hub.finding.profile import read_profile
from capas.hub.hub import Call
from capas.hub.records.values import Missing, Need, NewManifest, StoredManifest
from capas.oci import media
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES
from capas.oci.manifest import Index, Manifest, parse_manifest, type_of
from capas.store.contract import BlobSource


class _Found(NamedTuple):
    """A manifest, and what answers GET and HEAD."""

    digest: Digest
    whole: Answer
    head: Answer


async def get_manifest(call: Call) -> Answer:
    """The manifest as it was pushed, whatever the client accepts: its type says what it is.

    A tag that moved is seen at once: what is remembered is of this moment of the records.
    """
    recent, key = call.hub.recent, ("manifest", call.name, call.route.value)
    found = recent.get(key, _Found)
    if found is None:
        found = await _find(call)
        recent.keep(call.moment, key, found, len(found.whole.body))
    if not_modified := find_known(call.request, found.whole.headers):
        return not_modified
    if call.request.method == "HEAD":
        return found.head
    call.tell("pull", _tag(call.route.value), found.digest)
    return found.whole


async def put_manifest(call: Call) -> Answer:
    """Take a manifest in, under a tag or its digest."""
    hub, (name, reference) = call.hub, call.route[1:]
    is_digest = ":" in reference
    wanted = parse_digest(reference) if is_digest else None
    if wanted is None and not is_tag(reference):
        raise Refused(TAG_INVALID, f"not a tag: {reference[:100]!r}", detail={"tag": reference[:300]})
    data = await call.request.read(MAX_BYTES)
    if data is None:
        raise Refused(MANIFEST_TOO_LARGE, f"a manifest has at most {MAX_BYTES} bytes")
    digest = Digest.of(data)
    if wanted is not None and wanted != digest:
        raise Refused(DIGEST_INVALID, "the manifest has another digest", detail={"digest": digest})
    media_type = call.request.header(b"content-type").partition(";")[0].strip()
    may_move, actor = await call.may(name, "move"), call.identity.name

    def keep() -> tuple[NewManifest, list[Missing]]:
        new = read_manifest(hub.blobs, digest, data, media_type)._replace(may_move=may_move, actor=actor)
        return new, hub.manifests.put_manifest(name, new, None if is_digest else reference, hub.now_ns())

    new, missing = await hub.hop(keep)
    if missing:
        raise refuse_missing(missing)
    call.tell("push", _tag(reference), digest)
    headers = [
        header("content-length", 0),
        header("location", f"/v2/{name}/manifests/{digest}"),
        header("docker-content-digest", digest),
    ]
    if new.subject:
        headers.append(header("oci-subject", new.subject))
    return Answer(201, headers)


async def delete_manifest(call: Call) -> Answer:
    """Forget a tag, or a manifest with all its tags."""
    hub, name, reference = call.hub, call.name, call.route.value
    if not hub.options.delete:
        raise Refused(UNSUPPORTED, "this hub does not delete")
    by: Any = {"actor": call.identity.name, "now_ns": hub.now_ns()}
    if ":" in reference:
        gone = await hub.hop(hub.manifests.delete_manifest, name, parse_digest(reference), **by)
    else:
        gone = await hub.hop(hub.manifests.delete_tag, name, reference, **by)
    if not gone:
        raise await _unknown(call)
    for one in gone:
        call.tell(one.kind, one.tag, one.digest)
    return Answer(202, [header("content-length", 0)])


def _tag(reference: str) -> str:
    return "" if ":" in reference else reference


def _answers(found: StoredManifest) -> _Found:
    headers = [
        header("etag", f'"{found.digest}"'),
        header("docker-content-digest", found.digest),
        header("content-length", len(found.data)),
        header("content-type", found.media_type),
    ]
    return _Found(found.digest, Answer(200, headers, found.data), Answer(200, headers))


async def _find(call: Call) -> _Found:
    reference = call.route.value
    if ":" in reference:
        reference = parse_digest(reference)
    found = await call.hub.ask(call.hub.manifests.find_manifest, call.name, reference)
    if found is None:
        raise await _unknown(call)
    return _answers(found)


async def _unknown(call: Call) -> Refused:
    name, reference = call.route[1:]
    if not await call.hub.ask(call.hub.manifests.has_repository, call.name):
        headers = (search_near(name),)
        return Refused(NAME_UNKNOWN, "repository name not known to registry", detail={"name": name}, headers=headers)
    return Refused(MANIFEST_UNKNOWN, "manifest unknown", detail={"name": name, "reference": reference[:300]})


def read_manifest(blobs: BlobSource, digest: Digest, data: bytes, media_type: str) -> NewManifest:
    """What the records keep of a manifest, whose config is in `blobs`. Raises: Refused for what is none."""
    try:
        document = parse_manifest(data, media_type)
    except CapasError as error:
        raise Refused(MANIFEST_INVALID, f"manifest invalid: {error}") from None
    return NewManifest(
        stored=StoredManifest(digest, media_type or type_of(document), data),
        needs=tuple(dict.fromkeys(_needs(document))),
        subject=document.subject.digest if document.subject else None,
        artifact_type=_artifact_type(document),
        annotations=document.annotations,
        profile=read_profile(blobs, document),
    )


def _needs(document: Manifest | Index) -> list[Need]:
    if isinstance(document, Index):
        known = media.MANIFESTS | media.INDEXES
        return [Need(child.digest, child.size, child.media_type in known) for child in document.manifests]
    held = [layer for layer in document.layers if not (media.is_foreign(layer.media_type) and layer.urls)]
    return [Need(blob.digest, blob.size, is_manifest=False) for blob in (document.config, *held)]


def _artifact_type(document: Manifest | Index) -> str:
    """Spec: OCI distribution-spec, "Listing Referrers": a manifest without one has its config's type."""
    if document.artifact_type or isinstance(document, Index):
        return document.artifact_type or ""
    return document.config.media_type


def refuse_missing(missing: list[Missing]) -> Refused:
    """The refusal of a manifest that needs what is not there."""
    wrong = next((lack for lack in missing if lack.size is not None), None)
    if wrong is not None:
        return Refused(MANIFEST_INVALID, f"manifest invalid: {wrong.digest} has {wrong.size} bytes, it says otherwise")
    detail = [{"digest": lack.digest} for lack in missing]
    return Refused(MANIFEST_BLOB_UNKNOWN, "manifest needs what the repository does not hold", detail=detail)
