"""A repository at one look: what it says of itself, its counts and platforms."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, select

from capas.errors import NotFound
from capas.hub.finding.suggest import suggest
from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.records.tables.finding import stars
from capas.hub.records.tables.images import manifests, repositories, tags

_R = repositories.c


class Overview(NamedTuple):
    """`number` is the records'. Times are ns since 1970; `pulled_ns` is 0 where it never was."""

    number: int
    name: str
    description: str
    readme: str
    is_public: bool
    is_official: bool
    stars: int
    pulls: int
    created_ns: int
    updated_ns: int
    pulled_ns: int
    is_starred: bool
    tags: int
    platforms: tuple[str, ...]


def find_overview(hub: Hub, identity: Identity, name: str) -> Overview | None:
    """None where there is none, or the asker may not know of it."""
    return hub.database.read(lambda db: _find(db, identity, name)) if hub.authorise(identity, name, "pull") else None


def get_overview(hub: Hub, identity: Identity, name: str) -> Overview:
    """Raises: NotFound, with names that may have been meant as its hint."""
    found = find_overview(hub, identity, name)
    if found is None:
        near = suggest(hub, identity, name[:300], 3)
        raise NotFound(
            "there is no repository {repository} here",
            repository=name[:255],
            meant=", ".join(near),
            hint="did you mean {meant}?" if near else "",
        )
    return found


def _find(db: Connection, identity: Identity, name: str) -> Overview | None:
    starred = exists().where(stars.c.repository == _R.id, stars.c.user == identity.user)
    tagged = select(func.count()).select_from(tags).where(tags.c.repository == _R.id).scalar_subquery()
    shown = select(
        _R.id, _R.name, _R.description, _R.readme, _R.is_public, _R.is_official, _R.stars, _R.pulls, _R.created_ns,
        _R.updated_ns, _R.pulled_ns, starred, tagged,
    )  # fmt: skip
    row = db.execute(shown.where(_R.name == name)).one_or_none()
    if row is None:
        return None
    c = manifests.c
    platforms = select(c.platform).where(c.repository == row.id, c.platform != "").distinct().order_by(c.platform)
    facts: list[Any] = [*row, tuple(db.execute(platforms).scalars())]
    return Overview(*facts)
