"""Which repository holds which blob: what is not linked there does not exist there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select

from capas.hub.records.database import Database
from capas.hub.records.immutable import refuse_unlinking
from capas.hub.records.quota import charge
from capas.hub.records.repositories import find_empty, find_repository, forget_empty, make_repository
from capas.hub.records.tables.images import blobs, claims, links, needs, repositories
from capas.hub.records.values import Link
from capas.oci.digest import Digest

_STORED = (
    select(blobs.c.digest)
    .where(blobs.c.digest == bindparam("a_digest"), blobs.c.doomed_ns.is_(None))
    .with_for_update(read=True)
)
_END_CLAIM = claims.delete().where(claims.c.digest == bindparam("a_digest"), claims.c.upload == bindparam("a_upload"))
_HELD = (
    select(links.c.size, links.c.linked_ns)
    .join(repositories, links.c.repository == repositories.c.id)
    .where(repositories.c.name == bindparam("name"), links.c.digest == bindparam("digest"))
)


class Links:
    """Every method is atomic, and safe from any thread and process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # made once: putting an upsert together takes longer than doing it
        row = database.insert(links)
        again = {"linked_ns": row.excluded.linked_ns}
        self._hold = row.on_conflict_do_update(index_elements=["repository", "digest"], set_=again)

    def find_link(self, name: str, digest: Digest) -> Link | None:
        """The link, None where the repository does not hold the blob."""
        return self._database.read(lambda db: _find(db, name, digest))

    def link(self, name: str, digest: Digest, link: Link, *, claim: str = "") -> bool:
        """The repository holds the blob from now on; the push with this `claim` brought it. Again: a push counts on it.

        False where its bytes are not in the storage, or are being deleted (never of what is claimed).
        Raises: RuledOut (`quota.py`).
        On disk with the manifest that needs it, whose commit puts what came before it on disk too.
        """

        def add(db: Connection) -> bool:
            if not self._link(db, name, digest, link):
                return False
            if claim:
                db.execute(_END_CLAIM, {"a_digest": digest, "a_upload": claim})
            return True

        return self._database.write(add, durable=False)

    def renew(self, name: str, digest: Digest, now_ns: int) -> bool:
        """A push counts on it now. False where the repository does not hold it any more."""

        def renew(db: Connection) -> bool:
            here = (links.c.repository == find_repository(db, name), links.c.digest == digest)
            return db.execute(links.update().where(*here).values(linked_ns=now_ns)).rowcount > 0

        return self._database.write(renew, durable=False)

    def unlink(self, name: str, digest: Digest) -> bool:
        """The repository holds it no more. False where it did not. Raises: RuledOut."""

        def unlink(db: Connection) -> bool:
            repository = find_repository(db, name) or 0
            refuse_unlinking(db, repository, digest)
            here = (links.c.repository == repository, links.c.digest == digest)
            return db.execute(links.delete().where(*here)).rowcount > 0

        return self._database.write(unlink)

    def mount(self, name: str, digest: Digest, source: str, now_ns: int) -> bool:
        """Link what `source` links, in one step. False where it does not. Raises: RuledOut (`quota.py`)."""

        def mount(db: Connection) -> bool:
            found = _find(db, source, digest)
            return found is not None and self._link(db, name, digest, Link(found.size, now_ns))

        return self._database.write(mount, durable=False)

    def list_holders(self, digest: Digest, limit: int) -> list[str]:
        """Some repositories that hold the blob."""
        names = select(repositories.c.name).join(links, links.c.repository == repositories.c.id)
        holders = names.where(links.c.digest == digest).limit(limit)
        return self._database.read(lambda db: list(db.execute(holders).scalars()))

    def list_expired(self, before_ns: int) -> list[tuple[int, str]]:
        """The links that no manifest of their repository (its number) needs and no push counted on since."""
        found = select(links.c.repository, links.c.digest).where(*expired(before_ns))
        return [(number, digest) for number, digest in self._database.read(lambda db: db.execute(found).all())]

    def expire(self, repository: int, digests: Sequence[str], before_ns: int) -> int:
        """Drop those of a repository's links that are expired still; how many. On disk before a blob is doomed."""
        ours = (links.c.repository == repository, links.c.digest.in_(digests))
        dropped = links.delete().where(*ours, *expired(before_ns))
        return self._database.write(lambda db: db.execute(dropped).rowcount, durable=False)

    def forget_empty(self) -> None:
        """Drop the repositories of nobody that hold nothing and of which nobody said anything."""
        if self._database.read(find_empty):
            self._database.write(lambda db: forget_empty(self._database, db))

    def _link(self, db: Connection, name: str, digest: Digest, link: Link) -> bool:
        """False where the bytes are not there to stay. Their row is locked until the link is seen by everybody."""
        if db.execute(_STORED, {"a_digest": digest}).scalar() is None:
            return False
        repository = make_repository(self._database, db, name, link.linked_ns)
        charge(db, repository, digest, link.size)
        db.execute(self._hold, {"repository": repository, "digest": digest, **link._asdict()})
        return True


def expired(before_ns: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions on `links` of those that no manifest of their repository needs and no push counted on since."""
    needed = exists().where(needs.c.repository == links.c.repository, needs.c.digest == links.c.digest)
    return links.c.linked_ns < before_ns, ~needed


def _find(db: Connection, name: str, digest: Digest) -> Link | None:
    row = db.execute(_HELD, {"name": name, "digest": digest}).one_or_none()
    return Link(*row) if row else None
