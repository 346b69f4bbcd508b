"""Records on both databases, and repositories in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.records.place import DatabaseConfig
from support.repositories import Repositories

DIALECTS = ["sqlite", "postgresql"]


@pytest.fixture(params=DIALECTS)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    """An open hub, on one database and on the other."""
    config = Config()
    if request.param == "postgresql":
        config = Config(database=DatabaseConfig(url=str(request.getfixturevalue("postgres_url"))))
    app = create_app(tmp_path / "hub", config=config)
    yield app
    app.close()


@pytest.fixture
def add(app: App) -> Callable[..., int]:
    return Repositories(app.hub.database).add
