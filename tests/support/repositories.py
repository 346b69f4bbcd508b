"""Repositories in a hub's records, as pushes and people make them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from capas.hub.records.database import Database
from capas.hub.records.postings import index_repository
from capas.hub.records.repositories import make_repository
from capas.hub.records.tables.images import manifests, repositories
from capas.hub.records.words import Named


class Repositories:
    """Writes them down, without bytes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, *, platform: str = "", **fields: Any) -> int:
        """A repository, made or changed; its number. `fields` are columns."""

        def add(db: Connection) -> int:
            number = make_repository(self._database, db, name, 1)
            if fields:
                db.execute(repositories.update().where(repositories.c.id == number).values(**fields))
            index_repository(
                self._database, db, number, Named(name, fields.get("description", ""), fields.get("readme", ""))
            )
            if platform:
                row = {
                    "digest": platform,
                    "media_type": "",
                    "artifact_type": "",
                    "annotations": b"",
                    "pushed_ns": 0,
                    "data": b"",
                }
                db.execute(manifests.insert().values(repository=number, platform=platform, **row))
            return number

        return self._database.write(add)
