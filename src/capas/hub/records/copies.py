"""What a cache of another registry asks of the records: its repositories are ordinary ones, below its prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from capas.errors import Conflict
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.manifests import point_tag
from capas.hub.records.repositories import find_repository, make_repository
from capas.hub.records.tables.images import children, links, manifests, needs, repositories, tags
from capas.hub.records.tables.people import namespaces
from capas.hub.records.values import StoredManifest
from capas.oci.digest import Digest
from capas.oci.manifest import Index, parse_manifest


class CopiedBlob(NamedTuple):
    """A blob that a repository of a cache holds. `pulled_ns` is when it was last asked for."""

    repository: str
    digest: Digest
    size: int
    pulled_ns: int


class Holding(NamedTuple):
    """What a cache holds: `blob_bytes` counts each blob once."""

    repositories: int
    tags: int
    blobs: int
    blob_bytes: int


class Copies:
    """Every method is atomic, and safe from any thread and process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def found(self, prefixes: Sequence[str], now_ns: int) -> None:
        """Make the prefixes organisations of this hub: nobody else can be called so, and their members read there.

        Raises: Conflict for one that is a person's name.
        """

        def make(db: Connection) -> None:
            for prefix in prefixes:
                line = {"name": prefix, "kind": "organisation", "created_ns": now_ns}
                made = self._database.insert(namespaces).values(line).on_conflict_do_nothing()
                if db.execute(made.returning(namespaces.c.id)).scalar() is not None:
                    note_change(self._database, db, RIGHTS)
                elif db.execute(select(namespaces.c.kind).where(namespaces.c.name == prefix)).scalar() == "user":
                    raise Conflict(
                        "{prefix} cannot be an upstream's prefix: somebody here is called so",
                        prefix=prefix,
                        hint="choose another prefix for the upstream in hub.toml",
                    )

        self._database.write(make)

    def prepare(self, name: str, *, is_public: bool, now_ns: int) -> None:
        """Make the repository if need be, seen by those who may see what it is a copy of."""

        def prepare(db: Connection) -> None:
            if find_repository(db, name) is None:
                number = make_repository(self._database, db, name, now_ns)
                db.execute(repositories.update().where(repositories.c.id == number).values(is_public=is_public))
                note_change(self._database, db, RIGHTS)

        if self._database.read(lambda db: find_repository(db, name)) is None:
            self._database.write(prepare)

    def point(self, name: str, tag: str, digest: Digest, now_ns: int) -> None:
        """The tag means this manifest, which is here."""

        def point(db: Connection) -> None:
            repository = find_repository(db, name)
            if repository is not None:
                point_tag(self._database, db, (repository, tag, digest), now_ns)

        self._database.write(point)

    def find_named_size(self, name: str, digest: Digest) -> int | None:
        """The size that a manifest of the repository gives a blob, None where none names it."""
        found = select(manifests.c.data, manifests.c.media_type).join(needs, needs.c.manifest == manifests.c.id)
        here = found.join(repositories, needs.c.repository == repositories.c.id).where(
            repositories.c.name == name, needs.c.digest == digest
        )
        row = self._database.read(lambda db: db.execute(here.limit(1)).one_or_none())
        if row is None:
            return None
        document = parse_manifest(row.data, row.media_type)
        parts = () if isinstance(document, Index) else (document.config, *document.layers)
        return next((part.size for part in parts if part.digest == digest), None)

    def list_unread(self, name: str, config: Digest) -> list[StoredManifest]:
        """The manifests of the repository with this config, that came before it did."""
        c = manifests.c
        found = select(c.digest, c.media_type, c.data).join(repositories, c.repository == repositories.c.id)
        here = found.where(repositories.c.name == name, c.image == config, c.platform == "")
        rows = self._database.read(lambda db: db.execute(here).all())
        return [StoredManifest(Digest(digest), media_type, data) for digest, media_type, data in rows]

    def find_platform(self, name: str, digest: Digest) -> str:
        """The platform that an index of the repository says a manifest is for, empty where none does."""
        listed = select(children.c.platform).join(manifests, children.c.manifest == manifests.c.id)
        here = listed.join(repositories, manifests.c.repository == repositories.c.id).where(
            repositories.c.name == name, children.c.digest == digest, children.c.platform != ""
        )
        return self._database.read(lambda db: db.execute(here.limit(1)).scalar()) or ""

    def hold(self, prefix: str) -> Holding:
        """How much a cache holds."""
        below = _below(prefix)
        blobs = select(links.c.digest, func.max(links.c.size).label("size")).join(
            repositories, links.c.repository == repositories.c.id
        )
        each = blobs.where(below).group_by(links.c.digest).subquery()
        tagged = select(func.count()).select_from(tags).join(repositories, tags.c.repository == repositories.c.id)

        def read(db: Connection) -> Holding:
            count, size = db.execute(select(func.count(), func.coalesce(func.sum(each.c.size), 0))).one()
            named = select(func.count()).select_from(repositories).where(below)
            return Holding(
                db.execute(named).scalar_one(), db.execute(tagged.where(below)).scalar_one(), count, int(size)
            )

        return self._database.read(read)

    def list_oldest(self, prefix: str, before_ns: int, limit: int) -> list[CopiedBlob]:
        """Blobs that nobody asked for since `before_ns`, those asked for longest ago first."""
        c = links.c
        found = select(repositories.c.name, c.digest, c.size, c.linked_ns).join(
            repositories, c.repository == repositories.c.id
        )
        old = found.where(_below(prefix), c.linked_ns < before_ns).order_by(c.linked_ns).limit(limit)
        rows = self._database.read(lambda db: db.execute(old).all())
        return [CopiedBlob(name, Digest(digest), size, pulled_ns) for name, digest, size, pulled_ns in rows]


def _below(prefix: str) -> ColumnElement[bool]:
    return repositories.c.name.startswith(prefix + "/", autoescape=True)
