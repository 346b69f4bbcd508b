"""One hub for a file of tests, a fresh repository for each test."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.config import Config
from capas.hub.records.place import DatabaseConfig
from support.hub import running_hub
from support.hub_client import HubClient
from support.town import Town, build_town


@pytest.fixture(scope="module", params=["embedded", "shared"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Once with SQLite and a directory, once with PostgreSQL and an object store."""
    config, url = Config(), ""
    if request.param == "shared":
        postgres, seaweed = request.getfixturevalue("postgres"), request.getfixturevalue("seaweed")
        url = postgres.make()
        config = Config(database=DatabaseConfig(url), storage=seaweed.make(redirect=False))
    with running_hub(tmp_path_factory.mktemp("hub"), config=config) as found:
        yield found
    if url:
        postgres.drop(url)


@pytest.fixture
def hub(address: str, request: pytest.FixtureRequest) -> Iterator[HubClient]:
    client = HubClient(address, "of/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-"))
    yield client
    client.close()


@pytest.fixture(scope="session")
def town_plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town as it was built, never opened again."""
    root = tmp_path_factory.mktemp("town")
    build_town(root)
    return root


@pytest.fixture
def town(town_plan: Path, tmp_path: Path) -> Iterator[Town]:
    """A town of one's own."""
    root = tmp_path / "town"
    shutil.copytree(town_plan, root)
    found = Town(root)
    yield found
    found.close()
