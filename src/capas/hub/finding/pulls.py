"""Pulls: counted in memory as they happen, and written every few seconds, so that no pull waits for its count.

A manifest that was sent counts for that manifest. For the repository, what an index lists and is asked for by digest
belongs to the pull of that index, as Docker Hub counts; a HEAD is no pull. A process that is killed loses the counts
of its last seconds.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, select

from capas.errors import CapasError
from capas.hub.events import Happened
from capas.hub.records.database import Database
from capas.hub.records.tables.finding import pulls
from capas.hub.records.tables.images import children, manifests, repositories, tags
from capas.hub.spans import DAY_NS

_EVERY_SECONDS = 5.0
_BATCH = 500  # kinds of pulls in one transaction: pushes wait for no more


class Pull(NamedTuple):
    """What was pulled. `tag` is empty where it was asked for by digest."""

    repository: str
    tag: str
    digest: str


class PullCounter:
    """A listener of the hub's events that gathers pulls and writes their counts."""

    def __init__(self, database: Database, *, every_seconds: float = _EVERY_SECONDS) -> None:
        self._database = database
        self._every = every_seconds
        self._lock = threading.Lock()
        self._counts: Counter[Pull] = Counter()
        self._last_ns = 0
        self._some, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulls", daemon=True)
        self._thread.start()

    def listen(self, events: Sequence[Happened]) -> None:
        """Count the pulls among the events."""
        seen = [event for event in events if event.kind == "pull"]
        if seen:
            with self._lock:
                self._counts.update(Pull(one.repository, one.reference, one.digest) for one in seen)
                self._last_ns = max(self._last_ns, *(one.at_ns for one in seen))
            self._some.set()

    def close(self) -> None:
        """Write what is gathered, and end."""
        self._ended.set()
        self._some.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._some.wait()
            self._ended.wait(self._every)
            self._some.clear()
            self._write()

    def _write(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            count_pulls(self._database, counts, self._last_ns)
        except CapasError as error:
            logging.getLogger("capas.hub").warning("pulls are not counted: %s", error)


def count_pulls(database: Database, counts: Mapping[Pull, int], now_ns: int) -> None:
    """Add these numbers of pulls, as of now. Repositories and tags that are gone meanwhile are passed over."""
    ordered = sorted(counts)  # everybody takes rows in the same order
    for start in range(0, len(ordered), _BATCH):
        batch = {pull: counts[pull] for pull in ordered[start : start + _BATCH]}
        database.write(lambda db, batch=batch: _count(database, db, batch, now_ns), durable=False)  # type: ignore[misc]


def _count(database: Database, db: Connection, counts: Mapping[Pull, int], now_ns: int) -> None:
    numbers = _numbers(db, {pull.repository for pull in counts})
    known = {pull: count for pull, count in counts.items() if pull.repository in numbers}
    listed = _listed(db, numbers.values(), {pull.digest for pull in known})
    by_day: Counter[tuple[int, str]] = Counter()
    whole: Counter[int] = Counter()
    for pull, count in known.items():
        number = numbers[pull.repository]
        by_day[number, pull.digest] += count
        if pull.tag or (number, pull.digest) not in listed:
            by_day[number, ""] += count
            whole[number] += count
    _add_days(database, db, by_day, now_ns // DAY_NS)
    _add_whole(db, whole, now_ns)
    _mark_tags(db, {(numbers[pull.repository], pull) for pull in known}, now_ns)


def _numbers(db: Connection, names: Collection[str]) -> dict[str, int]:
    c = repositories.c
    return {row.name: row.id for row in db.execute(select(c.name, c.id).where(c.name.in_(names)))}


def _listed(db: Connection, numbers: Collection[int], digests: Collection[str]) -> set[tuple[int, str]]:
    """Which of the manifests an index of the same repository lists."""
    c = manifests.c
    found = select(c.repository, children.c.digest).join(children, children.c.manifest == c.id)
    wanted = found.where(children.c.digest.in_(digests), c.repository.in_(numbers))
    return {(row.repository, row.digest) for row in db.execute(wanted)}


def _add_days(database: Database, db: Connection, counts: Mapping[tuple[int, str], int], day: int) -> None:
    rows = [{"repository": number, "digest": digest, "day": day, "count": count}
            for (number, digest), count in sorted(counts.items())]  # fmt: skip
    if rows:
        row = database.insert(pulls)
        more = {"count": pulls.c.count + row.excluded.count}
        db.execute(row.on_conflict_do_update(index_elements=["repository", "digest", "day"], set_=more), rows)


def _add_whole(db: Connection, counts: Mapping[int, int], now_ns: int) -> None:
    c = repositories.c
    later = case((c.pulled_ns < now_ns, now_ns), else_=c.pulled_ns)
    added = repositories.update().where(c.id == bindparam("number"))
    rows = [{"number": number, "more": count} for number, count in sorted(counts.items())]
    if rows:
        db.execute(added.values(pulls=c.pulls + bindparam("more"), pulled_ns=later), rows)


def _mark_tags(db: Connection, pulled: Collection[tuple[int, Pull]], now_ns: int) -> None:
    """A tag was pulled by its name, or (as containerd does, after a HEAD of the tag) by what it points at."""
    here = (tags.c.repository == bindparam("number"), tags.c.pulled_ns < now_ns)
    named = [{"number": number, "tag": pull.tag} for number, pull in sorted(pulled) if pull.tag]
    if named:
        db.execute(tags.update().where(*here, tags.c.name == bindparam("tag")).values(pulled_ns=now_ns), named)
    plain = [{"number": number, "pulled": pull.digest} for number, pull in sorted(pulled) if not pull.tag]
    if plain:
        db.execute(tags.update().where(*here, tags.c.digest == bindparam("pulled")).values(pulled_ns=now_ns), plain)
