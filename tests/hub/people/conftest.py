"""Fresh records for a test, and somebody who changes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.records.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    yield found
    found.close()
