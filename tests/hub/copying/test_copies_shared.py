"""Copies in a hub whose records are in PostgreSQL and whose blobs are in an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.copying.replication.replicate import replicate
from capas.hub.copying.replication.rules import Rule, add_rule
from capas.hub.copying.replication.runs import claim, enqueue, get_run
from capas.hub.copying.upstream import Upstream as Configured
from capas.hub.outside import OutsideConfig
from capas.hub.records.place import DatabaseConfig
from capas.settings import load_settings
from support.hub import running_hub
from support.hub_client import HubClient
from support.upstream import Upstream

BIG = os.urandom(3 << 20)
SETTINGS = load_settings({"HOME": "/nonexistent", "CAPAS_CONFIG": "/nonexistent"})


@pytest.fixture
def app(upstream: Upstream, postgres_url: str, seaweed: Any, tmp_path: Path) -> App:
    config = Config(
        database=DatabaseConfig(postgres_url),
        storage=seaweed.make(redirect=False),
        outside=OutsideConfig(["127.0.0.0/8", "::1/128"]),
        upstreams=(Configured(prefix="up", url=upstream.url),),
    )
    return create_app(tmp_path / "hub", config=config)


@pytest.fixture
def hub(app: App, tmp_path: Path) -> Iterator[HubClient]:
    with running_hub(tmp_path / "hub", app=app) as address:
        client = HubClient(address, "up/team/app")
        yield client
        client.close()


def test_a_blob_is_given_while_it_comes_and_then_from_the_store(upstream: Upstream, hub: HubClient, app: App) -> None:
    image = upstream.add_image("team/app", "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    assert hub.send("GET", "manifests/1.0").data == image.data
    answer = hub.send("GET", f"blobs/{image.layer}", preload_content=False)
    first = answer.read(1 << 19)
    upstream.go.set()
    assert first + answer.read() == BIG
    assert hub.send("GET", f"blobs/{image.layer}").data == BIG
    assert hub.send("GET", f"blobs/{image.layer}", headers={"range": "bytes=5-9"}).data == BIG[5:10]
    assert len(upstream.seen("GET", image.layer)) == 1


def test_other_bytes_do_not_get_into_the_store(upstream: Upstream, hub: HubClient, app: App) -> None:
    image = upstream.add_image("team/app", "1.0", layer=BIG)
    upstream.wrong[image.layer] = bytes(len(BIG))
    upstream.held_from = 1 << 20
    answer = hub.send("GET", f"blobs/{image.layer}", preload_content=False)
    assert answer.read(1000)
    upstream.go.set()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        answer.read()
    assert not list(app.hub.blobs.iterate())


def test_an_image_is_sent_from_there_and_brought_there(upstream: Upstream, hub: HubClient, app: App) -> None:
    image = upstream.add_image("team/theirs", "1.0", layer=BIG)
    rule = Rule("bring", "pull", upstream.url, repositories=("team/theirs",))
    number = app.hub.database.write(lambda db: add_rule(db, rule, 1)).number
    run = app.hub.database.write(lambda db: enqueue(db, number, "hand", "", app.hub.now_ns()))
    claimed = app.hub.database.write(lambda db: claim(db, "me", app.hub.now_ns(), number=run))
    assert claimed is not None
    replicate(app.hub, claimed, "me", SETTINGS)
    assert app.hub.database.read(lambda db: get_run(db, run)).copied == 1
    hub.name = "team/theirs"
    assert hub.send("GET", "manifests/1.0").data == image.data
    assert hub.send("GET", f"blobs/{image.layer}").data == BIG
