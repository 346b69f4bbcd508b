"""Pulling: what arrives, what does not, and what stays after an error."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.errors import CapasError, Corrupt, Exhausted, Interrupted, NotFound, Unavailable, Unsupported
from capas.events import Event, Finished
from capas.image.image import Image
from capas.image.validate import validate
from capas.oci import media
from capas.oci.config import Config, RootFS
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.oci.document import encode
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.message import Request
from capas.registry.pull import Pulled, pull
from capas.settings import Settings
from capas.store.contract import Readable
from capas.store.memory import MemoryBlobs
from capas.store.store import Store
from support.images import make_image
from support.scripted import MemoryRegistry, Reply, Scripted

NAME = Reference.parse("localhost:5000/me/app:1")
AMD64 = Platform()
FILES = ({"a": b"1" * 300_000}, {"b": bytes(range(256)) * 3000}, {"c": b"3"})


class Receiver:
    """Where layers arrive: keeps their digests. What it takes is checked, as a driver does."""

    def __init__(self) -> None:
        self.layers: dict[DiffID, int] = {}
        self.added = 0
        self._lock = threading.Lock()

    def has_layer(self, diff_id: DiffID) -> bool:
        return diff_id in self.layers

    def add_layer(self, diff_id: DiffID, tar: Readable) -> None:
        sha256, size = hashlib.sha256(), 0
        while data := tar.read(100_000):
            sha256.update(data)
            size += len(data)
        if DiffID.of_hash(sha256) != diff_id:
            raise Corrupt("not the layer")
        with self._lock:
            self.layers[diff_id] = size
            self.added += 1


class Place:
    """A machine that pulls from a registry in memory; `bend` changes the registry's answers."""

    def __init__(self, tmp_path: Path) -> None:
        self.store = Store(tmp_path / "store")
        self.receiver: Receiver | None = Receiver()
        self.registry = MemoryRegistry(bend=lambda request, reply: self.bend(request, reply))  # noqa: PLW0108
        self.bend: Callable[[Request, Reply], Reply | CapasError] = lambda request, reply: reply
        self.transport = Scripted(self.registry)
        settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", {})
        self.client = Client(settings, transport=self.transport)
        self.source = MemoryBlobs()
        self.events: list[Event] = []

    def serve(self, *tags: str, docker: bool = False, architecture: str = "amd64", compression: str = "gzip") -> Image:
        image = make_image(self.source, *FILES, docker=docker, architecture=architecture, compression=compression)
        self.registry.add(image, *tags)
        return image

    def serve_index(self, tag: str, *images: Image) -> Digest:
        entries = [
            {
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": len(image.manifest_bytes),
                "platform": {"os": "linux", "architecture": image.platform.architecture},
            }
            for image in images
        ]
        index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries}
        return self.registry.add_manifest(json.dumps(index).encode(), media.OCI_INDEX, tag)

    def pull(self, name: Reference = NAME, platform: Platform = AMD64) -> Pulled:
        self.events.clear()
        self.transport.requests.clear()
        return pull(self.client, name, self.store, receiver=self.receiver, platform=platform, report=self.events.append)

    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.split('/v2/me/app/')[1]}" for request in self.transport.requests]

    def is_empty(self) -> bool:
        return not list(self.store.blobs.iterate()) and not self.store.records.list_names()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_an_image_arrives_whole(place: Place, docker: bool, compression: str) -> None:
    image = place.serve("1", docker=docker, compression=compression)
    pulled = place.pull()
    assert (pulled.image.id, pulled.digest, pulled.changed) == (image.id, image.digest, True)
    validate(place.store.blobs, image.digest)
    assert place.receiver
    assert set(place.receiver.layers) == {layer.diff_id for layer in image.layers}
    row = place.store.records.find_name(NAME)
    assert row
    assert (row.image_id, row.manifest) == (image.id, image.digest)
    record = place.store.records.find_image(image.id)
    assert record
    assert record.size == sum(place.receiver.layers.values())
    assert ("localhost:5000", "me/app") in place.store.records.list_sources(image.layers[0].descriptor.digest)
    assert place.store.collect().blobs == 0


def test_a_pull_without_a_receiver_only_checks(place: Place) -> None:
    place.receiver = None
    image = place.serve("1")
    assert place.pull().image.digest == image.digest
    validate(place.store.blobs, image.digest)


def test_a_pull_with_nothing_to_do_is_one_small_request(place: Place) -> None:
    place.serve("1")
    place.pull()
    pulled = place.pull()
    assert place.asked() == ["HEAD manifests/1"]
    assert not pulled.changed


def test_a_pull_by_digest_with_nothing_to_do_asks_nobody(place: Place) -> None:
    image = place.serve()
    name = NAME.with_digest(image.digest)
    assert place.pull(name).changed
    assert not place.pull(name).changed
    assert place.asked() == []
    assert place.store.records.list_names() == []
    assert place.store.records.list_digests(image.id) == [(NAME.name, image.digest, image.id)]


def test_of_an_index_the_image_for_the_platform_comes(place: Place) -> None:
    amd64, arm64 = place.serve(), place.serve(architecture="arm64")
    digest = place.serve_index("1", amd64, arm64)
    pulled = place.pull(platform=Platform("linux", "arm64"))
    assert (pulled.image.digest, pulled.digest) == (arm64.digest, digest)
    assert not place.pull(platform=Platform("linux", "arm64")).changed
    assert place.asked() == ["HEAD manifests/1"]
    assert place.pull().image.digest == amd64.digest
    with pytest.raises(NotFound, match="no image for linux/s390x"):
        place.pull(platform=Platform("linux", "s390x"))


def test_an_index_of_itself_is_refused(place: Place) -> None:
    entry = {
        "mediaType": media.OCI_INDEX,
        "digest": "",
        "size": 0,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    data = b"{}"
    for _ in range(6):
        entry |= {"digest": Digest.of(data), "size": len(data)}
        data = json.dumps({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [entry]}).encode()
        place.registry.add_manifest(data, media.OCI_INDEX, "1")
    with pytest.raises(Corrupt, match="nested without end"):
        place.pull()


def test_layers_that_are_here_are_not_fetched(place: Place) -> None:
    place.serve("1")
    place.pull()
    other = make_image(place.source, *FILES, {"d": b"4"})
    place.registry.add(other, "1")
    pulled = place.pull()
    assert pulled.changed
    last = other.manifest.layers[-1].digest
    blobs = [one for one in place.asked() if "blobs" in one]
    assert sorted(blobs) == sorted([f"GET blobs/{other.id}", f"GET blobs/{last}"])
    said = {event.text for event in place.events if isinstance(event, Finished)}
    assert said == {"Already exists", "Pull complete"}


def test_a_layer_whose_blob_is_here_is_unpacked_from_it(place: Place) -> None:
    place.serve("1")
    place.pull()
    place.receiver = Receiver()
    place.pull()
    assert place.receiver.added == 3
    assert not [one for one in place.asked() if "blobs" in one]


@pytest.mark.parametrize("damage", [b"", b"cut"])
def test_a_blob_that_is_damaged_here_is_fetched_again(place: Place, damage: bytes) -> None:
    image = place.serve("1")
    place.pull()
    for part in (image.manifest.layers[1].digest, image.manifest.config.digest, image.digest):
        path = place.store.blobs.path(part)
        path.unlink()
        path.write_bytes(damage)
    place.pull()
    validate(place.store.blobs, image.digest)


def test_a_tag_that_moves_between_look_and_fetch_is_taken_as_fetched(place: Place) -> None:
    old = place.serve("1")
    place.pull()
    new = make_image(place.source, {"new": b"!"})
    newest = make_image(place.source, {"newest": b"!"})
    place.registry.add(new, "1")
    place.registry.add(newest)

    def move(request: Request, reply: Reply) -> Reply:
        if request.method == "HEAD":
            place.registry.add(newest, "1")
        return reply

    place.bend = move
    pulled = place.pull()
    assert pulled.digest == pulled.image.digest == newest.digest
    row = place.store.records.find_name(NAME)
    assert row
    assert row.manifest == newest.digest != old.digest


def test_a_tag_pulled_anew_leaves_the_old_image_without_a_name(place: Place) -> None:
    old = place.serve("1")
    place.pull()
    place.registry.add(make_image(place.source, {"new": b"!"}), "1")
    place.pull()
    assert place.store.records.list_names(old.id) == []
    assert place.store.records.find_image(old.id)


def bad_blob(place: Place, digest: Digest, change: Callable[[bytes], bytes]) -> None:
    place.registry.blobs[digest] = change(place.registry.blobs[digest])


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-1] + b"!", lambda data: data + b"!", lambda data: b"\0" * len(data), lambda data: data[:-9]],
    ids=["other", "longer", "zeros", "shorter"],
)
def test_a_layer_with_other_bytes_leaves_no_trace(place: Place, change: Callable[[bytes], bytes]) -> None:
    image = place.serve("1")
    bad_blob(place, image.layers[0].descriptor.digest, change)
    with pytest.raises(Corrupt):
        place.pull()
    assert place.is_empty()
    assert place.receiver
    assert image.layers[0].diff_id not in place.receiver.layers
    assert not [
        path for path in (place.store.root / "ingest").iterdir() if image.layers[0].descriptor.digest.hex in path.name
    ]


@pytest.mark.parametrize("receiver", [True, False])
def test_a_layer_that_is_not_what_its_config_says_leaves_no_trace(place: Place, receiver: bool) -> None:
    image = place.serve()
    lie = Config(architecture="amd64", os="linux", rootfs=RootFS(diff_ids=(DiffID.of(b"other"),)))
    config = encode(lie)
    place.registry.blobs[Digest.of(config)] = config
    layer = image.manifest.layers[0]
    described = Descriptor(media_type=media.OCI_CONFIG, digest=Digest.of(config), size=len(config))
    manifest = {"schemaVersion": 2, "mediaType": media.OCI_MANIFEST}
    text = (
        json.dumps(manifest)[:-1] + f', "config": {encode(described).decode()}, "layers": [{encode(layer).decode()}]}}'
    )
    place.registry.add_manifest(text.encode(), media.OCI_MANIFEST, "1")
    place.receiver = Receiver() if receiver else None
    with pytest.raises(Corrupt):
        place.pull()
    assert place.is_empty()


def test_a_config_with_other_bytes_is_refused(place: Place) -> None:
    image = place.serve("1")
    bad_blob(place, image.id, lambda data: data.replace(b"amd64", b"arm64"))
    with pytest.raises(Corrupt, match="have the digest"):
        place.pull()
    assert place.is_empty()


def test_a_pull_by_digest_checks_the_bytes_whatever_the_registry_says(place: Place) -> None:
    image, other = place.serve(), make_image(place.source, {"evil": b"!"})
    place.registry.add(other)
    place.registry.manifests[image.digest] = (other.manifest_bytes, other.media_type)
    with pytest.raises(Corrupt, match="lies about"):
        place.pull(NAME.with_digest(image.digest))


@pytest.mark.parametrize("receiver", [True, False])
def test_one_broken_layer_of_many_fails_the_pull(place: Place, receiver: bool) -> None:
    image = place.serve("1")
    place.receiver = Receiver() if receiver else None
    broken = image.layers[1].descriptor.digest
    del place.registry.blobs[broken]
    with pytest.raises(NotFound, match=broken):
        place.pull()
    assert place.store.records.list_names() == []
    assert place.store.records.find_image(image.id) is None


def test_a_connection_that_breaks_goes_on_within_the_same_stream(place: Place) -> None:
    image = place.serve("1", compression="none")
    big = image.layers[1].descriptor.digest
    cuts = [100_000, 300_000]

    def cut(request: Request, reply: Reply) -> Reply:
        return reply._replace(breaks_after=cuts.pop()) if big in request.url and cuts else reply

    place.bend = cut
    place.pull()
    validate(place.store.blobs, image.digest)
    ranges = [request.headers.get("Range") for request in place.transport.asked(part=big)]
    assert ranges == [None, "bytes=300000-", "bytes=400000-"]
    assert place.receiver
    assert place.receiver.added == 3


def test_what_a_failed_pull_fetched_is_not_fetched_again(place: Place) -> None:
    image = place.serve("1", compression="none")
    big = image.layers[1].descriptor.digest

    def cut(request: Request, reply: Reply) -> Reply:
        return reply._replace(breaks_after=0 if "Range" in request.headers else 70_000) if big in request.url else reply

    place.bend = cut
    with pytest.raises(Unavailable):
        place.pull()
    place.bend = lambda request, reply: reply
    place.pull()
    (asked,) = place.transport.asked(part=big)
    begun = int(asked.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert begun == 70_000
    validate(place.store.blobs, image.digest)
    assert place.receiver
    assert len(place.receiver.layers) == 3


def test_an_ingest_that_was_whole_but_not_committed_needs_no_request(place: Place) -> None:
    image = place.serve("1", compression="none")
    big = image.layers[1].descriptor
    with place.store.blobs.ingest(big.digest) as ingest:
        ingest.write(place.registry.blobs[big.digest])
    place.pull()
    assert not place.transport.asked(part=big.digest)
    validate(place.store.blobs, image.digest)


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * 10_000_000])
def test_an_ingest_with_other_bytes_is_begun_anew(place: Place, left: bytes) -> None:
    image = place.serve("1", compression="none")
    with place.store.blobs.ingest(image.layers[1].descriptor.digest) as ingest:
        ingest.write(left)
    place.pull()
    validate(place.store.blobs, image.digest)


def test_a_layer_that_occurs_twice_is_fetched_once(place: Place) -> None:
    image = make_image(place.source, {"a": b"1"}, {"b": b"2"}, {"a": b"1"})
    place.registry.add(image, "1")
    place.pull()
    assert len(place.transport.asked(part=image.manifest.layers[0].digest)) == 1
    validate(place.store.blobs, image.digest)


def test_pulls_at_once_fetch_each_blob_once(place: Place) -> None:
    image = place.serve("1")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            pull(place.client, NAME, place.store, receiver=place.receiver, platform=AMD64)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for layer in image.manifest.layers:
        assert len(place.transport.asked(part=layer.digest)) == 1


def test_a_listener_that_raises_ends_the_pull(place: Place) -> None:
    place.serve("1")

    def stop(event: Event) -> None:
        if isinstance(event, Finished):
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        pull(place.client, NAME, place.store, receiver=None, platform=AMD64, report=stop)
    assert place.store.records.list_names() == []


def test_a_disk_that_is_full_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.serve("1")

    def full(diff_id: DiffID, tar: Readable) -> None:
        raise Exhausted("no space left")

    monkeypatch.setattr(place.receiver, "add_layer", full)
    with pytest.raises(Exhausted):
        place.pull()
    assert place.store.records.list_names() == []


def test_an_unknown_tag_names_the_image_and_what_to_do(place: Place) -> None:
    place.serve("1")
    with pytest.raises(NotFound, match="no such image: localhost:5000/me/app:2: localhost:5000 says") as caught:
        place.pull(NAME.with_tag("2"))
    assert "capas login localhost:5000" in caught.value.hint


def test_what_is_no_image_is_refused(place: Place) -> None:
    image = place.serve()
    text = image.manifest_bytes.replace(media.OCI_CONFIG.encode(), b"application/vnd.cncf.helm.config.v1+json")
    place.registry.add_manifest(text, media.OCI_MANIFEST, "1")
    with pytest.raises(Unsupported, match="not an image but an artifact"):
        place.pull()


def test_schema_one_is_refused(place: Place) -> None:
    place.registry.add_manifest(b'{"schemaVersion": 1, "name": "x"}', media.DOCKER_SCHEMA1_SIGNED, "1")
    with pytest.raises(Unsupported, match="schema 1"):
        place.pull()


def test_a_manifest_that_is_also_an_index_is_refused(place: Place) -> None:
    image = place.serve()
    text = image.manifest_bytes[:-1] + b', "manifests": []}'
    place.registry.add_manifest(text, media.OCI_MANIFEST, "1")
    with pytest.raises(Corrupt, match="ambiguous"):
        place.pull()


def test_addresses_of_foreign_layers_are_never_asked(place: Place) -> None:
    image = place.serve()
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    text = image.manifest_bytes.replace(media.OCI_LAYER_GZIP.encode(), foreign.encode(), 1)
    text = text.replace(b'"size"', b'"urls":["http://169.254.169.254/x"],"size"')
    place.registry.add_manifest(text, media.OCI_MANIFEST, "1")
    digest = image.layers[0].descriptor.digest
    del place.registry.blobs[digest]
    with pytest.raises(Unsupported, match="not in the registry but elsewhere"):
        place.pull()
    assert not place.transport.asked(part="169.254")
