"""Names and records."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from capas.errors import Corrupt, Invalid, NotFound, Unsupported
from capas.oci import media
from capas.oci.digest import DiffID, Digest, ImageID
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.records import ImageRecord, LayerRecord, NameRecord, Records

DEBIAN = Reference.parse("debian:bookworm")
HUB = Reference.parse("localhost:5000/me/app:1")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "deep" / "records.db")


def image(number: int, **changes: object) -> ImageRecord:
    record = ImageRecord(
        image_id=ImageID.of(b"config %d" % number),
        manifest=Digest.of(b"manifest %d" % number),
        media_type=media.OCI_MANIFEST,
        created_ns=number * 10**9,
        size=number * 1000,
        platform=Platform("linux", "arm", "v7"),
        labels={"a": "é", "b": ""},
        parent=None,
        digests=(Digest.of(b"config %d" % number), Digest.of(b"layer")),
    )
    return record._replace(**changes)


def test_an_image_is_remembered_as_it_was_put(records: Records, tmp_path: Path) -> None:
    first = image(1, parent=image(2).image_id)
    records.put_image(first)
    assert Records(tmp_path / "deep" / "records.db").find_image(first.image_id) == first


def test_an_unknown_image_is_none(records: Records) -> None:
    assert records.find_image(image(1).image_id) is None


def test_images_are_found_by_the_beginning_of_their_id(records: Records) -> None:
    first, second = image(1), image(2)
    records.put_image(first)
    records.put_image(second)
    assert records.find_images(first.image_id.hex[:12]) == [first]
    assert records.find_images(first.image_id) == [first]
    assert records.find_images(first.image_id[:12]) == [first]
    assert len(records.find_images("")) == 2
    assert records.find_images("f" * 64) == []


@pytest.mark.parametrize("text", ["nginx", "sha256:%", "'; DROP TABLE image", "A" * 12, "a" * 65])
def test_what_is_no_id_finds_no_image(records: Records, text: str) -> None:
    records.put_image(image(1))
    assert records.find_images(text) == []


def test_images_are_listed_newest_first(records: Records) -> None:
    for number in (2, 3, 1):
        records.put_image(image(number))
    assert [row.created_ns for row in records.iter_images()] == [3 * 10**9, 2 * 10**9, 10**9]


def test_a_name_points_at_an_image_and_moves(records: Records) -> None:
    first, second = image(1), image(2)
    records.put_image(first)
    records.put_image(second)
    records.set_name(DEBIAN, first.image_id, first.manifest)
    records.set_name(DEBIAN, second.image_id, second.manifest)
    assert records.find_name(DEBIAN) == NameRecord(DEBIAN, second.image_id, second.manifest)
    assert records.list_names(first.image_id) == []


def test_names_are_listed_in_order(records: Records) -> None:
    records.put_image(image(1))
    for reference in (HUB, DEBIAN):
        records.set_name(reference, image(1).image_id, image(1).manifest)
    assert [row.reference for row in records.list_names()] == [DEBIAN, HUB]
    assert [row.reference for row in records.list_names(image(1).image_id)] == [DEBIAN, HUB]


def test_a_name_without_a_tag_is_refused(records: Records) -> None:
    records.put_image(image(1))
    with pytest.raises(Invalid):
        records.set_name(Reference.parse("debian"), image(1).image_id, image(1).manifest)


def test_a_name_for_an_image_that_is_gone_is_refused(records: Records) -> None:
    with pytest.raises(NotFound):
        records.set_name(DEBIAN, image(1).image_id, image(1).manifest)


def test_a_deleted_name_leaves_the_image(records: Records) -> None:
    records.put_image(image(1))
    records.set_name(DEBIAN, image(1).image_id, image(1).manifest)
    records.delete_name(DEBIAN)
    records.delete_name(DEBIAN)
    assert records.find_name(DEBIAN) is None
    assert records.find_image(image(1).image_id) is not None


def test_a_deleted_image_takes_its_names_and_digests_along(records: Records) -> None:
    first = image(1)
    records.put_image(first)
    records.set_name(DEBIAN, first.image_id, first.manifest)
    records.add_digest(DEBIAN.name, first.manifest, first.image_id)
    records.delete_image(first.image_id)
    assert (records.list_names(), records.list_digests(), records.live_digests()) == ([], [], set())


def test_digests_of_registries_are_listed(records: Records) -> None:
    for _ in range(2):
        records.add_digest("docker.io/library/debian", Digest.of(b"index"), image(1).image_id)
    assert records.list_digests(image(1).image_id) == [
        ("docker.io/library/debian", Digest.of(b"index"), image(1).image_id)
    ]
    records.delete_digests(image(1).image_id)
    assert records.list_digests() == []


def test_a_layer_is_found_by_what_it_is_and_by_its_blob(records: Records) -> None:
    layer = LayerRecord(DiffID.of(b"tar"), Digest.of(b"gzip"), media.OCI_LAYER_GZIP, 10, 100)
    records.put_layer(layer)
    records.put_layer(layer)
    assert records.find_layer(layer.diff_id) == layer
    assert records.find_layer_of(layer.digest) == layer
    assert list(records.iter_layers()) == [layer]
    assert records.find_layer(DiffID.of(b"x")) is None


def test_the_smallest_blob_of_a_layer_is_found(records: Records) -> None:
    plain = LayerRecord(DiffID.of(b"tar"), Digest.of(b"tar"), media.OCI_LAYER, 100, 100)
    small = LayerRecord(DiffID.of(b"tar"), Digest.of(b"gzip"), media.OCI_LAYER_GZIP, 10, 100)
    records.put_layer(plain)
    records.put_layer(small)
    assert records.find_layer(plain.diff_id) == small


def test_sources_of_a_blob_are_listed_once(records: Records) -> None:
    for path in ("b", "a", "b"):
        records.add_source(Digest.of(b"x"), "hub", path)
    assert records.list_sources(Digest.of(b"x")) == [("hub", "a"), ("hub", "b")]
    records.forget_blobs([Digest.of(b"x")])
    assert records.list_sources(Digest.of(b"x")) == []


def test_a_manifest_that_a_name_points_at_stays_live_beside_a_newer_one(records: Records) -> None:
    gzip, zstd = image(1), image(1, manifest=Digest.of(b"zstd"), digests=(Digest.of(b"zstd layer"),))
    records.put_image(gzip)
    records.set_name(DEBIAN, gzip.image_id, gzip.manifest)
    records.put_image(zstd)
    assert records.live_digests() == {gzip.manifest, *gzip.digests, zstd.manifest, *zstd.digests}
    records.set_name(DEBIAN, zstd.image_id, zstd.manifest)
    assert records.live_digests() == {zstd.manifest, *zstd.digests}


def test_a_transaction_that_fails_changes_nothing(records: Records) -> None:
    with pytest.raises(ZeroDivisionError), records.transaction():
        records.put_image(image(1))
        records.set_name(DEBIAN, image(1).image_id, image(1).manifest)
        raise ZeroDivisionError
    assert list(records.iter_images()) == []
    records.put_image(image(2))
    assert len(list(records.iter_images())) == 1


def test_listing_never_fails_while_others_create_and_delete(records: Records) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def churn(number: int) -> None:
        try:
            while not stop.is_set():
                records.put_image(image(number))
                records.delete_image(image(number).image_id)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        assert len(list(records.iter_images())) <= 3
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_records_of_a_newer_capas_are_left_alone(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "records.db")
    db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(Unsupported, match="999"):
        list(Records(tmp_path / "records.db").iter_images())


def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"not a database at all, sorry" * 100)
    with pytest.raises(Corrupt, match=r"records\.db"):
        list(Records(tmp_path / "records.db").iter_images())
