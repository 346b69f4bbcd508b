"""Manifests and tags by repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Connection, Executable, bindparam, func, select

from capas.hub.events import Happened
from capas.hub.records.database import Database
from capas.hub.records.immutable import refuse_forgetting, refuse_move, refuse_removal
from capas.hub.records.repositories import find_repository, make_repository
from capas.hub.records.tables.images import children, links, manifests, needs, repositories, tags
from capas.hub.records.values import Gone, Missing, Need, NewManifest, Profile, Referrer, StoredManifest
from capas.oci.digest import Digest

_STORED = select(manifests.c.digest, manifests.c.media_type, manifests.c.data).select_from(repositories)
_BATCH = 500  # digests in a question
_HERE: BindParameter[int | None] = bindparam("repository")
_SOME: BindParameter[list[str]] = bindparam("digests", expanding=True)
_LINKED = select(links.c.digest, links.c.size).where(links.c.repository == _HERE, links.c.digest.in_(_SOME))
_LISTED = select(manifests.c.digest, func.length(manifests.c.data)).where(
    manifests.c.repository == _HERE, manifests.c.digest.in_(_SOME)
)
_UPDATED = repositories.update().where(repositories.c.id == bindparam("number")).values(updated_ns=bindparam("at_ns"))
_OF = manifests.c.repository == repositories.c.id
_TAGGED = (tags.c.repository == repositories.c.id) & (tags.c.digest == manifests.c.digest)
_PROFILE = tuple(name for name in Profile._fields if name != "children")
Changed = Callable[[Connection, Happened], None]


class Manifests:
    """Every method is atomic, safe from any thread and process, and on disk when it returns."""

    def __init__(self, database: Database, changed: Changed = lambda db, event: None) -> None:
        """`changed` is told of each change inside its transaction."""
        self._database = database
        self.changed = changed

    def has_repository(self, name: str) -> bool:
        """Whether anything was ever pushed there and not collected."""
        return self._database.read(lambda db: find_repository(db, name)) is not None

    def list_repositories(self, after: str, limit: int, *fulfil: ColumnElement[bool]) -> list[str]:
        """At most `limit` names that sort after `after`, in order, of the repositories that `fulfil` these."""
        names = select(repositories.c.name).where(repositories.c.name > after, *fulfil).order_by(repositories.c.name)
        return self._database.read(lambda db: list(db.execute(names.limit(limit)).scalars()))

    def find_manifest(self, name: str, reference: str) -> StoredManifest | None:
        """By tag, or by digest."""
        found = _STORED.join(manifests, _OF).where(repositories.c.name == name)
        if ":" in reference:
            found = found.where(manifests.c.digest == reference)
        else:
            found = found.join(tags, _TAGGED).where(tags.c.name == reference)
        row = self._database.read(lambda db: db.execute(found).one_or_none())
        return StoredManifest(Digest(row.digest), row.media_type, row.data) if row else None

    def put_manifest(
        self, name: str, new: NewManifest, tag: str | None, now_ns: int, *, whole: bool = True
    ) -> list[Missing]:
        """Keep it and point the tag at it; or change nothing and say what is missing.

        Not `whole`: in a cache of another registry, where what it names comes when somebody asks for it.
        Raises: RuledOut where the tag is there and has to stay where it points.
        """

        def put(db: Connection) -> list[Missing]:
            repository = find_repository(db, name)
            missing = _list_missing(db, repository, new.needs) if whole else []
            if not missing:
                number = repository or make_repository(self._database, db, name, now_ns)
                _keep(self._database, db, number, new, now_ns)
                if tag is not None:
                    if left := refuse_move(db, number, tag, new.stored.digest, may_move=new.may_move):
                        note_untagged(db, number, left, now_ns)
                    point_tag(self._database, db, (number, tag, new.stored.digest), now_ns)
                if whole:
                    self.changed(db, Happened("push", name, tag or "", new.stored.digest, new.actor, now_ns))
            return missing

        return self._database.write(put)

    def delete_manifest(self, name: str, digest: Digest, *, actor: str = "", now_ns: int = 0) -> list[Gone]:
        """Forget it and the tags that point at it: what went, nothing where it was not there. Raises: RuledOut."""

        def delete(db: Connection) -> list[Gone]:
            repository = find_repository(db, name) or 0
            refuse_forgetting(db, repository, digest)
            here = (manifests.c.repository == repository, manifests.c.digest == digest)
            if not db.execute(manifests.delete().where(*here)).rowcount:
                return []
            pointing = tags.delete().where(tags.c.repository == repository, tags.c.digest == digest)
            names = sorted(db.execute(pointing.returning(tags.c.name)).scalars())
            gone = [*(Gone(tag, digest) for tag in names), Gone("", digest)]
            self._tell(db, gone, Happened("delete", name, actor=actor, at_ns=now_ns))
            return gone

        return self._database.write(delete)

    def delete_tag(self, name: str, tag: str, *, actor: str = "", now_ns: int = 0) -> list[Gone]:
        """Forget the tag alone: what went, nothing where it was not there. Raises: RuledOut."""

        def delete(db: Connection) -> list[Gone]:
            repository = find_repository(db, name) or 0
            here = (tags.c.repository == repository, tags.c.name == tag)
            pointed = db.execute(tags.delete().where(*here).returning(tags.c.digest)).scalar()
            if pointed is None:
                return []
            refuse_removal(db, repository, [tag])
            note_untagged(db, repository, pointed, now_ns)
            gone = [Gone(tag, Digest(pointed))]
            self._tell(db, gone, Happened("untag", name, actor=actor, at_ns=now_ns))
            return gone

        return self._database.write(delete)

    def _tell(self, db: Connection, gone: list[Gone], about: Happened) -> None:
        for one in gone:
            self.changed(db, about._replace(kind=one.kind, reference=one.tag, digest=one.digest))

    def list_tags(self, name: str, after: str, limit: int) -> list[str]:
        """At most `limit` tags that sort after `after`, in order."""
        names = select(tags.c.name).join(repositories, tags.c.repository == repositories.c.id)
        here = names.where(repositories.c.name == name, tags.c.name > after).order_by(tags.c.name).limit(limit)
        return self._database.read(lambda db: list(db.execute(here).scalars()))

    def list_referrers(self, name: str, subject: Digest, artifact_type: str, page: tuple[str, int]) -> list[Referrer]:
        """Those with this subject (and type, unless empty), by digest. `page`: after which digest, how many."""
        c = manifests.c
        found = select(c.digest, c.media_type, func.length(c.data), c.artifact_type, c.annotations)
        here = found.join(repositories, _OF).where(repositories.c.name == name, c.subject == subject)
        if artifact_type:
            here = here.where(c.artifact_type == artifact_type)
        wanted = here.where(c.digest > page[0]).order_by(c.digest).limit(page[1])
        return [
            Referrer(Digest(digest), media_type, size, kind, msgspec.json.decode(annotations))
            for digest, media_type, size, kind, annotations in self._database.read(lambda db: db.execute(wanted).all())
        ]


def _list_missing(db: Connection, repository: int | None, wanted: Sequence[Need]) -> list[Missing]:
    """Those of them that are not there, or have another size."""
    sizes: dict[tuple[bool, str], int] = {}
    for is_manifest, held in ((False, _LINKED), (True, _LISTED)):
        digests = [need.digest for need in wanted if need.is_manifest == is_manifest]
        for start in range(0, len(digests), _BATCH):
            some = {"repository": repository, "digests": digests[start : start + _BATCH]}
            sizes |= {(is_manifest, digest): size for digest, size in db.execute(held, some)}
    found = [(need, sizes.get((need.is_manifest, need.digest))) for need in wanted]
    return [Missing(need.digest, size) for need, size in found if size != need.size]


def _keep(database: Database, db: Connection, repository: int, new: NewManifest, now_ns: int) -> None:
    stored, profile = new.stored, new.profile
    row = {
        "repository": repository,
        "subject": new.subject,
        "artifact_type": new.artifact_type,
        "annotations": msgspec.json.encode(new.annotations),
        "pushed_ns": now_ns,
        **stored._asdict(),
        **{name: getattr(profile, name) for name in _PROFILE},
    }
    number = db.execute(database.once(_keeping), row).scalar_one()
    blobs = [
        {"repository": repository, "digest": need.digest, "manifest": number}
        for need in new.needs
        if not need.is_manifest
    ]
    if blobs:
        db.execute(database.once(_needing), blobs)
    if profile.children:
        listed = [{"manifest": number, **child._asdict()} for child in dict.fromkeys(profile.children)]
        db.execute(database.once(_listing), listed)
    db.execute(_UPDATED, {"number": repository, "at_ns": now_ns})


def _keeping(database: Database) -> Executable:
    """A manifest that was there keeps its type: who pulls it relies on it."""
    row = database.insert(manifests)
    again = {name: row.excluded[name] for name in ("pushed_ns", *_PROFILE)}
    return row.on_conflict_do_update(index_elements=["repository", "digest"], set_=again).returning(manifests.c.id)


def _needing(database: Database) -> Executable:
    return database.insert(needs).on_conflict_do_nothing()


def _listing(database: Database) -> Executable:
    return database.insert(children).on_conflict_do_nothing()


def point_tag(database: Database, db: Connection, tagged: tuple[int, str, Digest], now_ns: int) -> None:
    """The tag of a repository means this manifest of it."""
    repository, tag, digest = tagged
    row = {"repository": repository, "name": tag, "digest": digest, "pushed_ns": now_ns}
    db.execute(database.once(_pointing), row)


def _pointing(database: Database) -> Executable:
    row = database.insert(tags)
    moved = {"digest": row.excluded.digest, "pushed_ns": row.excluded.pushed_ns}
    return row.on_conflict_do_update(index_elements=["repository", "name"], set_=moved)


def note_untagged(db: Connection, repository: int, digest: str, now_ns: int) -> None:
    """A tag went from it: what no tag leads to is kept for a while from now on (`keeping/plan.py`)."""
    here = (manifests.c.repository == repository, manifests.c.digest == digest)
    db.execute(manifests.update().where(*here).values(untagged_ns=now_ns))
