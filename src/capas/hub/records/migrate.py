"""Bringing records to the schema of today, once, however many processes start at the same time.

Alembic takes the steps (`migrations/`). It is loaded only where there is a step to take: a hub that is up to date
asks one question.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from capas.errors import Corrupt
from capas.hub.records.adopt import adopt, is_version_1

HEAD = "0001"  # the newest step; a test holds it to what is there
_STEPS = Path(__file__).with_name("migrations")
_LOCK = 0x6361_7061_73  # "capas": the number that PostgreSQL's advisory lock is known by


def is_current(db: Connection) -> bool:
    """Whether there is nothing to do."""
    return _revision(db) == HEAD


def migrate(db: Connection) -> None:
    """Take the steps that are missing, in the transaction of `db`: all of them or none.

    On SQLite the transaction has to hold the write lock already. Raises: Corrupt for records of a newer Capas.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if is_current(db):
        return
    if is_version_1(db):
        adopt(db, lambda: _upgrade(db))
    else:
        _upgrade(db)


def _revision(db: Connection) -> str | None:
    if not inspect(db).has_table("alembic_version"):
        return None
    found: str | None = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(db: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(_STEPS))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Corrupt(
            "the hub's records were written by a newer Capas ({why})",
            why=str(error),
            hint="upgrade Capas on this machine",
        ) from None
