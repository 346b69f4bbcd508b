"""What a keeper sees of a running hub: counters, health, logs; and that its end loses nothing."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.records.database import Database
from capas.hub.records.place import DatabaseConfig
from capas.hub.records.tables.images import repositories
from capas.hub.records.turns import take_turn
from capas.hub.watch.board import BOUNDS, Board, Done
from capas.hub.watch.exposition import expose
from capas.hub.watch.place import WatchConfig
from support.asgi import Direct
from support.hub import running_hub
from support.hub_client import HubClient, digest_of
from support.hub_process import OPEN, serving
from support.postgres import Postgres

SECOND = 10**9


def value_of(text: str, metric: str) -> float:
    """The value of one line, by its name and labels."""
    found = re.search(rf"^{re.escape(metric)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0


def test_requests_are_counted_by_route_method_and_status(tmp_path: Path) -> None:
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        pushed = hub.push_image("v1")
        for _ in range(3):
            hub.send("GET", "manifests/v1")
        hub.send("HEAD", f"blobs/{digest_of(b'nothing')}")
        text = hub.send("GET", "/metrics").data.decode()
        hub.close()
    requests = "capas_hub_requests_total"
    assert value_of(text, requests + '{route="manifest",method="GET",status="200"}') == 3
    assert value_of(text, requests + '{route="manifest",method="PUT",status="201"}') == 1
    assert value_of(text, requests + '{route="blob",method="HEAD",status="404"}') == 1
    assert value_of(text, 'capas_hub_request_seconds_count{route="manifest",method="GET"}') == 3
    assert value_of(text, 'capas_hub_request_seconds_bucket{route="manifest",method="GET",le="+Inf"}') == 3
    assert value_of(text, "capas_hub_sent_bytes_total") >= 3 * len(pushed.data)
    assert value_of(text, "capas_hub_received_bytes_total") >= len(pushed.data)
    assert value_of(text, "capas_hub_requests_under_way") == 1, "this one"
    assert [value_of(text, f"capas_hub_{name}") for name in ("repositories", "manifests", "tags", "blobs")] == [
        1, 1, 1, 2,
    ]  # fmt: skip


def test_every_line_is_one_that_prometheus_reads(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.count(Done("blob", "GET", 206, 0.003, 0, 10))
    board.count(Done("pages", "TRACE", 299, 99.0, 0, 0))
    for line in expose(board.total(), {"blobs": 7}).decode().splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? \d+(\.\d+)?(e-?\d+)?', line), line
    board.close()


def test_processes_add_their_counters_up(tmp_path: Path) -> None:
    board, other = Board(tmp_path), Board(tmp_path)
    board.count(Done("blob", "GET", 200, BOUNDS[0], 0, 100))
    (tmp_path / "999999999.board").write_bytes(next(tmp_path.glob("*.board")).read_bytes())  # one that has died
    other.close()
    total = board.total()
    assert list(total.requests()) == [("blob", "GET", 200, 2)]
    assert total.single("sent_bytes") == 200
    board.close()


def test_what_a_dead_process_had_under_way_is_no_more(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.add("under_way", 1)
    (tmp_path / "999999999.board").write_bytes(next(tmp_path.glob("*.board")).read_bytes())
    assert board.total().single("under_way") == 1
    board.close()


def test_the_counters_of_all_workers_are_one_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "hub", "--workers", "2") as process:
        for _ in range(20):  # a connection each: both workers get some
            hub = HubClient(process.address, "app")
            hub.send("GET", "/v2/")
            hub.close()
        hub = HubClient(process.address, "app")
        text = hub.send("GET", "/metrics").data.decode()
        hub.close()
    pings = re.findall(r'requests_total\{route="ping",method="GET",status="\d+"\} (\d+)', text)
    assert sum(map(int, pings)) == 20


def test_the_counters_are_for_whoever_shows_the_token(tmp_path: Path) -> None:
    client = Direct(create_app(tmp_path, config=Config(watch=WatchConfig(token="swordfish"))))
    assert client.send("GET", "/metrics").status == 404
    assert client.send("GET", "/metrics", headers={"authorization": "Bearer cod"}).status == 404
    assert client.send("GET", "/metrics", headers={"authorization": "Bearer swordfish"}).status == 200
    client.close()


def test_a_hub_that_works_is_healthy_and_ready(tmp_path: Path) -> None:
    client = Direct(create_app(tmp_path))
    assert client.send("GET", "/healthz").status == 200
    ready = client.send("GET", "/readyz")
    assert (ready.status, json.loads(ready.data)["status"]) == (200, "ok")
    client.close()


def test_a_hub_without_its_records_is_alive_and_not_ready(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.make()
    client = Direct(create_app(tmp_path, config=Config(database=DatabaseConfig(url=url))))
    assert client.send("GET", "/readyz").status == 200
    postgres.drop(url)
    ready = client.send("GET", "/readyz")
    assert (ready.status, json.loads(ready.data)) == (
        503,
        {"status": "unavailable", "records": "failed", "storage": "ok"},
    )
    assert client.send("GET", "/healthz").status == 200
    client.close()


def test_json_logs_tell_every_request_and_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path / "hub", "--log-format", "json") as process:
        hub = HubClient(process.address, "app")
        headers = {"authorization": "Basic YW5hOnN3b3JkZmlzaA==", "x-request-id": "from-the-proxy"}
        named = hub.send("GET", "/v2/?account=swordfish", headers=headers)
        other = hub.send("GET", "/v2/")
        hub.close()
        assert process.stop() == 0
        lines = [json.loads(line) for line in process.said if line.startswith("{")]
    assert named.headers["x-request-id"] == "from-the-proxy"
    told = {line["request_id"]: line for line in lines if "status" in line}
    assert told["from-the-proxy"]["path"] == "/v2/"
    line = told[other.headers["x-request-id"]]
    assert (line["method"], line["status"], line["address"]) == ("GET", other.status, "127.0.0.1")
    assert {"time", "level", "seconds", "received", "sent", "actor"} <= set(line)
    assert "swordfish" not in json.dumps(lines)
    assert "YW5h" not in json.dumps(lines)


def test_a_request_id_that_is_none_is_not_taken_over(tmp_path: Path) -> None:
    with serving(tmp_path / "hub", "--log-format", "json") as process:
        hub = HubClient(process.address)
        answer = hub.send("GET", "/v2/", headers={"x-request-id": 'a"b' + "c" * 100})
        hub.close()
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_an_end_writes_what_was_counted(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    with serving(root, *OPEN) as process:
        hub = HubClient(process.address, "app")
        hub.push_image("v1")
        for _ in range(5):
            hub.send("GET", "manifests/v1")
        hub.close()
        assert process.stop() == 0
    database = Database(f"sqlite:///{root / 'records.sqlite'}")
    assert database.read(lambda db: db.execute(repositories.select()).one()).pulls == 5
    database.close()


def test_a_running_hub_collects_by_itself(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    root.mkdir()
    (root / "hub.toml").write_text("[collect]\nevery_seconds = 1\ngrace_seconds = 0\n")
    with serving(root, *OPEN) as process:
        hub = HubClient(process.address, "app")
        kept, gone = hub.push_image("v1", seed=b"kept"), hub.push_image("v2", seed=b"gone")
        hub.send("DELETE", f"manifests/{gone.digest}")
        blobs = root / "blobs" / "sha256"
        limit = time.monotonic() + 20
        while len(list(blobs.iterdir())) > 2:
            assert time.monotonic() < limit, "nothing was collected"
            time.sleep(0.05)
        assert hub.send("GET", f"manifests/{kept.digest}").status == 200
        limit = time.monotonic() + 5
        while value_of(hub.send("GET", "/metrics").data.decode(), "capas_hub_collected_blobs_total") < 2:
            assert time.monotonic() < limit
            time.sleep(0.05)
        hub.close()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_of_many_who_would_one_has_the_turn(tmp_path: Path, request: pytest.FixtureRequest, backend: str) -> None:
    url = f"sqlite:///{tmp_path}/records.sqlite"
    if backend == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    database = Database(url)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take_turn(database, "collect", 5 * SECOND, 10 * SECOND), range(16)))
    assert sum(taken) == 1
    assert not take_turn(database, "collect", 14 * SECOND, 10 * SECOND)
    assert take_turn(database, "collect", 15 * SECOND, 10 * SECOND)
    database.close()
