"""What every place of blobs promises, over each that we have."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from capas.errors import Conflict, Corrupt, Invalid, NotFound
from capas.oci.digest import Digest
from capas.store.blobs import DirectoryBlobs
from capas.store.contract import BlobStore
from capas.store.memory import MemoryBlobs
from capas.store.put import put, take_turn
from capas.store.store import Store

DATA = b"some bytes" * 1000
DIGEST = Digest.of(DATA)


@pytest.fixture(params=["directory", "memory", "leased"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "directory":
        return DirectoryBlobs(tmp_path)
    if request.param == "memory":
        return MemoryBlobs()
    lease = Store(tmp_path).lease()
    request.addfinalizer(lease.release)
    return lease.blobs


def test_a_committed_blob_is_read_back(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA[:10])
        ingest.write(memoryview(DATA)[10:])
        assert ingest.digest == DIGEST
        ingest.commit(DIGEST, len(DATA))
    with blobs.open(DIGEST) as file:
        assert file.read() == DATA
    assert blobs.contains(DIGEST)
    assert blobs.stat(DIGEST) == len(DATA)
    assert list(blobs.iterate()) == [(DIGEST, len(DATA))]


def test_a_blob_that_is_not_here_is_not_found(blobs: BlobStore) -> None:
    with pytest.raises(NotFound, match=DIGEST):
        blobs.open(DIGEST)
    assert not blobs.contains(DIGEST)
    assert blobs.stat(DIGEST) is None


def test_nothing_is_visible_before_the_commit(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA)
        assert not blobs.contains(DIGEST)
        assert list(blobs.iterate()) == []


def test_the_same_name_resumes_where_it_stopped(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA[:100])
    with blobs.ingest("one") as ingest:
        assert ingest.offset == 100
        ingest.write(DATA[100:])
        ingest.commit(DIGEST, len(DATA))
    assert blobs.contains(DIGEST)


def test_an_aborted_ingest_is_forgotten(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA)
        ingest.abort()
        ingest.abort()
    with blobs.ingest("one") as ingest:
        assert ingest.offset == 0


def test_another_name_begins_anew(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA)
    with blobs.ingest("two") as ingest:
        assert ingest.offset == 0


def test_a_name_that_is_being_written_is_in_conflict(blobs: BlobStore) -> None:
    with blobs.ingest("one"), pytest.raises(Conflict):
        blobs.ingest("one")


def test_a_name_is_free_again_after_its_block(blobs: BlobStore) -> None:
    with blobs.ingest("one"):
        pass
    with blobs.ingest("one") as ingest:
        assert ingest.offset == 0


@pytest.mark.parametrize(("digest", "size"), [(Digest.of(b"other"), len(DATA)), (DIGEST, 7)])
def test_a_wrong_digest_or_size_leaves_no_trace(blobs: BlobStore, digest: Digest, size: int) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA)
        with pytest.raises(Corrupt):
            ingest.commit(digest, size)
    assert list(blobs.iterate()) == []
    with blobs.ingest("one") as ingest:
        assert ingest.offset == 0


def test_a_commit_may_be_repeated(blobs: BlobStore) -> None:
    for name in ("one", "two"):
        with blobs.ingest(name) as ingest:
            ingest.write(DATA)
            ingest.commit(DIGEST)
            ingest.commit(DIGEST)
    assert list(blobs.iterate()) == [(DIGEST, len(DATA))]


def test_an_abort_after_the_commit_changes_nothing(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.write(DATA)
        ingest.commit(DIGEST)
        ingest.abort()
    assert blobs.contains(DIGEST)


def test_an_ended_ingest_takes_no_more_bytes(blobs: BlobStore) -> None:
    with blobs.ingest("one") as ingest:
        ingest.abort()
        with pytest.raises(Conflict):
            ingest.write(b"more")


def test_the_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    assert put(blobs, b"") == Digest.of(b"")
    assert blobs.stat(Digest.of(b"")) == 0


def test_a_deleted_blob_is_gone_and_deleting_it_again_is_fine(blobs: BlobStore) -> None:
    put(blobs, DATA)
    blobs.delete(DIGEST)
    blobs.delete(DIGEST)
    assert not blobs.contains(DIGEST)


def test_a_blob_deleted_while_it_is_read_is_read_to_its_end(blobs: BlobStore) -> None:
    put(blobs, DATA)
    with blobs.open(DIGEST) as file:
        blobs.delete(DIGEST)
        assert file.read() == DATA


@pytest.mark.parametrize("text", ["sha256:../../../etc/passwd", "sha256:" + "A" * 64, "sha256:abc", "", "../x"])
def test_what_is_no_digest_never_becomes_a_path(blobs: BlobStore, text: str) -> None:
    with pytest.raises(Invalid):
        blobs.open(Digest(text))
    with pytest.raises(Invalid):
        blobs.delete(Digest(text))


@pytest.mark.parametrize("name", ["../../escape", "a/b", ".", "..", "", "nul\0", "é" * 300, DIGEST, "a%2fb"])
def test_any_text_names_an_ingest(blobs: BlobStore, name: str) -> None:
    with blobs.ingest(name) as ingest:
        ingest.write(DATA)
        ingest.commit(DIGEST)
    assert blobs.contains(DIGEST)


def test_names_that_look_alike_are_different_ingests(blobs: BlobStore) -> None:
    names = ["a/b", "a%2fb", "a_b", "A/b", "..", "%2e%2e", ".."[:1]]
    for name in names:
        with blobs.ingest(name) as ingest:
            assert ingest.offset == 0
            ingest.write(name.encode())


def test_small_bytes_are_put_by_many_threads_at_once(blobs: BlobStore) -> None:
    threads = [threading.Thread(target=put, args=(blobs, DATA)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(blobs.iterate()) == [(DIGEST, len(DATA))]


def test_a_turn_is_taken_when_the_other_gives_up(blobs: BlobStore) -> None:
    other = blobs.ingest(DIGEST)
    other.write(DATA[:10])

    def give_up() -> None:
        other.__exit__(None, None, None)

    turn = take_turn(blobs, DIGEST, len(DATA), check=give_up)
    assert turn is not None
    with turn:
        assert turn.offset == 10


def test_there_is_no_turn_once_the_other_has_brought_the_blob(blobs: BlobStore) -> None:
    other = blobs.ingest(DIGEST)
    other.write(DATA)

    def finish() -> None:
        other.commit(DIGEST)
        other.__exit__(None, None, None)

    assert take_turn(blobs, DIGEST, len(DATA), check=finish) is None
