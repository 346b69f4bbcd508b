"""The records from end to end, for `capas hub fsck`: what they say is there, and where they contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, exists, select

from capas.hub.records.database import Database
from capas.hub.records.tables.images import blobs, children, links, manifests, needs, repositories
from capas.oci.digest import Digest

_PAGE = 500


class Unmet(NamedTuple):
    """What a manifest points at and its repository does not hold. `number` is the repository's."""

    number: int
    repository: str
    manifest: str
    digest: Digest
    is_manifest: bool


class Inventory:
    """Every method is atomic."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def blobs(self) -> dict[Digest, int]:
        """All that is recorded as stored, with sizes in bytes, and what is only linked."""
        every = select(blobs.c.digest, blobs.c.size).where(blobs.c.doomed_ns.is_(None))
        linked = select(links.c.digest, links.c.size).where(~exists().where(blobs.c.digest == links.c.digest))
        rows = self._database.read(lambda db: [*db.execute(every).all(), *db.execute(linked).all()])
        return {Digest(digest): size for digest, size in rows}

    def is_recorded(self, digest: Digest) -> bool:
        """Whether it still is, and is not on its way out."""

        def look(db: Connection) -> bool:
            stored = select(blobs.c.digest).where(blobs.c.digest == digest, blobs.c.doomed_ns.is_(None))
            linked = select(links.c.digest).where(links.c.digest == digest).limit(1)
            return (db.execute(stored).scalar() or db.execute(linked).scalar()) is not None

        return self._database.read(look)

    def adopt(self, digest: Digest, size: int) -> None:
        """Record bytes that are stored. Nobody holds them, so `collect` frees them."""
        row = self._database.insert(blobs).values(digest=digest, size=size).on_conflict_do_nothing()
        self._database.write(lambda db: db.execute(row))

    def unlink(self, digest: Digest) -> None:
        """No repository holds it any more."""
        self._database.write(lambda db: db.execute(links.delete().where(links.c.digest == digest)))

    def link(self, unmet: Unmet, now_ns: int) -> bool:
        """The repository holds the blob again, which its manifest was taken in with. False if it is being deleted."""

        def link(db: Connection) -> bool:
            found = select(blobs.c.size).where(blobs.c.digest == unmet.digest, blobs.c.doomed_ns.is_(None))
            size = db.execute(found.with_for_update(read=True)).scalar()
            if size is None:
                return False
            row = self._database.insert(links).values(
                repository=unmet.number, digest=unmet.digest, size=size, linked_ns=now_ns
            )
            db.execute(row.on_conflict_do_nothing())
            return True

        return self._database.write(link)

    def unmet(self) -> list[Unmet]:
        """What manifests need and their repositories do not hold; what indexes list and is not there."""
        here = (links.c.repository == needs.c.repository, links.c.digest == needs.c.digest)
        of = select(repositories.c.id, repositories.c.name, manifests.c.digest)
        blob = (
            of.add_columns(needs.c.digest.label("needed"))
            .join(manifests, manifests.c.repository == repositories.c.id)
            .join(needs, needs.c.manifest == manifests.c.id)
            .where(~exists().where(*here))
        )
        other = manifests.alias("other")
        there = (other.c.repository == manifests.c.repository, other.c.digest == children.c.digest)
        child = (
            of.add_columns(children.c.digest.label("needed"))
            .join(manifests, manifests.c.repository == repositories.c.id)
            .join(children, children.c.manifest == manifests.c.id)
            .where(~exists().where(*there))
        )
        rows = self._database.read(lambda db: (db.execute(blob).all(), db.execute(child).all()))
        return [
            Unmet(number, name, manifest, Digest(digest), bool(is_manifest))
            for is_manifest, found in enumerate(rows)
            for number, name, manifest, digest in found
        ]

    def damaged_manifests(self) -> Iterator[tuple[str, str]]:
        """Digest and repository of the manifests whose bytes are not those of their digest."""
        last, c = 0, manifests.c
        every = select(c.id, c.digest, c.data, repositories.c.name).join(
            repositories, c.repository == repositories.c.id
        )
        while page := self._page(every.where(c.id > last).order_by(c.id).limit(_PAGE)):
            for row in page:
                last = row.id
                if Digest.of(row.data) != row.digest:
                    yield row.digest, row.name

    def _page(self, question: Select[Any]) -> Sequence[Row[Any]]:
        return self._database.read(lambda db: db.execute(question).all())
