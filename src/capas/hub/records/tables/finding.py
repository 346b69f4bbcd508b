"""What helps to find images: words of repositories, stars, and pulls by day."""

from __future__ import annotations

from sqlalchemy import Index, Table

from capas.hub.records.tables.base import metadata, text, to, whole

# which words a repository has, and the best place that has them (records/words.py)
postings = Table(
    "postings",
    metadata,
    whole("place", primary_key=True),
    text("word", primary_key=True),
    to("repositories.id", "repository", primary_key=True),
    Index("ix_postings_repository", "repository", "word", "place"),
    sqlite_with_rowid=False,
)

# words of names, by themselves and with any one letter left out: where a mistyped word meets the right one
spellings = Table(
    "spellings",
    metadata,
    text("spelling", primary_key=True),
    text("word", primary_key=True, index=True),
    sqlite_with_rowid=False,
)

stars = Table(
    "stars",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    to("users.id", "user", primary_key=True, index=True),
    whole("starred_ns"),
)

# how many stars a repository had at the end of a day; `day` counts days since 1970
stars_by_day = Table(
    "stars_by_day",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    whole("day", primary_key=True),
    whole("count"),
    sqlite_with_rowid=False,
)

# `digest`: of a manifest, or empty for the repository as a whole, where an index and its child are one pull
pulls = Table(
    "pulls",
    metadata,
    to("repositories.id", "repository", primary_key=True),
    text("digest", primary_key=True),
    whole("day", primary_key=True),
    whole("count"),
    sqlite_with_rowid=False,
)
