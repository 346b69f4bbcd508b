"""Blobs on their way up: mounted from another repository, sent whole, or in chunks where it has to be.

Spec: OCI distribution-spec 1.1, "Pushing blobs" (monolithic and in chunks), "Mounting a blob from another repository".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from capas.errors import CapasError, Corrupt, Exhausted, Invalid, NotFound, Unavailable
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.registry.message import Conversation, Response, Upload
from capas.registry.refusal import refused
from capas.registry.retry import back_off
from capas.registry.scope import pushing
from capas.registry.session import Session

_TRIES = 5
_CHUNK = 32 << 20
_RANGE = re.compile(r"(?:bytes=)?0-(\d+)", re.ASCII)
_OCTETS = {"Content-Type": "application/octet-stream"}
_PASSING = frozenset({"broken", "timeout", "status"})

Piece = Callable[[int, int], Upload]
"""`size` bytes of a blob from `offset`, as a request's body."""


class Begun(NamedTuple):
    """An upload that the registry expects at `location`, with chunks of at least `least` bytes."""

    location: str
    least: int = 0


class Blob(NamedTuple):
    """A blob to be sent to a repository, and how to get at its bytes."""

    descriptor: Descriptor
    path: str
    piece: Piece

    @property
    def scopes(self) -> frozenset[str]:
        """What sending it asks for."""
        return pushing(self.path)


def mount_blob(session: Session, path: str, digest: Digest, source: str) -> Conversation[Begun | None]:
    """Have a blob of the repository `source` in `path` too: None once it is; else an upload was begun in its stead.

    Raises: Denied; Unauthenticated; Unavailable.
    """
    response = yield from session.ask(
        "POST", f"/v2/{path}/blobs/uploads/?mount={digest}&from={source}", scopes=pushing(path, source),
        repository=path,
    )  # fmt: skip
    if response.status == 201:
        response.discard()
        return None
    return _begun(session, response, path)


def push_blob(session: Session, blob: Blob, begun: Begun | None = None) -> Conversation[None]:
    """Send a blob in one request; in chunks where that is too large; again from where it broke off.

    Raises: Denied; Unauthenticated; Unavailable; Exhausted; Corrupt where the registry got other bytes.
    """
    offset, chunk, failures = 0, 0, 0
    while True:
        try:
            begun = begun or (yield from _begin(session, blob))
            if chunk or offset:
                begun = yield from _patch(session, blob, begun, offset, chunk or blob.descriptor.size)
                offset = blob.descriptor.size
            yield from _put(session, blob, begun, offset)
            return
        except Exhausted as error:
            if chunk or error.facts.get("status") != 413:
                raise
            begun, offset, chunk = None, 0, max(_CHUNK, begun.least if begun else 0)
        except (Unavailable, NotFound, Corrupt, Invalid) as error:
            failures += 1
            if failures >= _TRIES or begun is None or not _may_pass(error, resumed=offset > 0):
                raise
            if isinstance(error, Invalid):
                begun, offset = None, 0
            else:
                begun, offset = yield from _resume(session, blob, begun, failures)


def _may_pass(error: CapasError, *, resumed: bool) -> bool:
    """Whether another try may help: a broken connection, a registry in trouble, an upload that it lost or mixed up."""
    if isinstance(error, Invalid):
        return resumed
    if isinstance(error, Unavailable):
        return error.facts.get("reason") in _PASSING
    return error.facts.get("status") in (404, 416)


def _begin(session: Session, blob: Blob) -> Conversation[Begun]:
    response = yield from session.ask(
        "POST", f"/v2/{blob.path}/blobs/uploads/", scopes=blob.scopes, repository=blob.path
    )
    return _begun(session, response, blob.path)


def _begun(session: Session, response: Response, path: str) -> Begun:
    if response.status != 202:
        raise refused(response, f"a push to {session.endpoint.host}/{path}")
    response.discard()
    least = response.header("oci-chunk-min-length")
    return Begun(session.locate(response), int(least[:12]) if least.isascii() and least.isdigit() else 0)


def _put(session: Session, blob: Blob, begun: Begun, offset: int) -> Conversation[None]:
    """The request that ends an upload, with the rest of the blob as its body."""
    digest, rest = blob.descriptor.digest, blob.descriptor.size - offset
    address = f"{begun.location}{'&' if '?' in begun.location else '?'}digest={digest}"
    response = yield from session.ask(
        "PUT", address, scopes=blob.scopes, repository=blob.path, headers=_OCTETS,
        body=blob.piece(offset, rest) if rest else b"", tries=1,
    )  # fmt: skip
    if response.status not in (201, 204):
        raise refused(response, _name(session, blob))
    response.discard()
    said = response.header("docker-content-digest")
    if said.startswith("sha256:") and said != digest:
        raise Corrupt("{host} got other bytes than those of {digest}", host=session.endpoint.host, digest=digest)


def _patch(session: Session, blob: Blob, begun: Begun, offset: int, chunk: int) -> Conversation[Begun]:
    """Everything from `offset` on, in chunks; where the upload goes on."""
    size = blob.descriptor.size
    while offset < size:
        count = min(chunk, size - offset)
        headers = {**_OCTETS, "Content-Range": f"{offset}-{offset + count - 1}"}
        response = yield from session.ask(
            "PATCH", begun.location, scopes=blob.scopes, repository=blob.path, headers=headers,
            body=blob.piece(offset, count), tries=1,
        )  # fmt: skip
        if response.status not in (201, 202, 204):
            raise refused(response, _name(session, blob))
        response.discard()
        begun = begun._replace(location=session.locate(response) if response.header("location") else begun.location)
        taken = _RANGE.fullmatch(response.header("range").strip())
        after = offset + count if taken is None else int(taken[1]) + 1
        if not offset < after <= offset + count:
            raise Corrupt("{host} lost count of the upload", host=session.endpoint.host, status=416)
        offset = after
    return begun


def _resume(session: Session, blob: Blob, begun: Begun, failures: int) -> Conversation[tuple[Begun | None, int]]:
    """Where a broken upload goes on: nowhere (begin anew) if the registry does not say."""
    response = yield from session.ask(
        "GET", begun.location, scopes=blob.scopes, repository=blob.path,
        after_seconds=back_off(begun.location, failures - 1),
    )  # fmt: skip
    response.discard()
    taken = _RANGE.fullmatch(response.header("range").strip())
    if response.status != 204 or taken is None or not response.header("location"):
        return None, 0
    offset = int(taken[1]) + 1
    if not 1 < offset <= blob.descriptor.size:  # 0-0 is said of one byte, and of none
        return None, 0
    return begun._replace(location=session.locate(response)), offset


def _name(session: Session, blob: Blob) -> str:
    return f"blob {blob.descriptor.digest.short} for {session.endpoint.host}/{blob.path}"
