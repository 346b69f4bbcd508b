"""Writes that come together share a transaction, and none suffers for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from capas.errors import Invalid
from capas.hub.records.database import Database
from capas.hub.records.repositories import find_repository, make_repository
from capas.hub.records.together import Together

PATIENCE = 60


def test_what_comes_while_one_is_under_way_is_done_in_one_go() -> None:
    batches: list[list[int]] = []
    under_way, go_on = threading.Event(), threading.Event()

    def double(works: Sequence[int]) -> list[int]:
        batches.append(list(works))
        under_way.set()
        assert go_on.wait(PATIENCE)
        return [2 * work for work in works]

    together = Together(double)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(together.write, 1)
        assert under_way.wait(PATIENCE)
        others = [pool.submit(together.write, number) for number in (2, 3, 4)]
        while len(together._waiting) < 3:
            threading.Event().wait(0.001)
        go_on.set()
        assert [one.result(PATIENCE) for one in (first, *others)] == [2, 4, 6, 8]
    assert batches[0] == [1]
    assert sorted(batches[1]) == [2, 3, 4]


def test_one_that_fails_takes_no_other_along(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    under_way, go_on = threading.Event(), threading.Event()

    def make(name: str) -> Callable[[Connection], int]:
        return lambda db: make_repository(database, db, name, 1)

    def hold(db: Connection) -> None:
        under_way.set()
        assert go_on.wait(PATIENCE)

    def fail(db: Connection) -> None:
        make("failed")(db)
        raise Invalid("no")

    with ThreadPoolExecutor(4) as pool:
        holding = pool.submit(database.write, hold)
        assert under_way.wait(PATIENCE)
        waiting = [pool.submit(database.write, work) for work in (make("before"), fail, make("after"))]
        while len(database._together._waiting) < 3:
            threading.Event().wait(0.001)
        go_on.set()
        holding.result(PATIENCE)
        with pytest.raises(Invalid):
            waiting[1].result(PATIENCE)
        assert waiting[0].result(PATIENCE)
        assert waiting[2].result(PATIENCE)
    found = database.read(lambda db: [find_repository(db, name) is not None for name in ("before", "failed", "after")])
    database.close()
    assert found == [True, False, True]


def test_a_batch_that_breaks_down_is_told_to_all_of_it_and_the_next_one_is_done() -> None:
    def break_down(works: Sequence[str]) -> list[str]:
        if "bad" in works:
            raise KeyboardInterrupt
        return list(works)

    together = Together(break_down)
    with pytest.raises(KeyboardInterrupt):
        together.write("bad")
    assert together.write("good") == "good"
