"""Counters that writes move on, so that what is kept in memory knows when it is old; and whose turn it is."""

from __future__ import annotations

from sqlalchemy import Table

from capas.hub.records.tables.base import metadata, text, whole

changes = Table("changes", metadata, text("name", primary_key=True), whole("count"))

# what one process of all does once in a while: when it may be done again
turns = Table("turns", metadata, text("name", primary_key=True), whole("next_ns"))
