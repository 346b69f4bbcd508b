"""Stars: what people mark repositories with. Starring twice is starring once; the count is exact whoever stars."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, exists, select

from capas.hub.records.database import Database
from capas.hub.records.tables.finding import stars, stars_by_day
from capas.hub.records.tables.images import repositories
from capas.hub.spans import DAY_NS


class Stars(NamedTuple):
    """How many stars a repository has, and whether the asker's is one of them."""

    total: int
    is_mine: bool


def star(database: Database, user: int, repository: int, now_ns: int) -> Stars:
    """The person's star is there."""

    def put(db: Connection) -> Stars:
        new = database.insert(stars).values(repository=repository, user=user, starred_ns=now_ns)
        added = len(db.execute(new.on_conflict_do_nothing().returning(stars.c.user)).all())
        return Stars(_change(database, db, repository, (added, now_ns)), True)

    return database.write(put)


def unstar(database: Database, user: int, repository: int, now_ns: int) -> Stars:
    """The person's star is not there."""

    def drop(db: Connection) -> Stars:
        mine = stars.delete().where(stars.c.repository == repository, stars.c.user == user)
        return Stars(_change(database, db, repository, (-db.execute(mine).rowcount, now_ns)), False)

    return database.write(drop)


def unstar_all(database: Database, db: Connection, user: int, now_ns: int) -> None:
    """Take back all stars of a person who goes. Part of the caller's transaction."""
    mine = select(stars.c.repository).where(stars.c.user == user).order_by(stars.c.repository)
    for repository in list(db.execute(mine).scalars()):
        db.execute(stars.delete().where(stars.c.repository == repository, stars.c.user == user))
        _change(database, db, repository, (-1, now_ns))


def read_stars(db: Connection, user: int | None, repository: int) -> Stars:
    """The stars of a repository."""
    count = db.execute(select(repositories.c.stars).where(repositories.c.id == repository)).scalar() or 0
    mine = exists().where(stars.c.repository == repository, stars.c.user == user)
    return Stars(count, bool(db.execute(select(mine)).scalar()))


def _change(database: Database, db: Connection, repository: int, change: tuple[int, int]) -> int:
    """Add to the count, and note it for the day; whoever comes at the same time waits for the row."""
    by, now_ns = change
    here = repositories.c.id == repository
    if not by:
        return read_stars(db, None, repository).total
    added = repositories.update().where(here).values(stars=repositories.c.stars + by)
    count: int = db.execute(added.returning(repositories.c.stars)).scalar_one()
    row = database.insert(stars_by_day).values(repository=repository, day=now_ns // DAY_NS, count=count)
    today = row.on_conflict_do_update(index_elements=["repository", "day"], set_={"count": row.excluded.count})
    db.execute(today)
    return count
