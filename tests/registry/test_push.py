"""Pushing: what is sent, what is not, and uploads that go wrong on their way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from capas.errors import CapasError, Corrupt, Denied, NotFound, Unauthenticated, Unavailable, Unsupported
from capas.events import Event, Finished
from capas.image.image import Image
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.message import Request
from capas.registry.push import push
from capas.registry.retry import unavailable
from capas.settings import Settings
from capas.store.memory import MemoryBlobs
from support.images import make_image
from support.scripted import Reply, Scripted

NAME = Reference.parse("localhost:5000/me/app:1")


class Uploads:
    """A registry that takes blobs and manifests. `limit` bounds one request's body, `least` a chunk's."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.elsewhere: set[str] = set()
        self.manifests: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.limit = 1 << 30
        self.least = 0
        self.resumable = True
        self.bend: Callable[[Request], Reply | CapasError | None] = lambda request: None

    def __call__(self, request: Request) -> Reply | CapasError:
        bent = self.bend(request)
        if bent is not None:
            return bent
        parts = urlsplit(request.url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        data = request.body if isinstance(request.body, bytes) else b""
        if len(data) > self.limit:
            return Reply(413)
        if "/manifests/" in parts.path:
            self.manifests[parts.path.rsplit("/", 1)[1]] = data
            return Reply(201, headers={"Docker-Content-Digest": Digest.of(data)})
        match = re.fullmatch(r"/v2/me/app/blobs/(?:uploads/)?(.*)", parts.path)
        assert match, request.url
        if request.method == "HEAD":
            return Reply(200 if match[1] in self.blobs else 404)
        return self.upload(request.method, match[1], data, query, request)

    def upload(self, method: str, name: str, data: bytes, query: dict[str, str], request: Request) -> Reply:
        if method == "POST":
            if query.get("mount") in self.elsewhere:
                self.blobs[query["mount"]] = b""
                return Reply(201)
            name = f"u{len(self.uploads)}"
            self.uploads[name] = b""
            return self.at(name)
        if name not in self.uploads:
            return Reply(404)
        if method == "GET":
            return self.at(name)._replace(status=204) if self.resumable else Reply(404)
        if method == "PATCH":
            start = int(request.headers["Content-Range"].split("-")[0])
            if start != len(self.uploads[name]):
                return Reply(416)
        self.uploads[name] += data
        if method == "PATCH":
            return self.at(name)
        if Digest.of(self.uploads[name]) != query["digest"]:
            return Reply(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}')
        self.blobs[query["digest"]] = self.uploads.pop(name)
        return Reply(201)

    def at(self, name: str) -> Reply:
        taken = f"0-{max(0, len(self.uploads[name]) - 1)}"
        headers = {"Location": f"/v2/me/app/blobs/uploads/{name}?state=x", "Range": taken}
        return Reply(202, headers={**headers, "OCI-Chunk-Min-Length": str(self.least)} if self.least else headers)


class Place:
    """An image to push, and where to."""

    def __init__(self, tmp_path: Path) -> None:
        self.registry = Uploads()
        self.transport = Scripted(self.registry)
        settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", {})
        self.client = Client(settings, transport=self.transport)
        self.blobs = MemoryBlobs()
        self.image: Image = make_image(
            self.blobs, {"a": b"1" * 10_000}, {"b": bytes(range(256)) * 400}, compression="none"
        )
        self.events: list[Event] = []

    def push(self, sources: list[tuple[str, str]] | None = None, name: Reference = NAME) -> Digest:
        self.transport.requests.clear()
        return push(self.client, name, self.image, sources=lambda digest: sources or [], report=self.events.append)

    def said(self) -> set[str]:
        return {event.text for event in self.events if isinstance(event, Finished)}

    def is_there(self) -> bool:
        parts = (self.image.manifest.config, *self.image.manifest.layers)
        whole = all(Digest.of(self.registry.blobs[part.digest]) == part.digest for part in parts)
        return whole and self.registry.manifests["1"] == self.image.manifest_bytes


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_everything_is_sent_and_the_manifest_last(place: Place) -> None:
    assert place.push() == place.image.digest
    assert place.is_there()
    assert place.transport.requests[-1].url.endswith("/manifests/1")
    assert place.said() == {"Pushed"}


def test_what_is_there_is_not_sent_again(place: Place) -> None:
    place.push()
    place.events.clear()
    place.push()
    assert [request.method for request in place.transport.requests] == ["HEAD", "HEAD", "HEAD", "PUT"]
    assert place.said() == {"Layer already exists"}


def test_what_is_near_is_mounted(place: Place) -> None:
    place.registry.elsewhere = {layer.digest for layer in place.image.manifest.layers}
    place.push([("other.io", "x/y"), ("localhost:5000", "me/app"), ("localhost:5000", "base/image")])
    assert place.said() == {"Mounted from base/image"}
    (first, *_) = place.transport.asked("POST", "mount=" + place.image.manifest.layers[0].digest)
    assert "from=base/image" in first.url


def test_what_cannot_be_mounted_is_sent_to_the_upload_begun_in_its_stead(place: Place) -> None:
    place.push([("localhost:5000", "base/image")])
    assert place.is_there()
    assert len(place.transport.asked("POST")) == 3


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_mount_that_is_refused_is_sent(place: Place, status: int) -> None:
    place.registry.bend = lambda request: Reply(status) if "mount=" in request.url else None
    place.push([("localhost:5000", "base/image")])
    assert place.is_there()


def test_a_registry_that_takes_only_small_bodies_gets_chunks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capas.registry.blobs_up._CHUNK", 30_000)
    place.registry.limit = 40_000
    place.push()
    assert place.is_there()
    chunks = [request.headers["Content-Range"] for request in place.transport.asked("PATCH")]
    assert "0-29999" in chunks
    assert "30000-59999" in chunks


def test_chunks_are_as_long_as_the_registry_wants(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capas.registry.blobs_up._CHUNK", 10_000)
    place.registry.limit, place.registry.least = 40_000, 40_000
    place.push()
    assert place.is_there()
    assert "0-39999" in [request.headers["Content-Range"] for request in place.transport.asked("PATCH")]


def broken_puts(place: Place, times: int, taken: int) -> None:
    """The first PUTs of a large blob break when the registry has taken some bytes."""
    left = [times]

    def bend(request: Request) -> CapasError | None:
        data = request.body
        if request.method != "PUT" or "digest=" not in request.url or not isinstance(data, bytes) or len(data) < 50_000:
            return None
        if not left[0]:
            return None
        left[0] -= 1
        name = urlsplit(request.url).path.rsplit("/", 1)[1]
        place.registry.uploads[name] += data[:taken]
        return unavailable(request.url, "reset", "broken")

    place.registry.bend = bend


@pytest.mark.parametrize("taken", [0, 1, 33_333])
def test_an_upload_that_breaks_goes_on_where_it_stopped(place: Place, taken: int) -> None:
    broken_puts(place, 1, taken)
    place.push()
    assert place.is_there()
    if taken > 1:
        assert place.transport.asked("PATCH")[0].headers["Content-Range"].startswith("33333-")


def test_an_upload_that_cannot_be_resumed_is_begun_anew(place: Place) -> None:
    place.registry.resumable = False
    broken_puts(place, 2, 33_333)
    place.push()
    assert place.is_there()


def test_an_upload_that_always_breaks_is_given_up(place: Place) -> None:
    broken_puts(place, 99, 0)
    with pytest.raises(Unavailable, match="reset"):
        place.push()
    assert place.registry.manifests == {}


def test_a_registry_that_forgets_an_upload_gets_it_again(place: Place) -> None:
    forgotten: list[str] = []

    def forget(request: Request) -> None:
        if request.method == "PUT" and "digest=" in request.url and not forgotten:
            forgotten.append(request.url)
            place.registry.uploads.clear()

    place.registry.bend = forget
    place.push()
    assert place.is_there()


def test_a_registry_that_got_other_bytes_is_believed(place: Place) -> None:
    layer = place.image.manifest.layers[1].digest
    wrong = Reply(201, headers={"Docker-Content-Digest": Digest.of(b"?")})
    place.registry.bend = lambda request: wrong if f"digest={layer}" in request.url else None
    with pytest.raises(Corrupt, match="got other bytes"):
        place.push()
    assert place.registry.manifests == {}


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthenticated), (403, Denied)])
def test_who_may_not_push_is_told(place: Place, status: int, kind: type[CapasError]) -> None:
    place.registry.bend = lambda request: Reply(status)
    with pytest.raises(kind, match="localhost:5000/me/app"):
        place.push()


def test_a_layer_that_is_gone_here_is_named(place: Place) -> None:
    gone = place.image.manifest.layers[0].digest
    place.blobs.delete(gone)
    with pytest.raises(NotFound, match=gone):
        place.push()
    assert place.registry.manifests == {}


def test_a_location_elsewhere_gets_no_credentials(place: Place) -> None:
    def bend(request: Request) -> Reply | None:
        if request.url.startswith("https://storage"):
            return Reply(201)
        if request.method == "POST":
            return Reply(202, headers={"Location": "https://storage.example.com/upload?key=1"})
        return Reply(401, headers={"WWW-Authenticate": "Basic"}) if "Authorization" not in request.headers else None

    place.client.credentials.path.write_text('{"auths": {"localhost:5000": {"auth": "YTpi"}}}')
    place.registry.bend = bend
    place.push()
    puts = place.transport.asked("PUT", "storage.example.com")
    assert len(puts) == 3
    assert not [request for request in puts if "Authorization" in request.headers]
    assert "key=1&digest=sha256:" in puts[0].url


def test_a_push_by_the_digest_of_another_image_is_refused(place: Place) -> None:
    with pytest.raises(Unsupported, match="under the digest of another"):
        place.push(name=NAME.with_digest(Digest.of(b"other")))
