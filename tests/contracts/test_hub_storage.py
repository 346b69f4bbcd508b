"""What a place of the hub's blobs promises: a directory, SeaweedFS by S3, and a plain directory through obstore."""

from __future__ import annotations

import os
import threading
import urllib.request
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from capas.errors import Conflict, Corrupt, Invalid, NotFound, Unavailable
from capas.hub.storage.contract import Storage
from capas.hub.storage.objects import ObjectStorage
from capas.hub.storage.objects_client import Object, Objects
from capas.hub.storage.pieces import read_state
from capas.hub.storage.place import StorageConfig, open_storage
from capas.oci.digest import Digest
from support.seaweed import Seaweed

SMALL, LARGE = b"a small blob", os.urandom(1024) * 1024 * 21  # larger than two parts
Again = Callable[[], Storage]


@pytest.fixture(params=["directory", "s3", "file"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Again:
    """The same place, as each of several processes sees it."""
    config = StorageConfig()
    if request.param == "s3":
        config = request.getfixturevalue("seaweed").make()
    if request.param == "file":
        (tmp_path / "objects").mkdir()
        config = StorageConfig(f"file://{tmp_path}/objects")
    return lambda: open_storage(config, tmp_path)


@pytest.fixture
def storage(again: Again) -> Storage:
    return again()


def keep(storage: Storage, data: bytes, name: str = "one") -> Digest:
    with storage.ingest(name) as ingest:
        ingest.write(data)
        ingest.commit(Digest.of(data), len(data))
    return Digest.of(data)


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_a_blob_is_read_as_it_was_written(storage: Storage, data: bytes) -> None:
    digest = keep(storage, data)
    assert storage.stat(digest) == len(data)
    assert storage.contains(digest)
    with storage.open(digest) as file:
        assert file.read() == data
    assert list(storage.iterate()) == [(digest, len(data))]
    assert storage.delete_ingests() == 0, "nothing is left of the write"


def test_a_part_of_a_blob_is_read(storage: Storage) -> None:
    with storage.open(keep(storage, LARGE)) as file:
        file.seek(20_000_001)
        assert file.read(9) == LARGE[20_000_001:20_000_010]
        file.seek(-5, os.SEEK_END)
        assert file.read() == LARGE[-5:]


def test_what_is_not_there_is_not_found(storage: Storage) -> None:
    digest = Digest.of(b"nothing")
    assert storage.stat(digest) is None
    assert not storage.contains(digest)
    storage.delete(digest)
    with pytest.raises(NotFound):
        storage.open(digest)
    assert list(storage.iterate()) == []


def test_a_deleted_blob_is_gone(storage: Storage) -> None:
    digest = keep(storage, SMALL)
    storage.delete(digest)
    assert storage.stat(digest) is None


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_bytes_with_another_digest_are_never_seen(storage: Storage, data: bytes) -> None:
    ingest = storage.ingest("one")
    ingest.write(data)
    with pytest.raises(Corrupt):
        ingest.commit(Digest.of(b"other"))
    assert list(storage.iterate()) == []
    with pytest.raises(NotFound):
        storage.ingest("one", begun=True)


def test_a_blob_that_is_there_already_is_kept_again(storage: Storage) -> None:
    digest = keep(storage, SMALL)
    keep(storage, SMALL, "two")
    with storage.open(digest) as file:
        assert file.read() == SMALL


def test_a_write_that_nobody_began_is_not_gone_on_with(storage: Storage) -> None:
    with pytest.raises(NotFound):
        storage.ingest("one", begun=True)


def test_a_write_without_a_byte_can_be_gone_on_with_elsewhere(again: Again) -> None:
    again().ingest("one").close()
    ingest = again().ingest("one", begun=True)
    assert ingest.offset == 0
    ingest.write(SMALL)
    ingest.commit(Digest.of(SMALL))
    assert again().stat(Digest.of(SMALL)) == len(SMALL)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_whole_write_is_committed_elsewhere(again: Again, data: bytes) -> None:
    first = again().ingest("one")
    first.write(data)
    first.close()
    second = again().ingest("one", begun=True)
    assert (second.offset, second.digest) == (len(data), Digest.of(data))
    second.commit(Digest.of(data), len(data))
    with again().open(Digest.of(data)) as file:
        assert file.read() == data
    with pytest.raises(NotFound):
        again().ingest("one", begun=True)


def test_a_write_goes_from_process_to_process(again: Again) -> None:
    steps = [0, 7, 10_000_000, 10_000_001, 15_000_000, len(LARGE)]
    for start, end in pairwise(steps):
        ingest = again().ingest("one", begun=start > 0)
        assert ingest.offset == start
        ingest.write(LARGE[start:end])
        ingest.close()
    last = again().ingest("one", begun=True)
    with pytest.raises(Corrupt):
        last.commit(Digest.of(b"other"))
    for start, end in pairwise(steps):
        ingest = again().ingest("two")
        ingest.write(LARGE[start:end])
        ingest.close()
    again().ingest("two").commit(Digest.of(LARGE))
    with again().open(Digest.of(LARGE)) as file:
        assert file.read() == LARGE


def test_the_digest_so_far_is_known_elsewhere(again: Again) -> None:
    for piece in (SMALL, LARGE):
        ingest = again().ingest("one")
        ingest.write(piece)
        ingest.close()
    ingest = again().ingest("one")
    ingest.write(SMALL)
    assert ingest.digest == Digest.of(SMALL + LARGE + SMALL)
    ingest.abort()


def test_a_block_that_ends_without_a_commit_keeps_what_is_written(again: Again) -> None:
    with again().ingest("one") as ingest:
        ingest.write(SMALL)
    assert again().ingest("one", begun=True).offset == len(SMALL)


def test_an_aborted_write_is_gone(again: Again) -> None:
    for data in (b"", SMALL, LARGE):
        ingest = again().ingest("one")
        ingest.write(data)
        ingest.abort()
        with pytest.raises(NotFound):
            again().ingest("one", begun=True)
        ingest.close()
    assert list(again().iterate()) == []


def test_two_requests_do_not_write_at_once(storage: Storage) -> None:
    with storage.ingest("one") as ingest:
        ingest.write(SMALL)
        with pytest.raises(Conflict):
            storage.ingest("one")
        with storage.ingest("two"):
            pass
    storage.ingest("one", begun=True).abort()


def test_what_nobody_goes_on_with_is_dropped(again: Again) -> None:
    storage = again()
    for name in ("one", "two"):
        ingest = storage.ingest(name)
        ingest.write(SMALL)
        ingest.close()
    with storage.ingest("one"):
        assert storage.delete_ingests(1) == 0, "they are new"
        assert storage.delete_ingests() == 1, "one of them is being written"
    assert storage.delete_ingests(2**62) == 1
    assert storage.delete_ingests() == 0


def test_many_threads_keep_many_blobs(storage: Storage) -> None:
    blobs = [os.urandom(size) for size in (10, 100_000, 9_000_000) for _ in range(4)]
    threads = [threading.Thread(target=keep, args=(storage, data, str(n))) for n, data in enumerate(blobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(storage.iterate()) == {Digest.of(data): len(data) for data in blobs}


def test_a_client_is_sent_to_the_store_or_not(seaweed: Seaweed, tmp_path: Path) -> None:
    config = seaweed.make()
    digest = keep(open_storage(config, tmp_path), SMALL)
    address = open_storage(config, tmp_path).place(digest)
    assert isinstance(address, str)
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == SMALL
    kept = StorageConfig(config.url, config.options, redirect=False)
    assert open_storage(kept, tmp_path).place(digest) is None
    named = StorageConfig(config.url, config.options, public_endpoint="https://images.example")
    assert str(open_storage(named, tmp_path).place(digest)).startswith("https://images.example/")


def test_a_store_that_does_not_answer_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("capas.hub.storage.objects_client._RETRY_SECONDS", 0.2)
    gone = StorageConfig("s3://images", {"endpoint": "http://127.0.0.1:1", "region": "x", "skip_signature": "true"})
    with pytest.raises(Unavailable, match="cannot use the object store s3://images"):
        open_storage(gone, tmp_path)


def test_wrong_keys_are_said_so(seaweed: Seaweed, tmp_path: Path) -> None:
    config = seaweed.make()
    wrong = StorageConfig(config.url, {**config.options, "secret_access_key": "wrong"})
    with pytest.raises(Unavailable, match=r"the object store s3://images.*403"):
        open_storage(wrong, tmp_path)


@pytest.mark.parametrize(
    ("url", "options"), [("gopher://images", {}), ("s3://images", {"acces_key": "x"}), ("images", {})]
)
def test_a_storage_that_cannot_be_is_said_so(url: str, options: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="the hub cannot use"):
        open_storage(StorageConfig(url, options), tmp_path)


def test_of_two_pieces_at_one_offset_the_run_that_comes_furthest_counts() -> None:
    def piece(start: int, size: int, token: str) -> Object:
        return Object(f"uploads/x/{start:016x}-{token}", size, 0)

    state = read_state([piece(0, 10, "a"), piece(0, 5, "b"), piece(5, 20, "c"), piece(40, 9, "d"), piece(5, 0, "e")])
    assert state is not None
    assert [one.key[-1] for one in state.pieces] == ["b", "c"]
    assert state.offset == 25


def test_a_write_whose_store_fails_keeps_what_was_there(again: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    first = again().ingest("one")
    first.write(SMALL)
    first.close()
    storage = again()
    if not isinstance(storage, ObjectStorage):
        return
    ingest = storage.ingest("one", begun=True)
    ingest.write(SMALL)

    def fail(*_: object) -> None:
        raise Unavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "put", fail)
        with pytest.raises(Unavailable):
            ingest.close()
    assert storage.ingest("one", begun=True).offset == len(SMALL)
