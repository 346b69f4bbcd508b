"""Which bytes are in the storage, and who may touch them: pushes claim them, `collect` dooms what nobody holds.

A row of `blobs` is there before its bytes and goes after them. A push claims a digest before its bytes get their name
and ends the claim with the link. What no repository holds and nobody claims is doomed, then deleted, then forgotten;
a digest that is doomed cannot be claimed. So no order of pushes and deletions, on one machine or on many, deletes
what a push was told is there. In PostgreSQL both sides lock the row before they look.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, not_, or_, select

from capas.errors import Conflict
from capas.hub.records.database import Database
from capas.hub.records.links import expired
from capas.hub.records.quota import find_most
from capas.hub.records.tables.images import blobs, claims, links
from capas.hub.spans import SECOND_NS
from capas.oci.digest import Digest

DELETE_NS = 30 * SECOND_NS  # who dooms blobs deletes them within this time, or spares them …
_DOOM_ENDS_NS = 4 * DELETE_NS  # … for after this one it counts as dead
_CLAIM_ENDS_NS = 6 * 3600 * SECOND_NS  # a claim whose process died; no bytes take that long to get their name


class Claims:
    """Every method is atomic, and safe from any thread, process and machine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # made once: putting an upsert together takes longer than doing it
        row = database.insert(blobs).values(digest=bindparam("a_digest"), size=bindparam("a_size"))
        free = or_(blobs.c.doomed_ns.is_(None), blobs.c.doomed_ns < bindparam("dead_ns"))
        mend = {"size": row.excluded.size, "doomed_ns": None}
        self._record = row.on_conflict_do_update(index_elements=["digest"], set_=mend, where=free).returning(
            blobs.c.digest
        )
        self._claim = database.insert(claims).on_conflict_do_nothing()

    def claim(self, digest: Digest, size: int, upload: str, now_ns: int, *, repository: str = "") -> None:
        """The bytes are about to get their name, for the push called `upload`: from now on nobody deletes them.

        Raises: Conflict while they are being deleted; RuledOut where the `repository` has no room for them.
        """

        def claim(db: Connection) -> bool:
            find_most(db, repository, size)
            facts = {"a_digest": digest, "a_size": size, "dead_ns": now_ns - _DOOM_ENDS_NS}
            if db.execute(self._record, facts).scalar() is None:
                return False
            db.execute(self._claim, {"digest": digest, "upload": upload, "claimed_ns": now_ns})
            return True

        if not self._database.write(claim, durable=False):
            raise Conflict("{digest} is being deleted", digest=digest, hint="try again in a moment")

    def release(self, digest: Digest, upload: str) -> None:
        """The push does not bring them after all."""
        here = (claims.c.digest == digest, claims.c.upload == upload)
        self._database.write(lambda db: db.execute(claims.delete().where(*here)), durable=False)

    def list_unheld(self, now_ns: int, *, expired_ns: int | None = None) -> list[tuple[Digest, int]]:
        """What no repository holds and nobody claims, with its size, as far as one look can tell.

        Links that would expire before `expired_ns` hold nothing. Nothing is locked or changed.
        """
        links_that_hold = () if expired_ns is None else (not_(and_(*expired(expired_ns))),)
        found = select(blobs.c.digest, blobs.c.size).where(*_unheld(now_ns, *links_that_hold), _spared(now_ns))
        rows = self._database.read(lambda db: db.execute(found).all())
        return [(Digest(digest), size) for digest, size in rows]

    def doom(self, digests: Sequence[Digest], now_ns: int) -> list[Digest]:
        """Those of them that nobody holds or claims: they may be deleted, and nobody can claim them meanwhile.

        On disk when this returns, with all that was dropped before it.
        """

        def doom(db: Connection) -> list[Digest]:
            ours = select(blobs.c.digest).where(blobs.c.digest.in_(digests), _spared(now_ns))
            locked = list(db.execute(ours.order_by(blobs.c.digest).with_for_update()).scalars())
            still = select(blobs.c.digest).where(blobs.c.digest.in_(locked), *_unheld(now_ns))
            doomed = list(db.execute(still).scalars())
            db.execute(blobs.update().where(blobs.c.digest.in_(doomed)).values(doomed_ns=now_ns))
            return [Digest(digest) for digest in doomed]

        return self._database.write(doom)

    def forget(self, digests: Sequence[Digest], doomed_ns: int) -> None:
        """Their bytes are gone: those that were doomed then, and not claimed since."""
        gone = blobs.delete().where(blobs.c.digest.in_(digests), blobs.c.doomed_ns == doomed_ns)
        self._database.write(lambda db: db.execute(gone), durable=False)

    def spare(self, digests: Sequence[Digest], doomed_ns: int) -> None:
        """They were doomed then, and are not deleted after all."""
        ours = blobs.update().where(blobs.c.digest.in_(digests), blobs.c.doomed_ns == doomed_ns)
        self._database.write(lambda db: db.execute(ours.values(doomed_ns=None)), durable=False)


def _unheld(now_ns: int, *which: ColumnElement[bool]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    held = exists().where(links.c.digest == blobs.c.digest, *which)
    claimed = exists().where(claims.c.digest == blobs.c.digest, claims.c.claimed_ns > now_ns - _CLAIM_ENDS_NS)
    return ~held, ~claimed


def _spared(now_ns: int) -> ColumnElement[bool]:
    return or_(blobs.c.doomed_ns.is_(None), blobs.c.doomed_ns < now_ns - _DOOM_ENDS_NS)
