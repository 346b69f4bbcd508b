"""What the records promise, over both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from capas.errors import Unavailable
from capas.hub.records.claims import Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.hub.records.values import Link, Missing, Need, NewManifest, StoredManifest
from capas.oci.digest import Digest
from support.claims import hold
from support.postgres import Postgres

BLOB = Digest.of(b"blob")
HOUR = 3600 * 10**9


class Records:
    """A database's two best known rooms."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)
        self.manifests = Manifests(self.database)
        self.links = Links(self.database)

    def hold(self, name: str, digest: Digest, at_ns: int, *, size: int = 4) -> None:
        """Bring a blob, as a push does."""
        hold(self.database, name, digest, at_ns, size=size)

    def hold_all(self, name: str, digests: list[Digest]) -> None:
        """Bring several, long ago."""
        for digest in digests:
            self.hold(name, digest, 1)

    def expire(self, before_ns: int) -> int:
        """What `collect` does first."""
        found = self.links.list_expired(before_ns)
        return sum(self.links.expire(number, [digest], before_ns) for number, digest in found)


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    url = f"sqlite:///{tmp_path}/records.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    found = Records(url)
    yield found
    found.database.close()


def manifest(*blobs: Digest, of: str = "", size: int = 4, **fields: Any) -> NewManifest:
    data = json.dumps([of, *blobs]).encode()
    needs = tuple(Need(blob, size, is_manifest=False) for blob in blobs)
    return NewManifest(StoredManifest(Digest.of(data), "application/m", data), needs, **fields)


def test_a_manifest_is_taken_only_with_all_that_it_needs(records: Records) -> None:
    other = Digest.of(b"other")
    records.hold("app", BLOB, 1)
    new = manifest(BLOB, other)
    assert records.manifests.put_manifest("app", new, "v1", 2) == [Missing(other, None)]
    assert records.manifests.find_manifest("app", "v1") is None
    records.hold("app", other, 3)
    assert records.manifests.put_manifest("app", new, "v1", 4) == []
    assert records.manifests.find_manifest("app", "v1") == new.stored
    assert records.manifests.find_manifest("app", new.stored.digest) == new.stored


def test_a_blob_of_another_size_does_not_count(records: Records) -> None:
    records.hold("app", BLOB, 1, size=5)
    assert records.manifests.put_manifest("app", manifest(BLOB), "v1", 2) == [Missing(BLOB, 5)]


def test_what_another_repository_holds_does_not_count(records: Records) -> None:
    records.hold("other", BLOB, 1)
    assert records.manifests.put_manifest("app", manifest(BLOB), "v1", 2) == [Missing(BLOB, None)]


def test_an_index_needs_its_manifests(records: Records) -> None:
    child = manifest(of="child")
    need = Need(child.stored.digest, len(child.stored.data), is_manifest=True)
    index = manifest(of="index")._replace(needs=(need,))
    assert records.manifests.put_manifest("app", index, None, 1) == [Missing(need.digest, None)]
    assert records.manifests.put_manifest("app", child, None, 2) == []
    assert records.manifests.put_manifest("app", index, None, 3) == []


def test_a_manifest_may_need_a_thousand_blobs(records: Records) -> None:
    blobs = [Digest.of(b"%d" % number) for number in range(1200)]
    lacking = manifest(*blobs)
    assert len(records.manifests.put_manifest("app", lacking, None, 1)) == 1200
    for blob in blobs[:3]:
        records.hold("app", blob, 1)
    assert len(records.manifests.put_manifest("app", lacking, None, 1)) == 1197


def test_a_tag_moves(records: Records) -> None:
    old, new = manifest(of="old"), manifest(of="new")
    records.manifests.put_manifest("app", old, "v1", 1)
    records.manifests.put_manifest("app", new, "v1", 2)
    assert records.manifests.find_manifest("app", "v1") == new.stored
    assert records.manifests.find_manifest("app", old.stored.digest) == old.stored


def test_a_manifest_goes_with_its_tags(records: Records) -> None:
    new = manifest()
    records.manifests.put_manifest("app", new, "v1", 1)
    records.manifests.put_manifest("app", new, "v2", 1)
    gone = records.manifests.delete_manifest("app", new.stored.digest)
    assert [one.tag for one in gone] == ["v1", "v2", ""]
    assert records.manifests.delete_manifest("app", new.stored.digest) == []
    assert records.manifests.list_tags("app", "", 10) == []


def test_a_tag_goes_alone(records: Records) -> None:
    new = manifest()
    records.manifests.put_manifest("app", new, "v1", 1)
    assert records.manifests.delete_tag("app", "v1")
    assert not records.manifests.delete_tag("app", "v1")
    assert records.manifests.find_manifest("app", new.stored.digest) == new.stored


def test_names_and_tags_sort_by_their_bytes(records: Records) -> None:
    names = ["a", "a-b", "a.b", "a/b", "a0", "a_b", "ab", "b"]
    tags = ["1.0", "1.0-rc1", "V1", "_x", "a", "v1", "v1.10", "v1.9", "É", "é"]
    for name in reversed(names):
        records.hold(name, BLOB, 1)
    for tag in reversed(tags):
        records.manifests.put_manifest("ab", manifest(), tag, 1)
    assert sorted(names) == names
    assert sorted(tags) == tags
    assert records.manifests.list_repositories("", 20) == names
    assert records.manifests.list_tags("ab", "", 20) == tags
    assert [records.manifests.list_tags("ab", after, 1)[:1] for after in tags[:-1]] == [[tag] for tag in tags[1:]]


def test_referrers_come_by_digest_and_by_type(records: Records) -> None:
    subject = Digest.of(b"subject")
    all_of_them = [
        manifest(of=str(number), subject=subject, artifact_type=kind, annotations={"n": str(number)})
        for number, kind in enumerate(["sbom", "signature", "sbom"])
    ]
    for one in all_of_them:
        records.manifests.put_manifest("app", one, None, 1)
    digests = sorted(one.stored.digest for one in all_of_them)
    found = records.manifests.list_referrers("app", subject, "", ("", 10))
    assert [one.digest for one in found] == digests
    assert [one.digest for one in records.manifests.list_referrers("app", subject, "", (digests[0], 1))] == digests[1:2]
    sboms = records.manifests.list_referrers("app", subject, "sbom", ("", 10))
    assert {one.annotations["n"] for one in sboms} == {"0", "2"}


def test_a_mount_needs_the_source(records: Records) -> None:
    assert not records.links.mount("app", BLOB, "other", 1)
    records.hold("other", BLOB, 1)
    assert records.links.mount("app", BLOB, "other", 2)
    assert records.links.find_link("app", BLOB) == (4, 2)


def test_links_expire_unless_needed_or_new(records: Records) -> None:
    old, needed, new = Digest.of(b"old"), Digest.of(b"needed"), Digest.of(b"new")
    for digest, at in ((old, 1), (needed, 1), (new, 10)):
        records.hold("app", digest, at)
    records.manifests.put_manifest("app", manifest(needed), "v1", 2)
    assert records.expire(5) == 1
    assert Claims(records.database).list_unheld(20) == [(old, 4)]


def test_a_link_that_is_gone_is_not_renewed(records: Records) -> None:
    records.hold("app", BLOB, 1)
    assert records.links.renew("app", BLOB, 7)
    assert records.links.find_link("app", BLOB) == (4, 7)
    records.links.unlink("app", BLOB)
    assert not records.links.renew("app", BLOB, 8)
    assert records.links.find_link("app", BLOB) is None


def test_a_write_that_fails_changes_nothing(records: Records) -> None:
    def fail(db: Any) -> None:
        db.execute(records.database.insert(tables().repositories).values(name="half"))
        raise KeyError

    with pytest.raises(KeyError):
        records.database.write(fail)
    assert not records.manifests.has_repository("half")


def test_a_read_sees_one_point_in_time(records: Records) -> None:
    names = tables().repositories.c.name

    def twice(db: Any) -> tuple[list[str], list[str]]:
        before = db.execute(names_of(names)).scalars().all()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(records.hold, "late", BLOB, 1).result()
        return before, db.execute(names_of(names)).scalars().all()

    before, after = records.database.read(twice)
    assert before == after == []
    assert records.manifests.has_repository("late")


def test_a_push_and_an_expiry_at_once_never_lose_a_blob(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expiry runs between the push's look at its links and its commit, where a weaker database lets it pass."""
    records.hold("app", BLOB, 1)
    checked, expired = threading.Event(), threading.Event()
    in_between(monkeypatch, "capas.hub.records.manifests._keep", checked, expired)
    with ThreadPoolExecutor(2) as pool:
        push = pool.submit(records.manifests.put_manifest, "app", manifest(BLOB), "v1", 2)
        assert checked.wait(10)
        done = pool.submit(records.expire, HOUR)
        done.add_done_callback(lambda _: expired.set())
        missing = push.result(30)
        done.result(30)
    held = records.links.find_link("app", BLOB) is not None
    assert held == (missing == [])
    assert (records.manifests.find_manifest("app", "v1") is not None) == held


def _expire_between(records: Records, stop: threading.Event, ended: threading.Semaphore) -> None:
    """Expiries with pushes between them: of eight that end after one, four began after it, and come through."""
    while not stop.is_set():
        records.expire(HOUR)
        while ended.acquire(blocking=False):
            pass
        waiting = 8
        while waiting and not stop.is_set():
            waiting -= ended.acquire(timeout=0.05)


def test_a_thousand_pushes_beside_expiries_and_deletions_lose_nothing(records: Records) -> None:
    stop, ended = threading.Event(), threading.Semaphore(0)
    blobs = [Digest.of(b"%d" % number) for number in range(12)]
    kept: dict[str, NewManifest] = {}
    records.hold_all("app0", blobs)

    def push(worker: int) -> None:
        for turn in range(40):
            new = manifest(*blobs[turn % 6 : turn % 6 + 6], of=f"{worker} {turn}")
            for blob in blobs:
                records.links.link(f"app{turn % 3}", blob, Link(4, 1))  # long ago: every expiry wants it
            if not records.manifests.put_manifest(f"app{turn % 3}", new, f"v{worker}-{turn}", 2):
                if turn % 4:
                    kept[f"app{turn % 3}:v{worker}-{turn}"] = new
                else:
                    records.manifests.delete_manifest(f"app{turn % 3}", new.stored.digest)
            ended.release()

    with ThreadPoolExecutor(6) as pool:
        expiry = pool.submit(_expire_between, records, stop, ended)
        pushes: list[Future[None]] = [pool.submit(push, worker) for worker in range(4)]
        try:
            for one in pushes:
                one.result(120)
        finally:
            stop.set()
        expiry.result(60)
    assert len(kept) > 10
    for name, new in kept.items():
        repository, _, tag = name.partition(":")
        assert records.manifests.find_manifest(repository, tag) == new.stored
        assert all(records.links.find_link(repository, need.digest) for need in new.needs), name


def test_counters_count_under_parallel_writes(records: Records) -> None:
    repositories = tables().repositories
    records.hold("app", BLOB, 1)

    def add(db: Any) -> None:
        pulls = db.execute(names_of(repositories.c.pulls)).scalar_one()  # read, then write: the careless way
        db.execute(repositories.update().values(pulls=pulls + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: records.database.write(add), range(80)))
    assert records.database.read(lambda db: db.execute(names_of(repositories.c.pulls)).scalar_one()) == 80


def test_a_database_that_was_restarted_is_found_again(postgres: Postgres, postgres_url: str) -> None:
    records = Records(postgres_url)
    records.hold("app", BLOB, 1)
    postgres.ask("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'hub%'")
    assert records.links.find_link("app", BLOB) == (4, 1)
    postgres.ask("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'hub%'")
    records.hold("app", BLOB, 2)
    assert records.links.find_link("app", BLOB) == (4, 2)
    records.database.close()


def test_a_database_that_is_not_there_is_said_so() -> None:
    with pytest.raises(Unavailable, match=r"cannot use the hub's records in postgresql\+psycopg://capas:\*\*\*@"):
        Database("postgresql+psycopg://capas:secret@127.0.0.1:1/capas")


def tables() -> Any:
    from capas.hub.records.tables import images

    return images


def names_of(column: Any) -> Any:
    from sqlalchemy import select

    return select(column)


def in_between(monkeypatch: pytest.MonkeyPatch, target: str, reached: threading.Event, go_on: threading.Event) -> None:
    """Who first comes to `target` waits there for the other, as long as the other can run at all."""
    module, _, name = target.rpartition(".")
    from importlib import import_module

    real: Callable[..., Any] = getattr(import_module(module), name)

    def stopped(*args: Any) -> Any:
        if not reached.is_set():
            reached.set()
            go_on.wait(1)
        return real(*args)

    monkeypatch.setattr(target, stopped)
