"""Which blobs may go, and how they come back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

from capas.errors import Corrupt, NotFound, Unavailable
from capas.image.image import Image
from capas.image.record import record_image
from capas.image.spared import spare
from capas.image.sparing import SparingBlobs
from capas.layer.compression import compressor
from capas.layer.files import LayerFiles
from capas.oci.digest import DiffID, Digest
from capas.store.blobs import DirectoryBlobs
from capas.store.contract import BlobSource, Ingest
from capas.store.put import put
from capas.store.records import SparedRecord
from capas.store.store import Store
from support.disks import disk_directory
from support.images import make_image, tar_of

FILES = {"a": b"1" * 5000, "b": b"2" * 10}


class Place(NamedTuple):
    store: Store
    files: LayerFiles
    image: Image

    @property
    def digest(self) -> Digest:
        return self.image.layers[0].descriptor.digest

    @property
    def blobs(self) -> SparingBlobs:
        return SparingBlobs(self.store.kept, self.store.records, self.files, refuse)


def read(blobs: BlobSource, digest: Digest) -> bytes:
    with blobs.open(digest) as file:
        return file.read()


def refuse(spared: SparedRecord, ingest: Ingest) -> None:
    raise Unavailable("nobody has {digest}", digest=spared.digest)


@pytest.fixture
def place() -> Iterator[Place]:
    """An image whose layer another encoder packed, with its layer file."""
    with disk_directory() as path:
        store, files = Store(path), LayerFiles(path / "layers")
        image = make_image(store.blobs, FILES)
        record_image(store, image)
        tar = tar_of(FILES)
        files.add(DiffID.of(tar), io.BytesIO(tar))
        yield Place(store, files, image)
        store.close()


def test_bytes_that_nothing_gives_again_stay(place: Place) -> None:
    assert spare(place.store, place.image, place.files) == 0
    assert place.store.kept.contains(place.digest)


def test_bytes_that_a_registry_has_may_go_and_are_asked_for_there(place: Place) -> None:
    data = read(place.store.kept, place.digest)
    place.store.records.add_source(place.digest, "registry.example", "it")
    assert spare(place.store, place.image, place.files) == len(data)
    assert not place.store.kept.contains(place.digest)
    assert place.blobs.stat(place.digest) == len(data)
    with pytest.raises(Unavailable):
        place.blobs.open(place.digest)

    def fetch(spared: SparedRecord, ingest: Ingest) -> None:
        ingest.write(data)

    again = SparingBlobs(place.store.kept, place.store.records, place.files, fetch)
    assert read(again, place.digest) == data
    assert place.store.kept.contains(place.digest)


def test_a_recipe_of_another_encoder_is_not_trusted(place: Place) -> None:
    layer = place.image.layers[0]
    old = SparedRecord(place.digest, layer.diff_id, layer.descriptor.size, "gzip isal-0.0 2")
    place.store.records.put_spared(old)
    assert spare(place.store, place.image, place.files) == 0
    assert place.store.kept.contains(place.digest)
    place.store.records.add_source(place.digest, "registry.example", "it")
    assert spare(place.store, place.image, place.files) == layer.descriptor.size
    assert place.store.records.find_spared(place.digest) == old._replace(recipe="")


def test_a_blob_that_is_spared_again_before_it_is_open_is_brought_again(place: Place) -> None:
    data = read(place.store.kept, place.digest)
    place.store.records.add_source(place.digest, "registry.example", "it")
    spare(place.store, place.image, place.files)
    tries = []

    class Contended(DirectoryBlobs):
        def open(self, digest: Digest) -> BinaryIO:
            tries.append(digest)
            if len(tries) == 2:
                spare(place.store, place.image, place.files)
            return super().open(digest)

    kept = Contended(place.store.root)
    blobs = SparingBlobs(kept, place.store.records, place.files, lambda spared, ingest: ingest.write(data))
    assert read(blobs, place.digest) == data
    assert len(tries) == 3


def test_a_registry_that_sends_other_bytes_is_found_out(place: Place) -> None:
    place.store.records.add_source(place.digest, "registry.example", "it")
    spare(place.store, place.image, place.files)
    lying = SparingBlobs(
        place.store.kept, place.store.records, place.files, lambda spared, ingest: ingest.write(bytes(spared.size))
    )
    with pytest.raises(Corrupt):
        lying.open(place.digest)
    assert not place.store.kept.contains(place.digest)


def test_without_its_layer_file_a_spared_blob_is_not_there(place: Place) -> None:
    place.store.records.add_source(place.digest, "registry.example", "it")
    spare(place.store, place.image, place.files)
    place.files.remove(place.image.layers[0].diff_id)
    assert not place.blobs.contains(place.digest)
    with pytest.raises(NotFound):
        place.blobs.open(place.digest)


@pytest.mark.parametrize("recipe", ["gzip isal-0.0 2", "zstd zstandard-0.0 3"])
def test_an_encoder_that_packs_otherwise_is_named(place: Place, recipe: str) -> None:
    layer = place.image.layers[0]
    place.store.records.put_spared(SparedRecord(place.digest, layer.diff_id, layer.descriptor.size, recipe))
    place.store.kept.delete(place.digest)
    with pytest.raises(Corrupt, match="it was packed by " + recipe):
        place.blobs.open(place.digest)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_bytes_packed_by_us_come_out_again_the_same(place: Place, kind: str) -> None:
    tar = tar_of(FILES)
    encoder = compressor(kind)  # type: ignore[arg-type]
    digest = put(place.store.kept, data := encoder.write(tar) + encoder.finish())
    record = SparedRecord(digest, DiffID.of(tar), len(data), f"{kind} any {2 if kind == 'gzip' else 3}")
    place.store.records.put_spared(record)
    place.store.kept.delete(digest)
    assert read(place.blobs, digest) == data


def test_what_a_lease_finds_spared_while_gc_ends_is_not_forgotten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.store.records.add_source(place.digest, "registry.example", "it")
    spare(place.store, place.image, place.files)
    place.store.records.delete_image(place.image.id)
    lease = Store(place.store.root, lambda kept, records: place.blobs).lease()
    told: list[bool] = []

    def meanwhile(path: Path) -> None:
        told.append(lease.blobs.contains(place.digest))

    monkeypatch.setattr("capas.store.store.empty_dir", meanwhile)
    with lease:
        place.store.collect()
        assert told == [lease.blobs.contains(place.digest)]


def test_gc_forgets_what_was_spared_with_the_image_that_had_it(place: Place) -> None:
    place.store.records.add_source(place.digest, "registry.example", "it")
    spare(place.store, place.image, place.files)
    place.store.collect()
    assert place.store.records.find_spared(place.digest) is not None
    place.store.records.delete_image(place.image.id)
    place.store.collect()
    assert place.store.records.find_spared(place.digest) is None
