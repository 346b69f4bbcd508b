"""What the hub remembers of its records is never older than the last write that anybody committed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.people.access import Action, Identity
from capas.hub.records.claims import Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.hub.records.moment import open_moments
from capas.hub.records.place import DatabaseConfig
from capas.hub.records.recent import Recent
from capas.hub.records.values import Link
from capas.oci.digest import Digest
from support.asgi import Direct
from support.hub_client import CONFIG, LAYER, MANIFEST, describe, digest_of


class Peer:
    """Another process of the same hub, as far as the records can tell: a client of ours, and a database of its own."""

    def __init__(self, root: Path, url: str) -> None:
        self.client = Direct(create_app(root, config=Config(database=DatabaseConfig(url=url))))
        self.database = Database(url)

    def push(self, tag: str, layer: bytes) -> str:
        for data in (b"{}", layer):
            self.client.send("POST", f"/v2/app/blobs/uploads/?digest={digest_of(data)}", data)
        document = {"schemaVersion": 2, "config": describe(CONFIG, b"{}"), "layers": [describe(LAYER, layer)]}
        headers = {"content-type": MANIFEST}
        answer = self.client.send("PUT", f"/v2/app/manifests/{tag}", json.dumps(document).encode(), headers)
        assert answer.status == 201
        return answer.headers["docker-content-digest"]

    def get(self, path: str) -> tuple[int, str | None]:
        """Status and digest, as asked for twice: the second time it is remembered."""
        first, second = (self.client.send("GET", f"/v2/app/{path}") for _ in range(2))
        assert first == second
        return first.status, first.headers.get("docker-content-digest")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'records.sqlite'}"


@pytest.fixture
def peer(tmp_path: Path, url: str) -> Iterator[Peer]:
    made = Peer(tmp_path, url)
    yield made
    made.database.close()
    made.client.close()


def test_a_tag_that_another_process_deletes_is_gone_at_once(peer: Peer) -> None:
    digest = peer.push("v1", b"one")
    assert peer.get("manifests/v1") == (200, digest)
    assert Manifests(peer.database).delete_tag("app", "v1")
    assert peer.get("manifests/v1")[0] == 404
    assert peer.get(f"manifests/{digest}") == (200, digest)


def test_a_manifest_that_another_process_deletes_is_gone_at_once(peer: Peer) -> None:
    digest = peer.push("v1", b"one")
    assert peer.get(f"manifests/{digest}") == (200, digest)
    Manifests(peer.database).delete_manifest("app", Digest(digest))
    assert peer.get(f"manifests/{digest}")[0] == 404


def test_a_blob_that_another_process_unlinks_is_gone_at_once(peer: Peer) -> None:
    peer.push("v1", b"one")
    blob = digest_of(b"one")
    assert peer.get(f"blobs/{blob}") == (200, blob)
    Links(peer.database).unlink("app", Digest(blob))
    assert peer.get(f"blobs/{blob}")[0] == 404


def test_a_tag_that_we_move_is_seen_at_once(peer: Peer) -> None:
    for layer in (b"one", b"two", b"three"):
        digest = peer.push("latest", layer)
        assert peer.get("manifests/latest") == (200, digest)


def test_a_right_that_is_taken_away_counts_at_once(tmp_path: Path) -> None:
    """The rights are kept in the records, so that whoever changes them ends the moment."""
    records = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")

    def may(_identity: Identity, repository: str, _action: Action) -> bool:
        return Manifests(records).list_tags(repository, "", 9) != ["closed"]

    client = Direct(create_app(tmp_path, authorise=may))
    client.send("PUT", "/v2/app/manifests/open", b'{"schemaVersion":2,"mediaType":"%s","manifests":[]}' % INDEX, JSON)
    assert [client.send("GET", "/v2/app/manifests/open").status for _ in range(2)] == [200, 200]
    document = b'{"schemaVersion":2,"mediaType":"%s","manifests":[]}' % INDEX
    client.send("PUT", "/v2/app/manifests/closed", document, JSON)
    Manifests(records).delete_tag("app", "open")
    assert client.send("GET", "/v2/app/manifests/closed").status == 404
    client.close()
    records.close()


INDEX = b"application/vnd.oci.image.index.v1+json"
JSON = {"content-type": INDEX.decode()}


def test_what_was_read_before_a_moment_ended_is_not_kept() -> None:
    recent = Recent()
    recent.turn(1)
    recent.turn(2)
    recent.keep(1, "key", "old")
    assert recent.get("key", str) is None
    recent.keep(2, "key", "new")
    assert recent.get("key", str) == "new"
    recent.turn(3)
    assert recent.get("key", str) is None


def test_what_is_remembered_is_bounded() -> None:
    recent = Recent(most_bytes=100_000)
    recent.turn(1)
    for number in range(1000):
        recent.keep(1, number, b"x", 1000)
    assert sum(recent.get(number, bytes) is not None for number in range(1000)) < 100


def test_a_moment_lasts_until_somebody_commits(url: str) -> None:
    one, other = Database(url), Database(url)
    moments = open_moments(one, asyncio.to_thread)
    with asyncio.Runner() as loop:
        seen = [loop.run(moments.now()) for _ in range(2)]
        Claims(other).claim(Digest(digest_of(b"x")), 1, "push", 1)
        seen.append(loop.run(moments.now()))
        Links(one).link("app", Digest(digest_of(b"x")), Link(1, 1))
        seen.append(loop.run(moments.now()))
    assert seen[0] == seen[1] and len(set(seen)) == 3
    moments.close()
    one.close()
    other.close()


def test_requests_that_wait_share_one_question(postgres_url: str) -> None:
    """And none of them gets the answer to a question that began before it came."""
    database = Database(postgres_url)
    asked: list[object] = []

    async def ask() -> list[object]:
        def hop(work: Callable[[], object]) -> Awaitable[object]:
            asked.append(work)
            return asyncio.to_thread(work)

        moments = open_moments(database, hop)
        first = asyncio.ensure_future(moments.now())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(asked) == 1, "the first question is on its way"
        await asyncio.gather(*(moments.now() for _ in range(50)))
        return [await first]

    asyncio.run(ask())
    assert len(asked) == 2, "one more for the fifty that came later"
    database.close()
