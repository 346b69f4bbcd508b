"""What helps to find images: stars, and pulls by day."""

from __future__ import annotations

from sqlalchemy import Table

from capas.hub.records.tables.base import metadata, text, to, whole

stars = Table(
    "stars",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    to("users.id", "user", primary_key=True, index=True),
    whole("starred_ns"),
)

# `day` counts days since 1970
pulls = Table(
    "pulls",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    text("digest", primary_key=True),
    whole("day", primary_key=True),
    whole("count"),
)
