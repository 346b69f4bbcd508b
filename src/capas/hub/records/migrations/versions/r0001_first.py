"""The tables of the first release, as text: `0001.sqlite.sql` and `0001.postgresql.sql`.

Made from the metadata by `tests/support/migration.py`, as long as there is no release; later ones are steps by hand.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them all."""
    bind = op.get_bind()
    script = Path(__file__).with_name(f"{revision}.{bind.dialect.name}.sql")
    for statement in script.read_text("utf-8").split(";\n\n"):
        bind.exec_driver_sql(statement)
