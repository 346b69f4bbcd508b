"""A database elsewhere, or a slow store, holds up who asks it, and nobody else."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.records.place import DatabaseConfig
from support.hub import running_hub
from support.hub_client import HubClient, digest_of

EMPTY = digest_of(b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/app/tags/list"),
        ("GET", "/v2/_catalog"),
        ("GET", f"/v2/app/referrers/{EMPTY}"),
        ("GET", "/v2/app/manifests/v1"),
        ("HEAD", f"/v2/app/blobs/{EMPTY}"),
        ("POST", f"/v2/app/blobs/uploads/?mount={EMPTY}"),
        ("POST", f"/v2/app/blobs/uploads/?mount={EMPTY}&from=other"),
        ("PUT", f"/v2/app/blobs/uploads/1?digest={EMPTY}"),
        ("DELETE", "/v2/app/manifests/v1"),
    ],
)
def test_a_slow_database_holds_up_nobody_else(
    method: str, path: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(tmp_path, config=Config(database=DatabaseConfig(postgres_url)))
    database, asked = app.hub.database, threading.Event()
    hold = threading.Event()
    read, write = database.read, database.write

    def slow(door: Any) -> Any:
        def wait(*args: Any, **options: Any) -> Any:
            if threading.current_thread().name.startswith("hub"):
                assert threading.current_thread().name != "hub"  # the loop's own thread
                asked.set()
                hold.wait(20)
            return door(*args, **options)

        return wait

    with running_hub(tmp_path, app=app) as address:
        HubClient(address).send("GET", "/v2/")
        monkeypatch.setattr(database, "read", slow(read))
        monkeypatch.setattr(database, "write", slow(write))
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.append(HubClient(address).send(method, path).status))
        asking.start()
        assert asked.wait(20)
        began = time.monotonic()
        assert HubClient(address).send("GET", "/healthz").status == 200
        assert time.monotonic() - began < 5
        hold.set()
        asking.join()
        assert statuses[0] < 500, "the event loop asked the database itself"
