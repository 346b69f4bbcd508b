"""One blob over connections that break, lie and change their minds."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import CapasError, Corrupt, NotFound, Unavailable
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.registry.blobs_down import BlobStream
from capas.registry.client import Client
from capas.registry.message import Request
from capas.registry.retry import unavailable
from capas.settings import Settings
from support.scripted import MemoryRegistry, Reply, Scripted

DATA = bytes(range(256)) * 2000
BLOB = Descriptor(media_type="application/octet-stream", digest=Digest.of(DATA), size=len(DATA))


class Served:
    """The blob in a registry whose answers `bend` changes, by the number of the answer."""

    def __init__(self, tmp_path: Path, *bends: object) -> None:
        self.count = 0
        self.bends = bends
        registry = MemoryRegistry(bend=self.bend)
        registry.blobs[BLOB.digest] = DATA
        self.transport = Scripted(registry)
        settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", {})
        client = Client(settings, transport=self.transport)
        self.repository = client.repository(Reference.parse("localhost:5000/me/app"))

    def bend(self, request: Request, reply: Reply) -> Reply | CapasError:
        bend = self.bends[self.count] if self.count < len(self.bends) else reply
        self.count += 1
        return bend(reply) if callable(bend) else bend  # type: ignore[return-value]

    def open(self, offset: int = 0, blob: Descriptor = BLOB) -> BlobStream:
        return self.repository.open_blob(blob, offset)

    @property
    def ranges(self) -> list[str | None]:
        return [request.headers.get("Range") for request in self.transport.requests]


def read(stream: BlobStream) -> bytes:
    return b"".join(iter(lambda: stream.read(70_000), b""))


def cut(after: int) -> object:
    return lambda reply: reply._replace(breaks_after=after)


def test_a_blob_is_read_whole(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert read(served.open()) == DATA
    assert served.ranges == [None]


def test_a_connection_that_breaks_is_followed_by_one_for_the_rest(tmp_path: Path) -> None:
    served = Served(tmp_path, cut(100_000), cut(1), cut(200_000))
    assert read(served.open()) == DATA
    assert served.ranges == [None, "bytes=100000-", "bytes=100001-", "bytes=300001-"]


def test_a_body_that_ends_too_soon_is_gone_on_with_too(tmp_path: Path) -> None:
    served = Served(tmp_path, lambda reply: reply._replace(data=reply.data[:1000]))
    assert read(served.open()) == DATA
    assert served.ranges == [None, "bytes=1000-"]


def test_a_range_that_is_answered_with_everything_is_read_past(tmp_path: Path) -> None:
    served = Served(tmp_path, cut(100_000), Reply(200, DATA))
    assert read(served.open()) == DATA


def test_a_range_of_another_entity_is_not_taken(tmp_path: Path) -> None:
    other = lambda reply: reply._replace(data=b"x" * len(reply.data), headers={**reply.headers, "ETag": '"other"'})  # noqa: E731
    served = Served(tmp_path, cut(100_000), other)
    assert read(served.open()) == DATA
    assert served.ranges == [None, "bytes=100000-", None]


@pytest.mark.parametrize(
    "span", ["", "bytes 0-9/10", "bytes 99999-511999/512000", "bytes 100000-511999/7", "lines 1-2/3"]
)
def test_a_range_that_is_not_the_one_asked_for_is_not_taken(tmp_path: Path, span: str) -> None:
    wrong = lambda reply: reply._replace(headers={**reply.headers, "Content-Range": span})  # noqa: E731
    served = Served(tmp_path, cut(100_000), wrong)
    assert read(served.open()) == DATA


def test_a_blob_may_be_begun_in_its_middle(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert read(served.open(300_000)) == DATA[300_000:]
    assert served.ranges == ["bytes=300000-"]


def test_other_bytes_are_refused_at_the_end(tmp_path: Path) -> None:
    served = Served(tmp_path, Reply(200, DATA[:-1] + b"!"))
    with pytest.raises(Corrupt, match="have the digest"):
        read(served.open())


def test_more_bytes_than_said_are_refused(tmp_path: Path) -> None:
    served = Served(tmp_path, Reply(200, DATA + b"!"))
    with pytest.raises(Corrupt, match="has more than its 512000 bytes"):
        read(served.open())


def test_a_registry_that_has_less_than_said_is_found_out(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with pytest.raises(Corrupt, match="ends before byte 512000"):
        read(served.open(blob=Descriptor(media_type="", digest=BLOB.digest, size=BLOB.size + 5)))


def test_a_blob_without_progress_is_given_up_after_five_tries(tmp_path: Path) -> None:
    served = Served(tmp_path, *[cut(0)] * 9)
    with pytest.raises(Unavailable, match="broke off"):
        read(served.open())
    assert served.count == 5


def test_a_registry_that_is_down_from_the_start_is_not_insisted_on(tmp_path: Path) -> None:
    served = Served(tmp_path, unavailable("http://localhost:5000/", "connection refused", "refused"))
    served.bends *= 4
    with pytest.raises(Unavailable, match="connection refused"):
        read(served.open())
    assert len(served.ranges) == 2  # http, then https: this machine may be asked either way


def test_a_blob_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="localhost:5000/me/app"):
        read(Served(tmp_path).open(blob=Descriptor(media_type="", digest=Digest.of(b"?"), size=1)))


def test_an_empty_blob_is_read_and_verified(tmp_path: Path) -> None:
    served = Served(tmp_path, Reply(200, b""))
    assert read(served.open(blob=Descriptor(media_type="", digest=Digest.of(b""), size=0))) == b""


def test_the_end_does_not_mind_how_the_connection_ends(tmp_path: Path) -> None:
    served = Served(tmp_path, cut(len(DATA)))
    assert read(served.open()) == DATA
