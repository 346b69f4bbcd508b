"""The store: leases, gc and fsck."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capas.errors import NotFound
from capas.oci import media
from capas.oci.digest import DiffID, Digest, ImageID
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.put import put
from capas.store.records import ImageRecord, LayerRecord
from capas.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "root")


def record(manifest: Digest, *digests: Digest) -> ImageRecord:
    return ImageRecord(
        ImageID(digests[0]), manifest, media.OCI_MANIFEST, 0, 0, Platform(), {}, None, digests,
    )  # fmt: skip


def add_image(store: Store, tag: str = "one") -> list[Digest]:
    digests = [put(store.blobs, f"{tag} {part}".encode()) for part in ("manifest", "config", "layer")]
    image = record(*digests)
    store.records.put_image(image)
    store.records.set_name(Reference.parse(f"app:{tag}"), image.image_id, image.manifest)
    return digests


def test_gc_deletes_what_no_image_needs(store: Store) -> None:
    kept = add_image(store)
    put(store.blobs, b"garbage")
    assert store.collect() == (1, 7)
    assert sorted(digest for digest, _ in store.blobs.iterate()) == sorted(kept)


def test_gc_of_a_store_that_is_not_there_makes_none(store: Store) -> None:
    assert store.collect() == (0, 0)
    assert not store.root.exists()


def test_gc_leaves_what_the_caller_needs(store: Store) -> None:
    digest = put(store.blobs, b"cache")
    assert store.collect([digest]) == (0, 0)


def test_gc_leaves_no_trash(store: Store) -> None:
    put(store.blobs, b"garbage")
    store.collect()
    assert list((store.root / "trash").iterdir()) == []


def test_gc_forgets_the_layers_whose_blobs_it_deletes(store: Store) -> None:
    digest = put(store.blobs, b"layer")
    store.records.put_layer(LayerRecord(DiffID(digest), digest, media.OCI_LAYER, 5, 5))
    store.collect()
    assert store.records.find_layer(DiffID(digest)) is None


def test_a_held_blob_outlives_gc_until_the_lease_ends(store: Store) -> None:
    digest = put(store.blobs, b"in flight")
    with store.lease() as lease:
        lease.hold(digest, digest)
        assert store.collect().blobs == 0
    assert store.collect().blobs == 1


def test_a_blob_brought_through_a_lease_is_held(store: Store) -> None:
    with store.lease() as lease:
        digest = put(lease.blobs, b"in flight")
        assert store.collect().blobs == 0
        assert lease.blobs.contains(digest)


def test_a_blob_found_through_a_lease_is_held(store: Store) -> None:
    found, listed = put(store.blobs, b"found"), put(store.blobs, b"only listed")
    with store.lease() as lease:
        assert lease.blobs.contains(found)
        assert len(list(lease.blobs.iterate())) == 2
        store.collect()
        assert store.blobs.contains(found)
        assert not store.blobs.contains(listed)


def test_a_blob_that_is_held_before_it_is_here_is_held_when_it_comes(store: Store) -> None:
    with store.lease() as lease:
        with pytest.raises(NotFound):
            lease.blobs.open(Digest.of(b"later"))
        put(store.blobs, b"later")
        assert store.collect().blobs == 0


def test_two_leases_hold_each_for_itself(store: Store) -> None:
    digest = put(store.blobs, b"shared")
    with store.lease() as first:
        first.hold(digest)
        with store.lease() as second:
            second.hold(digest)
        assert store.collect().blobs == 0


def test_a_lease_leaves_no_file(store: Store) -> None:
    with store.lease() as lease:
        lease.hold(Digest.of(b"x"))
        lease.release()
    assert os.listdir(store.root / "leases") == []


def test_the_lease_of_a_killed_process_holds_nothing(store: Store) -> None:
    digest = put(store.blobs, b"orphan")
    program = (
        "import os, signal, sys; from pathlib import Path; from capas.store.store import Store; "
        "lease = Store(Path(sys.argv[1])).lease(); lease.hold(sys.argv[2]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, store.root, digest])
    assert killed.returncode == -9
    assert len(os.listdir(store.root / "leases")) == 1
    assert store.collect().blobs == 1
    assert os.listdir(store.root / "leases") == []


def test_discarding_leaves_all_but_what_is_named(store: Store) -> None:
    image = add_image(store)
    named, other = put(store.blobs, b"named"), put(store.blobs, b"other")
    assert store.discard([named, *image]) == (1, 5)
    assert store.blobs.contains(other)


def test_gc_deletes_ingests_that_nobody_wrote_to_for_long(store: Store) -> None:
    for name, age_ns in (("old", 1000), ("new", 3000)):
        with store.blobs.ingest(name) as ingest:
            ingest.write(b"half")
        os.utime(store.root / "ingest" / name, ns=(age_ns, age_ns))
    with store.blobs.ingest("busy") as busy:
        busy.write(b"half")
        os.utime(store.root / "ingest" / "busy", ns=(1000, 1000))
        store.collect(ingests_before_ns=2000)
        assert sorted(os.listdir(store.root / "ingest")) == ["busy", "new"]


def test_a_sound_store_has_no_findings(store: Store) -> None:
    add_image(store)
    assert store.check() == []


@pytest.mark.parametrize("damage", [b"", b"one lay", b"one laxer"])
def test_a_damaged_blob_is_found_and_removed_so_that_it_comes_again(store: Store, damage: bytes) -> None:
    layer = add_image(store)[2]
    path = store.blobs.path(layer)
    path.unlink()
    path.write_bytes(damage)
    [finding, *_] = store.check()
    assert (finding.kind, finding.subject, finding.repaired) == ("damaged", layer, False)
    assert store.check(repair=True)[0].repaired
    assert [finding.kind for finding in store.check()] == ["missing"]
    put(store.blobs, b"one layer")
    assert store.check() == []


def test_bringing_a_blob_heals_a_damaged_one_in_its_place(store: Store) -> None:
    layer = add_image(store)[2]
    store.blobs.path(layer).unlink()
    store.blobs.path(layer).write_bytes(b"one laxer")
    with store.blobs.ingest("again") as ingest:
        ingest.write(b"one layer")
        ingest.commit(layer)
    assert store.check() == []


def test_a_name_without_an_image_is_found_and_removed(store: Store) -> None:
    import sqlite3

    add_image(store)
    store.close()
    with sqlite3.connect(store.root / "records.db") as db:
        db.execute("DELETE FROM image")
    db.close()
    [finding] = store.check(repair=True)
    assert (finding.kind, finding.subject) == ("dangling", "docker.io/library/app:one")
    assert store.records.list_names() == []


def test_what_no_record_of_a_stilled_store_needs_can_be_told(store: Store) -> None:
    image = add_image(store)
    with store.lease() as lease:
        lease.hold(Digest.of(b"held"))
        with store.stilled() as live:
            assert live == {*image, Digest.of(b"held")}
