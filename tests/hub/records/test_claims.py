"""Claims: bytes are deleted only while nobody holds them or is about to, whoever comes first. On both databases."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capas.errors import Conflict
from capas.hub.records.claims import DELETE_NS, Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.values import Link
from capas.oci.digest import Digest

BLOB = Digest.of(b"blob")
NOW = 10**18
DAY = 24 * 3600 * 10**9


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    postgres = request.param == "postgresql"
    url = str(request.getfixturevalue("postgres_url")) if postgres else f"sqlite:///{tmp_path}/records.sqlite"
    made = Database(url)
    yield made
    made.close()


def unheld(database: Database, now_ns: int = NOW) -> list[Digest]:
    return [digest for digest, _ in Claims(database).list_unheld(now_ns)]


def test_a_claimed_blob_is_left_alone(database: Database) -> None:
    claims = Claims(database)
    claims.claim(BLOB, 4, "push", NOW)
    assert unheld(database) == []
    assert claims.doom([BLOB], NOW) == []


def test_a_blob_that_a_repository_holds_is_left_alone(database: Database) -> None:
    claims = Claims(database)
    claims.claim(BLOB, 4, "push", NOW)
    assert Links(database).link("app", BLOB, Link(4, NOW), claim="push")
    assert claims.doom([BLOB], NOW + DAY) == []
    Links(database).unlink("app", BLOB)
    assert claims.doom([BLOB], NOW + DAY) == [BLOB]


def test_what_one_push_claims_another_may_give_up(database: Database) -> None:
    claims = Claims(database)
    for push in ("one", "other"):
        claims.claim(BLOB, 4, push, NOW)
    claims.release(BLOB, "one")
    assert unheld(database) == []
    claims.release(BLOB, "other")
    assert unheld(database) == [BLOB]


def test_the_claim_of_a_process_that_died_ends_by_itself(database: Database) -> None:
    Claims(database).claim(BLOB, 4, "push", NOW)
    assert unheld(database, NOW + DAY) == [BLOB]


def test_a_doomed_blob_is_neither_claimed_nor_linked_nor_mounted(database: Database) -> None:
    claims, links = Claims(database), Links(database)
    claims.claim(BLOB, 4, "push", NOW)
    claims.release(BLOB, "push")
    assert claims.doom([BLOB], NOW) == [BLOB]
    assert claims.doom([BLOB], NOW) == [], "one collector has it"
    with pytest.raises(Conflict, match="is being deleted"):
        claims.claim(BLOB, 4, "again", NOW)
    assert not links.link("app", BLOB, Link(4, NOW))
    claims.forget([BLOB], NOW)
    claims.claim(BLOB, 4, "again", NOW)
    assert links.link("app", BLOB, Link(4, NOW), claim="again")


def test_what_a_collector_spares_may_be_claimed(database: Database) -> None:
    claims = Claims(database)
    claims.claim(BLOB, 4, "push", NOW)
    claims.release(BLOB, "push")
    claims.doom([BLOB], NOW)
    claims.spare([BLOB], NOW)
    claims.claim(BLOB, 4, "push", NOW)


def test_a_collector_that_died_blocks_nobody_for_long(database: Database) -> None:
    claims = Claims(database)
    claims.claim(BLOB, 4, "push", NOW)
    claims.release(BLOB, "push")
    claims.doom([BLOB], NOW)
    later = NOW + 5 * DELETE_NS
    assert unheld(database, later) == [BLOB]
    claims.claim(BLOB, 4, "push", later)
    claims.forget([BLOB], NOW)  # it was only slow: what is claimed since is not its any more
    assert Links(database).link("app", BLOB, Link(4, later), claim="push")


def test_a_blob_that_was_never_brought_cannot_be_linked(database: Database) -> None:
    assert not Links(database).link("app", BLOB, Link(4, NOW))


class Meeting:
    """Pushes that bring and give up one blob, and collectors that free it, all at once, over a storage in memory."""

    def __init__(self, database: Database) -> None:
        self.claims, self.links = Claims(database), Links(database)
        self.storage: set[Digest] = set()
        self.lost: list[str] = []
        self.freed: list[Digest] = []
        self.limit = time.monotonic() + 10

    def is_over(self) -> bool:
        return len(self.freed) >= 4 or time.monotonic() > self.limit

    def push(self, name: str) -> None:
        for turn in itertools.takewhile(lambda _: not self.is_over(), itertools.count()):
            try:
                self.claims.claim(BLOB, 4, f"{name}-{turn}", NOW)
            except Conflict:
                continue
            self.storage.add(BLOB)
            if not self.links.link(name, BLOB, Link(4, NOW), claim=f"{name}-{turn}") or BLOB not in self.storage:
                self.lost.append(name)
            self.links.unlink(name, BLOB)

    def collect(self, moment: int) -> None:
        while not self.is_over():
            moment += 10
            for digest in self.claims.doom([BLOB], moment):
                self.storage.discard(digest)
                self.freed.append(digest)
                self.claims.forget([digest], moment)


def test_pushes_and_collectors_that_meet_lose_no_blob(database: Database) -> None:
    meeting = Meeting(database)
    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(meeting.push, f"app{number}") for number in range(3)]
        jobs += [pool.submit(meeting.collect, NOW + number) for number in range(2)]
        for job in jobs:
            job.result()
    assert not meeting.lost
    assert meeting.freed, "the collectors never met anything to free"
