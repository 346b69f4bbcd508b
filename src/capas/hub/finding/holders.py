"""The way back: which tags, of all repositories that the asker may know of, lead to a digest."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select, union

from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.records.tables.images import children, manifests, repositories, tags

MOST = 100
_CHILD = manifests.alias("child")


class Holder(NamedTuple):
    """A tag that leads to it. `is_exact`: it points at the very digest, not at an index or manifest around it."""

    repository: str
    tag: str
    digest: str
    is_exact: bool


def find_holders(hub: Hub, identity: Identity, digests: Collection[str], limit: int = MOST) -> list[Holder]:
    """The tags that lead to one of these digests, of a manifest, index or config; official repositories first."""
    allowed = hub.rights.readable(identity)
    return hub.database.read(lambda db: _find(db, allowed, digests, min(limit, MOST)))


def _find(db: Connection, allowed: ColumnElement[bool], digests: Collection[str], limit: int) -> list[Holder]:
    c = manifests.c
    own = select(c.repository, c.digest).where(or_(c.digest.in_(digests), c.image.in_(digests)))
    listed = select(c.repository, c.digest).join(children, children.c.manifest == c.id)
    by_digest = listed.where(children.c.digest.in_(digests))
    of_child = and_(_CHILD.c.repository == c.repository, _CHILD.c.digest == children.c.digest)
    by_image = listed.join(_CHILD, of_child).where(_CHILD.c.image.in_(digests))
    leading = union(own, by_digest, by_image).subquery()
    tagged = and_(tags.c.repository == leading.c.repository, tags.c.digest == leading.c.digest)
    found = (
        select(repositories.c.name, tags.c.name, tags.c.digest)
        .select_from(leading)
        .join(tags, tagged)
        .join(repositories, repositories.c.id == tags.c.repository)
        .where(allowed)
        .order_by(repositories.c.is_official.desc(), repositories.c.name, tags.c.name)
    )
    return [Holder(name, tag, digest, digest in digests) for name, tag, digest in db.execute(found.limit(limit))]
