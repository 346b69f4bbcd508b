"""Tags that are made once, and what that keeps from going: asked inside the transaction of each change.

A tag that a pattern of its repository or namespace matches is neither moved nor deleted, and what it points at stays
whole: the manifest, those that an index lists, their blobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from sqlalchemy import Connection, bindparam, select

from capas.hub.records.tables.images import children, manifests, needs, repositories, tags
from capas.hub.records.tables.keeping import immutable_tags
from capas.hub.records.values import RuledOut

_POINTED = select(tags.c.digest).where(tags.c.repository == bindparam("repository"), tags.c.name == bindparam("tag"))


def list_patterns(db: Connection, repository: int) -> list[str]:
    """The patterns that hold in a repository, its namespace's included."""
    namespace = select(repositories.c.namespace).where(repositories.c.id == repository).scalar_subquery()
    c = immutable_tags.c
    found = select(c.pattern).where((c.repository == repository) | (c.namespace == namespace)).distinct()
    return list(db.execute(found.order_by(c.pattern)).scalars())


def find_pattern(patterns: Iterable[str], tag: str) -> str | None:
    """The first pattern that matches."""
    return next((pattern for pattern in patterns if fnmatchcase(tag, pattern)), None)


def refuse_move(db: Connection, repository: int, tag: str, digest: str, *, may_move: bool = True) -> str | None:
    """What the tag points at, where that is something else; None where it is new or stays.

    Raises: RuledOut for a tag that has to stay where it points, or may not be moved by whoever pushes.
    """
    held: str | None = db.execute(_POINTED, {"repository": repository, "tag": tag}).scalar()
    if held in (None, digest):
        return None
    if not may_move:
        raise RuledOut("you may make tags here, and {tag} is there already", tag=tag, hint="push under a new tag")
    refuse_removal(db, repository, [tag])
    return held


def refuse_removal(db: Connection, repository: int, names: Iterable[str]) -> None:
    """Raises: RuledOut where one of the tags is to stay."""
    _refuse(list_patterns(db, repository), names)


def refuse_forgetting(db: Connection, repository: int, digest: str) -> None:
    """Raises: RuledOut for a manifest that an immutable tag points at, if by way of an index."""
    patterns = list_patterns(db, repository)
    waiting, seen = [digest] if patterns else [], {digest}
    while waiting:
        one = waiting.pop()
        pointing = select(tags.c.name).where(tags.c.repository == repository, tags.c.digest == one)
        _refuse(patterns, db.execute(pointing).scalars().all())
        listing = select(manifests.c.digest).join(children, children.c.manifest == manifests.c.id)
        parents = db.execute(listing.where(manifests.c.repository == repository, children.c.digest == one)).scalars()
        waiting += [parent for parent in parents if parent not in seen]
        seen.update(waiting)


def refuse_unlinking(db: Connection, repository: int, digest: str) -> None:
    """Raises: RuledOut for a blob of a manifest that must not be forgotten."""
    if not list_patterns(db, repository):
        return
    needing = select(manifests.c.digest).join(needs, needs.c.manifest == manifests.c.id)
    here = needing.where(needs.c.repository == repository, needs.c.digest == digest)
    for manifest in db.execute(here).scalars().all():
        refuse_forgetting(db, repository, manifest)


def refuse_emptying(db: Connection, repository: int) -> None:
    """Raises: RuledOut for a repository that has such tags: it cannot be deleted as a whole."""
    named = select(tags.c.name).where(tags.c.repository == repository).order_by(tags.c.name)
    refuse_removal(db, repository, db.execute(named).scalars().all())


def _refuse(patterns: list[str], names: Iterable[str]) -> None:
    for tag in names if patterns else ():
        pattern = find_pattern(patterns, tag)
        if pattern is not None:
            raise RuledOut(
                "the tag {tag} is immutable (rule {pattern})",
                tag=tag,
                pattern=pattern,
                hint="whoever manages the repository can change its rules for immutable tags",
            )
