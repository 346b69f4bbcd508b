"""What a namespace may hold: exact, each blob once, and not to be outrun (SECURITY-CASES R10)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from capas.hub.app import App, create_app
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect
from capas.hub.people.audit import By
from capas.hub.people.namespaces import add_namespace
from capas.hub.people.repositories import rename
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.quota import count_used, recount, set_limit
from capas.hub.records.tables.people import namespaces
from capas.hub.records.values import RuledOut
from capas.oci.digest import Digest
from support.claims import hold
from support.hub import running_hub
from support.hub_client import HubClient, code_of, digest_of

KB = 1000
BY = By("keeper", "", 1)


class Place:
    """A served hub with the namespace `acme`, and a client of `acme/app`."""

    def __init__(self, app: App, client: HubClient, number: int) -> None:
        self.app = app
        self.client = client
        self.number = number

    def limit(self, size: int | None) -> None:
        self.app.hub.database.write(lambda db: set_limit(db, self.number, size))

    @property
    def used(self) -> int:
        return self.app.hub.database.read(lambda db: count_used(db, self.number))

    def push(self, data: bytes, name: str = "acme/app") -> int:
        """In one request, as skopeo and Capas do."""
        return self.client.send("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(data)}", body=data).status


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    app = create_app(tmp_path, options=Options(open=True, grace_seconds=0))
    database = app.hub.database
    number = database.write(lambda db: add_namespace(database, db, "acme", "organisation", BY, adopt=True))
    with running_hub(tmp_path, app=app) as address:
        client = HubClient(address, "acme/app")
        yield Place(app, client, number)
        client.close()


def test_a_blob_beyond_the_limit_is_refused_with_words_that_clients_show(place: Place) -> None:
    place.limit(10 * KB)
    assert place.push(b"a" * 6 * KB) == 201
    answer = place.client.send("POST", f"blobs/uploads/?digest={digest_of(b'b' * 7 * KB)}", body=b"b" * 7 * KB)
    assert (answer.status, code_of(answer)) == (403, "DENIED")
    assert "acme may hold 10000 bytes and has room for 4000: not for a blob of 7000" in answer.data.decode()
    assert place.push(b"c" * 4 * KB) == 201
    assert place.used == 10 * KB


def test_a_blob_counts_once_in_however_many_repositories(place: Place) -> None:
    place.limit(10 * KB)
    data = b"a" * 6 * KB
    assert [place.push(data, name) for name in ("acme/app", "acme/other", "acme/third")] == [201] * 3
    digest = digest_of(data)
    mount = place.client.send("POST", f"/v2/acme/fourth/blobs/uploads/?mount={digest}&from=acme/app")
    assert mount.status == 201
    assert place.used == 6 * KB


def test_a_mount_from_elsewhere_counts(place: Place) -> None:
    place.limit(5 * KB)
    data = b"a" * 6 * KB
    assert place.push(data, "other/app") == 201
    answer = place.client.send("POST", f"blobs/uploads/?mount={digest_of(data)}&from=other/app")
    assert (answer.status, code_of(answer)) == (403, "DENIED")
    assert place.used == 0


def test_an_upload_in_chunks_ends_with_the_chunk_that_is_too_much(place: Place) -> None:
    place.limit(10 * KB)
    location = place.client.send("POST", "blobs/uploads/").headers["location"]
    assert place.client.send("PATCH", location, body=b"x" * 8 * KB).status == 202
    answer = place.client.send("PATCH", location, body=b"x" * 8 * KB)
    assert (answer.status, code_of(answer)) == (403, "DENIED")
    assert place.client.send("GET", location).status == 404


def test_an_upload_without_a_length_ends_before_it_fills_the_disk(place: Place) -> None:
    place.limit(2_000_000)
    location = place.client.send("POST", "blobs/uploads/").headers["location"]
    sent: list[int] = []

    def body() -> Iterator[bytes]:
        for number in range(40):
            sent.append(number)
            yield b"x" * 1_000_000

    answer = place.client.send("PATCH", location, body=body(), chunked=True)
    assert (answer.status, code_of(answer)) == (403, "DENIED")
    assert not list((place.app.hub.root / "ingest").iterdir())


def test_what_is_deleted_and_collected_makes_room(place: Place) -> None:
    place.limit(10 * KB)
    assert place.push(b"a" * 9 * KB) == 201
    assert place.push(b"b" * 9 * KB) == 403
    collect(place.app.hub)
    assert place.push(b"b" * 9 * KB) == 201
    assert place.used == 9 * KB


def test_a_limit_below_what_is_there_deletes_nothing_and_lets_nothing_in(place: Place) -> None:
    assert place.push(b"a" * 9 * KB) == 201
    place.limit(1 * KB)
    assert place.push(b"b") == 403
    assert place.push(b"a" * 9 * KB) == 201
    assert place.used == 9 * KB
    place.limit(None)
    assert place.push(b"b" * 90 * KB) == 201


def test_other_namespaces_are_not_counted(place: Place) -> None:
    place.limit(1 * KB)
    assert place.push(b"a" * 9 * KB, "acmes/app") == 201
    assert place.push(b"a" * 9 * KB, "acme") == 201


def test_a_repository_that_comes_by_another_name_counts(place: Place) -> None:
    place.limit(10 * KB)
    place.push(b"a" * 6 * KB)
    place.push(b"b" * 5 * KB, "elsewhere/large")
    place.push(b"c" * 4 * KB, "elsewhere/small")
    database = place.app.hub.database
    with pytest.raises(RuledOut, match="may hold 10000 bytes, and would hold 11000"):
        rename(database, "elsewhere/large", "acme/large", BY)
    rename(database, "elsewhere/small", "acme/small", BY)
    assert place.used == 10 * KB
    assert place.push(b"d") == 403


def test_of_twenty_uploads_at_once_as_many_are_kept_as_have_room(place: Place) -> None:
    place.limit(5 * 100 * KB)
    together, statuses = threading.Barrier(20), list[int]()

    def push(number: int) -> None:
        client = HubClient(place.client.address, f"acme/app{number % 3}")
        data = bytes([number]) * 100 * KB
        location = client.send("POST", "blobs/uploads/").headers["location"]
        together.wait()
        assert client.send("PATCH", location, body=data).status == 202
        together.wait()
        statuses.append(client.send("PUT", f"{location}?digest={digest_of(data)}").status)
        client.close()

    threads = [threading.Thread(target=push, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 5 + [403] * 15
    assert place.used == 5 * 100 * KB


def test_a_wrong_number_in_the_records_lets_nothing_in_and_keeps_nothing_out(place: Place) -> None:
    place.limit(10 * KB)
    place.push(b"a" * 4 * KB)

    def spoil(db: Connection) -> None:
        db.execute(namespaces.update().values(used_bytes=10**12))

    place.app.hub.database.write(spoil)
    assert place.push(b"b" * 6 * KB) == 201
    assert place.push(b"c") == 403
    place.app.hub.database.write(spoil)
    assert place.app.hub.database.write(recount) == 1
    assert place.app.hub.database.write(recount) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(0, 60),
    steps=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans()), max_size=40),
)
def test_the_limit_is_exact_whatever_comes_and_goes(
    tmp_path_factory: pytest.TempPathFactory, limit: int, steps: list[tuple[str, int, bool]]
) -> None:
    """Against a plain model: sets of blobs, each of its number of bytes plus one."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quota') / 'records.sqlite'}")
    number = database.write(lambda db: add_namespace(database, db, "acme", "user", BY, adopt=True))
    database.write(lambda db: set_limit(db, number, limit))
    links, held = Links(database), dict[str, set[int]](a=set(), b=set())
    for name, blob, comes in steps:
        digest = Digest(digest_of(bytes([blob])))
        if not comes:
            links.unlink(f"acme/{name}", digest)
            held[name].discard(blob)
            continue
        after = held["a"] | held["b"] | {blob}
        fits = blob in held["a"] | held["b"] or sum(one + 1 for one in after) <= limit
        if fits:
            hold(database, f"acme/{name}", digest, 1, size=blob + 1)
            held[name].add(blob)
        else:
            with pytest.raises(RuledOut):
                hold(database, f"acme/{name}", digest, 1, size=blob + 1)
        assert database.read(lambda db: count_used(db, number)) == sum(one + 1 for one in held["a"] | held["b"])
    database.close()
