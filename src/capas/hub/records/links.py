"""Which repository holds which blob: what is not linked there does not exist there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, exists, select

from capas.hub.records.database import Database
from capas.hub.records.immutable import refuse_unlinking
from capas.hub.records.quota import charge
from capas.hub.records.repositories import find_repository, forget_empty, make_repository
from capas.hub.records.tables.images import links, needs, repositories
from capas.hub.records.values import Link
from capas.oci.digest import Digest


class Links:
    """Every method is atomic, and safe from any thread and process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_link(self, name: str, digest: Digest) -> Link | None:
        """The link, None where the repository does not hold the blob."""
        return self._database.read(lambda db: _find(db, name, digest))

    def link(self, name: str, digest: Digest, size: int, now_ns: int) -> None:
        """The repository holds the blob from now on. Again: a push counts on it now. Raises: RuledOut (`quota.py`).

        On disk with the manifest that needs it, whose commit puts what came before it on disk too.
        """
        self._database.write(lambda db: self._link(db, name, digest, Link(size, now_ns)), durable=False)

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
            if found is not None:
                self._link(db, name, digest, Link(found.size, now_ns))
            return found is not None

        return self._database.write(mount, durable=False)

    def list_holders(self, digest: Digest, limit: int) -> list[str]:
        """Some repositories that hold the blob."""
        names = select(repositories.c.name).join(links, links.c.repository == repositories.c.id)
        holders = names.where(links.c.digest == digest).limit(limit)
        return self._database.read(lambda db: list(db.execute(holders).scalars()))

    def expire_links(self, before_ns: int) -> int:
        """Drop the links that no manifest of their repository needs and no push counted on since; how many."""

        def expire(db: Connection) -> int:
            needed = exists().where(needs.c.repository == links.c.repository, needs.c.digest == links.c.digest)
            dropped = db.execute(links.delete().where(links.c.linked_ns < before_ns, ~needed)).rowcount
            forget_empty(self._database, db)
            return dropped

        return self._database.write(expire)

    def list_unlinked(self, digests: Sequence[Digest]) -> Collection[Digest]:
        """Those of them that no repository holds."""
        held = select(links.c.digest).where(links.c.digest.in_(digests)).distinct()
        return set(digests) - self._database.read(lambda db: {Digest(one) for one in db.execute(held).scalars()})

    def _link(self, db: Connection, name: str, digest: Digest, link: Link) -> None:
        repository = make_repository(self._database, db, name, link.linked_ns)
        charge(db, repository, digest, link.size)
        row = self._database.insert(links).values(repository=repository, digest=digest, **link._asdict())
        again = {"linked_ns": row.excluded.linked_ns}
        db.execute(row.on_conflict_do_update(index_elements=["repository", "digest"], set_=again))


def _find(db: Connection, name: str, digest: Digest) -> Link | None:
    held = select(links.c.size, links.c.linked_ns).join(repositories, links.c.repository == repositories.c.id)
    row = db.execute(held.where(repositories.c.name == name, links.c.digest == digest)).one_or_none()
    return Link(*row) if row else None
