"""What the store remembers of an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import Corrupt
from capas.image.created import parse_created
from capas.image.edit import assemble
from capas.image.record import record_image
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.store.store import Store
from support.images import config_of, make_image, put_layer, tar_of

FILES = {"file": b"x" * 3000}
NAME = Reference.parse("app:1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_record_holds_what_a_listing_needs(store: Store) -> None:
    image = make_image(store.blobs, FILES, {"b": b""})
    record = record_image(store, image)
    assert record == store.records.find_image(image.id)
    assert record.size == len(tar_of(FILES)) + len(tar_of({"b": b""}))
    assert record.created_ns == 1704164645_600000000
    assert record.labels == {"made": "by a test"}
    assert record.digests == (image.id, *(layer.descriptor.digest for layer in image.layers))


def test_a_recorded_image_outlives_gc(store: Store) -> None:
    image = make_image(store.blobs, FILES)
    record_image(store, image)
    assert store.collect().blobs == 0


def test_a_reference_becomes_a_name_and_a_digest(store: Store) -> None:
    image = make_image(store.blobs, FILES)
    record_image(store, image, reference=NAME, repo_digest=Digest.of(b"index"))
    found = store.records.find_name(NAME)
    assert found is not None
    assert (found.image_id, found.manifest) == (image.id, image.digest)
    assert store.records.list_digests(image.id) == [("docker.io/library/app", Digest.of(b"index"), image.id)]


def test_a_layer_whose_record_is_there_is_not_read(store: Store) -> None:
    image = make_image(store.blobs, FILES)
    record = record_image(store, image)
    store.blobs.delete(image.layers[0].descriptor.digest)
    assert record_image(store, image) == record


def test_a_layer_that_is_not_what_the_config_says_is_not_recorded(store: Store) -> None:
    image = assemble(store.blobs, config_of([tar_of(FILES)]), [put_layer(store.blobs, tar_of({}))])
    with pytest.raises(Corrupt, match="inflates"):
        record_image(store, image, reference=NAME)
    assert list(store.records.iter_images()) == []
    assert store.records.list_names() == []


@pytest.mark.parametrize(
    ("text", "created_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-01-02T03:04:05.123456789Z", 1704164645_123456789),
        ("2024-01-02T05:04:05+02:00", 1704164645_000000000),
        ("2024-01-01T22:04:05-05:00", 1704164645_000000000),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
        ("yesterday", 0),
        ("2024-13-02T03:04:05Z", 0),
        (None, 0),
    ],
)
def test_times_are_read_or_not_known(text: str | None, created_ns: int) -> None:
    assert parse_created(text) == created_ns
