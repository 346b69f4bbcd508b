"""Blobs as they come: a stream that goes on where a broken connection stopped, and is checked at its end.

Spec: OCI distribution-spec 1.1, "Pulling blobs"; RFC 9110, section 14, "Range Requests".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from capas.errors import Corrupt, NotFound, Unavailable
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.registry.message import Conversation, Response
from capas.registry.refusal import refused
from capas.registry.retry import back_off
from capas.registry.scope import pulling
from capas.registry.session import Session

_TRIES = 5
_PROGRESS = 64 << 10  # a connection that brought this much was worth it: the tries count anew
_SKIP = 256 << 10
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.ASCII)

Fetch = Callable[[int, float], Response]
"""Asks for a blob from an offset, after so many seconds: an answer of status 200 or 206."""


def stat_blob(session: Session, path: str, digest: Digest, scopes: frozenset[str]) -> Conversation[int]:
    """The size of a blob in a repository, 0 where it is not said.

    Raises: NotFound; Unauthenticated; Denied; Unavailable.
    """
    response = yield from session.ask("HEAD", f"/v2/{path}/blobs/{digest}", scopes=scopes, repository=path)
    response.discard()
    if response.status != 200:
        raise refused(response, f"{session.endpoint.host}/{path}")
    length = response.header("content-length")
    return int(length) if length.isascii() and length.isdigit() else 0


def get_blob(
    session: Session, path: str, digest: Digest, offset: int = 0, after_seconds: float = 0.0
) -> Conversation[Response]:
    """The answer that brings a blob from `offset` on (206), or from its first byte (200).

    Raises: NotFound; Unauthenticated; Denied; Unavailable.
    """
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    response = yield from session.ask(
        "GET", f"/v2/{path}/blobs/{digest}", scopes=pulling(path), repository=path, headers=headers,
        after_seconds=after_seconds,
    )  # fmt: skip
    if response.status in (200, 206):
        return response
    if response.status == 404:
        response.discard()
        raise NotFound("blob {digest} is not in {name}", digest=digest, name=f"{session.endpoint.host}/{path}")
    if response.status == 416:
        response.discard()
        raise Corrupt("blob {digest} ends before byte {offset}", digest=digest, offset=offset)
    raise refused(response, f"blob {digest.short} of {session.endpoint.host}/{path}")


class BlobStream:
    """The bytes of one blob from `offset` to its end, over as many connections as it takes.

    A connection that breaks off is followed by one that asks for the rest; an answer with the whole blob is read past
    what we have, and so is one whose entity tag has changed. Raises, from `read`: Corrupt for too many bytes, too
    few, or (`verify`, from offset 0) other bytes; Unavailable when the tries are used up.
    """

    def __init__(self, fetch: Fetch, descriptor: Descriptor, *, offset: int = 0, verify: bool = True) -> None:
        self._fetch = fetch
        self._descriptor = descriptor
        self._position = offset
        self._sha256 = hashlib.sha256() if verify and offset == 0 else None
        self._response: Response | None = None
        self._etag = ""
        self._failures = 0
        self._since = offset  # where the last failure was
        self._opened = self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes (1 MiB for a negative size); empty at the end only."""
        size = 1 << 20 if size < 0 else min(size, 1 << 20)
        while not self._ended and size:
            try:
                data = self._connected().body.read(size)
            except Unavailable as error:
                if self._position == self._descriptor.size and self._opened:
                    self._end()  # all is here: how the connection ended does not matter
                else:
                    self._failed(error)
                continue
            if data:
                return self._took(data)
            if self._position == self._descriptor.size:
                self._end()
            else:
                self._failed(self._short())
        return b""

    def close(self) -> None:
        """Let go of the connection."""
        self._ended = True
        self._drop()

    def _took(self, data: bytes) -> bytes:
        self._position += len(data)
        if self._position > self._descriptor.size:
            self.close()
            raise Corrupt(
                "blob {digest} has more than its {size} bytes",
                digest=self._descriptor.digest, size=self._descriptor.size,
            )  # fmt: skip
        if self._sha256 is not None:
            self._sha256.update(data)
        return data

    def _end(self) -> None:
        self.close()
        if self._sha256 is None:
            return
        actual = Digest.of_hash(self._sha256)
        if actual != self._descriptor.digest:
            raise Corrupt(
                "the bytes of {digest} have the digest {actual}", digest=self._descriptor.digest, actual=actual
            )

    def _short(self) -> Corrupt:
        return Corrupt(
            "blob {digest} ends after {position} of its {size} bytes",
            digest=self._descriptor.digest, position=self._position, size=self._descriptor.size,
        )  # fmt: skip

    def _failed(self, error: Unavailable | Corrupt) -> None:
        self._drop()
        self._failures = 1 if self._position - self._since >= _PROGRESS else self._failures + 1
        self._since = self._position
        if self._failures >= _TRIES or not self._opened:
            self._ended = True
            raise error

    def _connected(self) -> Response:
        if self._response is None:
            response = self._fetch(self._position, back_off(self._descriptor.digest, self._failures - 1))
            self._opened = True
            self._response = self._continued(response)
        return self._response

    def _continued(self, response: Response) -> Response:
        """The response at our position: a whole blob is skipped so far; a range must be the one asked for."""
        etag, start = response.header("etag"), self._position
        if response.status == 206:
            if self._fits(response) and (not self._etag or not etag or etag == self._etag):
                self._etag = etag or self._etag
                return response
            response.body.close()  # a range of something else: from the start, then
            response = self._fetch(0, 0.0)
            if response.status != 200:
                response.body.close()
                raise Corrupt(
                    "a part of blob {digest} cannot be had: the registry sends another", digest=self._descriptor.digest
                )
        self._etag = etag = response.header("etag") or etag
        skipped = 0
        while skipped < start:
            data = response.body.read(min(_SKIP, start - skipped))
            if not data:
                response.body.close()
                raise self._short()
            skipped += len(data)
        return response

    def _fits(self, response: Response) -> bool:
        match = _RANGE.fullmatch(response.header("content-range").strip())
        return match is not None and int(match[1]) == self._position and match[3] in ("*", str(self._descriptor.size))

    def _drop(self) -> None:
        if self._response is not None:
            self._response.body.close()
            self._response = None
