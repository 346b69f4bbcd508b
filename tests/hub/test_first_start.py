"""`capas hub serve` as it is started: with accounts, with none, and the link that makes the first administrator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from capas.hub.people.accounts import NewUser, create_user
from capas.hub.records.database import Database
from support.people import KEEPER

SOURCE = Path(__file__).parents[2] / "src"


@contextmanager
def serving(root: Path, *flags: str) -> Iterator[list[str]]:
    """What the hub says when it has started, line by line."""
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "LC_ALL": "C"}
    command = [sys.executable, "-m", "capas", "hub", "serve", "--root", str(root), "--port", "0", *flags]
    lines = 1 if "--open" in flags else 2
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        try:
            yield [process.stderr.readline() for _ in range(lines)]
        finally:
            process.terminate()


def link_in(line: str) -> str:
    found = re.search(r"This link makes one, once: (http://127\.0\.0\.1:\d+/link/[0-9a-f]{64})", line)
    assert found is not None, line
    return found[1]


def status(link: str) -> int:
    return urllib3.request("GET", link, retries=False).status


def test_the_first_start_prints_a_link_and_the_next_one_another(tmp_path: Path) -> None:
    with serving(tmp_path) as said:
        first = link_in(said[1])
        assert status(first) == 200
        assert status(first.rpartition("/link/")[0] + "/v2/") == 401
    with serving(tmp_path) as said:
        second = link_in(said[1])
        assert status(second) == 200
        assert status(second.rpartition("/")[0] + "/" + first.rpartition("/")[2]) == 404


def test_no_link_is_printed_where_there_is_an_administrator(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    create_user(database, NewUser("keeper", is_admin=True), KEEPER)
    database.close()
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "LC_ALL": "C"}
    command = [sys.executable, "-m", "capas", "hub", "serve", "--root", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        address = re.search(r"http://[0-9.:]+", process.stderr.readline())
        assert address is not None
        assert status(f"{address[0]}/v2/") == 401
        process.terminate()
        assert "link" not in process.stderr.read()


def test_an_open_hub_asks_for_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--open") as said:
        address = re.search(r"http://[0-9.:]+", said[0])
        assert address is not None
        assert status(f"{address[0]}/v2/") == 200


def test_an_open_hub_that_others_reach_warns(tmp_path: Path) -> None:
    with serving(tmp_path, "--open", "--host", "0.0.0.0") as said:
        assert "Whoever reaches 0.0.0.0 may do everything with this hub" in said[0]
