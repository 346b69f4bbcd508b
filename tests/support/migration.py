"""The first migration, made from the metadata: `.venv/bin/python tests/support/migration.py` after a table changed."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import create_mock_engine

STEPS = Path(__file__).parents[2] / "src/capas/hub/records/migrations/versions"
DRIVERS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def schema(dialect: str) -> str:
    """Every statement that makes the tables of today."""
    from capas.hub.records.tables.all import metadata

    found: list[str] = []

    def note(statement: Any, *_facts: Any, **_options: Any) -> None:
        text = str(statement.compile(dialect=engine.dialect)).strip()
        found.append("\n".join(line.rstrip() for line in text.replace("\t", "    ").splitlines()))

    engine = create_mock_engine(DRIVERS[dialect], note)
    for table in metadata.sorted_tables:
        table.create(engine, checkfirst=False)
    runs = itertools.groupby(found, lambda text: "INDEX" in text.split("(")[0])
    ordered = [text for is_index, run in runs for text in (sorted(run) if is_index else run)]  # a set gives them
    return ";\n\n".join(ordered) + "\n"


def step_of(dialect: str) -> Path:
    return STEPS / f"0001.{dialect}.sql"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
    for one in DRIVERS:
        step_of(one).write_text(schema(one))
