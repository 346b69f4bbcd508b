"""What copies ask of the records, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from capas.errors import AlreadyExists
from capas.hub.copying.replication import rules, runs
from capas.hub.copying.replication.rules import Rule
from capas.hub.copying.replication.runs import Item
from capas.hub.distribution.manifests import read_manifest
from capas.hub.records.claims import Claims
from capas.hub.records.copies import Copies
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.hub.records.values import Link
from capas.oci.digest import Digest
from capas.store.blobs import DirectoryBlobs
from support.people import NOW_NS
from support.upstream import Upstream

SECOND = 1_000_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = f"sqlite:///{tmp_path / 'records.sqlite'}"
    found = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield found
    found.close()


class Told(NamedTuple):
    """Two processes on one database."""

    database: Database

    def claim(self, who: str, now_ns: int, number: int | None = None) -> runs.Run | None:
        return self.database.write(lambda db: runs.claim(db, who, now_ns, number=number))


def add(database: Database, name: str = "copy", **options: object) -> Rule:
    rule = Rule(name, "push", "https://registry.example", **options)  # type: ignore[arg-type]
    return database.write(lambda db: rules.add_rule(db, rule, NOW_NS))


def test_a_rule_comes_back_as_it_was(database: Database) -> None:
    made = add(
        database,
        repositories=("acme/*", "é"),
        tags=("v*",),
        newest=3,
        secret=b"\x00sealed",
        username="hub",
        deletes=True,
    )
    assert database.read(lambda db: rules.get_rule(db, "copy")) == made
    assert database.read(rules.list_rules) == [made]
    changed = made._replace(newest=0, secret=None)
    database.write(lambda db: rules.change_rule(db, changed))
    assert database.read(lambda db: rules.find_rule(db, made.number)) == changed
    with pytest.raises(AlreadyExists):
        add(database)


def test_a_run_is_queued_once_taken_once_and_told_of(database: Database) -> None:
    rule, told = add(database), Told(database)
    first, again = (database.write(lambda db: runs.enqueue(db, rule.number, "hand", "a/b:1", NOW_NS)) for _ in range(2))
    assert first == again
    run = told.claim("one", NOW_NS)
    assert run is not None and run.number == first
    assert told.claim("two", NOW_NS) is None
    assert database.write(lambda db: runs.beat(db, first, "one", NOW_NS + 50 * SECOND))
    assert told.claim("two", NOW_NS + 100 * SECOND) is None
    for item in (Item("a/b", "1", "sha256:x", "copied", sent_bytes=7), Item("a/b", "2", "", "failed", "no")):
        database.write(lambda db, item=item: runs.note_item(db, first, item))  # type: ignore[misc]
    database.write(lambda db: runs.note_item(db, first, Item("a/b", "3", "sha256:y", "same")))
    database.write(lambda db: runs.end(db, run, "one", "", NOW_NS))
    ended = database.read(lambda db: runs.get_run(db, first))
    assert (ended.state, ended.copied, ended.failed, ended.same, ended.sent_bytes) == ("waiting", 1, 1, 1, 7)
    assert [one.outcome for one in database.read(lambda db: runs.list_items(db, first))] == ["failed", "copied"]


def test_a_dead_process_loses_its_run_and_does_not_end_it(database: Database) -> None:
    rule, told = add(database), Told(database)
    number = database.write(lambda db: runs.enqueue(db, rule.number, "event", "", NOW_NS))
    dead = told.claim("dead", NOW_NS)
    living = told.claim("living", NOW_NS + 61 * SECOND)
    assert dead is not None and living is not None
    assert not database.write(lambda db: runs.beat(db, number, "dead", NOW_NS))
    database.write(lambda db: runs.end(db, dead, "dead", "", NOW_NS))
    assert database.read(lambda db: runs.get_run(db, number)).state == "running"
    database.write(lambda db: runs.end(db, living, "living", "", NOW_NS))
    assert database.read(lambda db: runs.get_run(db, number)).state == "done"


def test_the_clock_starts_a_rule_once_for_all_processes(database: Database) -> None:
    rule = add(database, every_seconds=3600)
    add(database, "sleeping", every_seconds=3600, is_active=False)
    for _ in range(2):
        database.write(lambda db: runs.enqueue_due(db, NOW_NS))
    assert len(database.read(lambda db: runs.list_runs(db, rule.number))) == 1
    database.write(lambda db: runs.enqueue_due(db, NOW_NS + 3599 * SECOND))
    assert len(database.read(lambda db: runs.list_runs(db, rule.number))) == 1


def test_what_a_rule_put_there_is_remembered(database: Database) -> None:
    rule = add(database)
    for tag, digest in (("1", "sha256:a"), ("2", "sha256:b"), ("1", "sha256:c")):
        database.write(lambda db, t=tag, d=digest: runs.note_replicated(db, rule.number, "a/b", t, d))  # type: ignore[misc]
    database.write(lambda db: runs.note_replicated(db, rule.number, "a/b", "2", None))
    assert database.read(lambda db: runs.list_replicated(db, rule.number)) == [("a/b", "1", "sha256:c")]


def test_a_cache_knows_what_it_holds_and_what_was_pulled_longest_ago(
    database: Database, upstream: Upstream, tmp_path: Path
) -> None:
    copies, manifests, links, claims = Copies(database), Manifests(database), Links(database), Claims(database)
    image = upstream.add_image("x", layer=b"l" * 100)
    index = upstream.add_index("x", children={"linux/arm64": image})
    copies.found(["up"], NOW_NS)
    copies.found(["up"], NOW_NS)
    for name in ("up/one", "up/two", "upper/other"):
        copies.prepare(name, is_public=name != "up/two", now_ns=NOW_NS)
    for digest in (image.digest, index):
        data, media_type = upstream.manifests["x", digest]
        new = read_manifest(DirectoryBlobs(tmp_path), Digest(digest), data, media_type)
        assert manifests.put_manifest("up/one", new, "1.0", NOW_NS, whole=False) == []
    assert copies.find_named_size("up/one", Digest(image.layer)) == 100
    assert copies.find_named_size("up/two", Digest(image.layer)) is None
    assert copies.find_platform("up/one", Digest(image.digest)) == "linux/arm64"
    copies.point("up/one", "2.0", Digest(image.digest), NOW_NS)
    found = manifests.find_manifest("up/one", "2.0")
    assert found is not None and found.digest == image.digest
    claims.claim(Digest(image.layer), 100, "push", NOW_NS)
    for name, when in (("up/one", 3), ("up/two", 2), ("upper/other", 1)):
        assert links.link(name, Digest(image.layer), Link(100, NOW_NS + when))
    held = copies.hold("up")
    assert (held.repositories, held.tags, held.blobs, held.blob_bytes) == (2, 2, 1, 100)
    oldest = copies.list_oldest("up", NOW_NS + 10, 5)
    assert [(one.repository, one.pulled_ns - NOW_NS) for one in oldest] == [("up/two", 2), ("up/one", 3)]
