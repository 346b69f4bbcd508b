"""Fresh records for a test, and somebody who changes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.records.database import Database


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_url" in metafunc.fixturenames and getattr(metafunc.module, "IN_BOTH_DATABASES", False):
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite's; PostgreSQL's too where a module says so: `IN_BOTH_DATABASES = True`."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'records.sqlite'}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()
