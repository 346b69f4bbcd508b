"""A directory of blobs at the client, over its session: a cache is read and written there, an image of a layout read.

Spec: containerd, api/services/content/v1; moby/buildkit, session/content: a header says which directory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import BinaryIO, cast

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.caller import Caller
from capas.errors import AlreadyExists, Corrupt, Invalid, NotFound
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.store.contract import BlobSource

_SERVICE = "/containerd.services.content.v1.Content/"
_HEADER = "buildkit-attachable-store-id"
_CHUNK = 1 << 20


class ClientBlobs:
    """A `CachePlace`: the blobs in a directory of the client. `top` is the manifest that was written last.

    `path` is what the client calls it; `kind` is `local` for a cache, `oci` for a layout.
    """

    def __init__(self, caller: Caller, path: str, kind: str = "local") -> None:
        """Raises: Invalid for a path that no header can hold."""
        if not (path.isascii() and path.isprintable()):
            raise Invalid("BuildKit's protocol has no word for the directory {path!r}", path=path[:200],
                          hint="name the cache's directory in ASCII")  # fmt: skip
        self._caller = caller
        self._headers = [(_HEADER, f"{kind}:{path}")]
        self.top: Descriptor | None = None

    def contains(self, digest: Digest) -> bool:
        """Whether it is there."""
        try:
            self._caller.ask(_SERVICE + "Info", wire.BlobRequest(digest=digest), wire.BlobResponse, self._headers)
        except NotFound:
            return False
        return True

    def open(self, digest: Digest) -> BinaryIO:
        """The blob. Raises: NotFound; Interrupted."""
        if not self.contains(digest):
            raise NotFound("blob {digest} is not in the client's cache", digest=digest.short)
        return cast(BinaryIO, _Blob(self._caller, digest, self._headers))

    def write(self, blobs: Mapping[Digest, tuple[BlobSource, int]], top: Descriptor) -> None:
        """Write the blobs that are not there. Raises: Interrupted; what the client answers."""
        for digest, (source, size) in blobs.items():
            try:
                self._write(digest, source, size)
            except AlreadyExists:
                continue
        self.top = top

    def _write(self, digest: Digest, source: BlobSource, size: int) -> None:
        method = _SERVICE + "Write"
        with (
            self._caller.converse(method, wire.WriteRequest, wire.WriteResponse, self._headers) as writing,
            source.open(digest) as file,
        ):
            one = wire.WriteRequest(ref=f"capas-{digest}", total=size, expected=digest)
            writing.send(one)
            one.offset = _heard(writing.receive()).offset  # of an earlier try that broke off
            file.seek(one.offset)
            one.action = wire.WriteRequest.WRITE
            while data := file.read(_CHUNK):
                one.data = data
                writing.send(one)
                one.offset = _heard(writing.receive()).offset
            one.action, one.data = wire.WriteRequest.COMMIT, b""
            writing.send(one)
            _heard(writing.receive())


def _heard(answer: wire.WriteResponse | None) -> wire.WriteResponse:
    if answer is None:
        raise Corrupt("the client's files ended early")
    return answer


class _Blob(io.RawIOBase):
    """A blob as it comes; it can be begun anywhere, and goes forward only."""

    def __init__(self, caller: Caller, digest: Digest, headers: list[tuple[str, str]]) -> None:
        super().__init__()
        self._reading = caller.converse(_SERVICE + "Read", wire.ReadRequest, wire.ReadResponse, headers)
        self._digest = digest
        self._offset = 0
        self._asked = False
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Where to begin. Order: before the first read."""
        if self._asked or whence != io.SEEK_SET:
            raise io.UnsupportedOperation
        self._offset = offset
        return offset

    def readinto(self, buffer: object) -> int:
        """The next bytes."""
        if not self._asked:
            self._asked = True
            self._reading.send(wire.ReadRequest(digest=self._digest, offset=self._offset))
            self._reading.end()
        while not self._rest:
            answer = self._reading.receive()
            if answer is None:
                return 0
            self._rest = memoryview(answer.data)
        view = memoryview(buffer)  # type: ignore[arg-type]  # what every file takes
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        """Read no more."""
        self._reading.close()
        super().close()
