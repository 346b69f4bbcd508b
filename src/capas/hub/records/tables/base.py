"""What all tables share: one metadata, and columns that SQLite and PostgreSQL read alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Text
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows only where the key is an INTEGER; everywhere else 64 bits have to be asked for
Key: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")

# by its bytes, whatever the database's language: what sorts by name is paged through, and both databases agree
Words: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")


def key() -> Column[int]:
    """The number of a row."""
    return Column("id", Key, primary_key=True)


def to(target: str, name: str, **options: Any) -> Column[int]:
    """A column that names a row of another table, and goes with it. `target`: `table.column`."""
    options.setdefault("nullable", False)
    return Column(name, Key, ForeignKey(target, ondelete="CASCADE"), **options)


def text(name: str, **options: Any) -> Column[str]:
    """Text that is there, if empty."""
    options.setdefault("nullable", False)
    return Column(name, Words, **options)


def whole(name: str, **options: Any) -> Column[int]:
    """A whole number of 64 bits: bytes (`…_bytes`), nanoseconds since 1970 (`…_ns`), or a count."""
    options.setdefault("nullable", False)
    return Column(name, BigInteger, **options)
