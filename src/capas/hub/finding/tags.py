"""Tags of a repository: what each points at, for which platforms, how large and how old, and which are the same image.

Two tags are the same image where their digest is the same, and where they lead to the same images (told by the digest
of the config, which stays when layers are packed otherwise) through different indexes. `latest`, an index, and `amd64`,
a manifest that it lists, are the same for linux/amd64 alone.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import Connection, func, select

from capas.hub.finding.parts import Part, Parts, list_alike, list_parts
from capas.hub.hub import Hub
from capas.hub.records.repositories import find_repository
from capas.hub.records.tables.images import manifests, tags

TagOrder = Literal["name", "newest"]
MOST = 100  # tags in a page
_MOST_SAME = 100  # other tags said of a tag


class Same(NamedTuple):
    """Another tag that is the same image: for these platforms; for all of both where there are none."""

    tag: str
    platforms: tuple[str, ...] = ()


class Tag(NamedTuple):
    """A tag and the images that it leads to. `pulled_ns` is 0 where it never was; `attestations` are counted."""

    name: str
    digest: str
    media_type: str
    pushed_ns: int
    pulled_ns: int
    parts: tuple[Part, ...]
    attestations: int
    same: tuple[Same, ...]


class TagQuery(NamedTuple):
    """Which tags: those with `text` in the name, a page of them; at most 100."""

    text: str = ""
    order: TagOrder = "newest"
    limit: int = 25
    offset: int = 0


class TagPage(NamedTuple):
    """Some tags, and how many there are in all."""

    tags: tuple[Tag, ...]
    total: int


def list_tags(hub: Hub, name: str, query: TagQuery = TagQuery()) -> TagPage:  # noqa: B008  a tuple of constants
    """The tags of a repository that the asker may pull from; none where there is no such repository."""
    return hub.database.read(lambda db: _list(db, find_repository(db, name), query))


def find_tag(hub: Hub, name: str, tag: str) -> Tag | None:
    """One tag of a repository that the asker may pull from."""

    def find(db: Connection) -> Tag | None:
        repository = find_repository(db, name)
        rows = db.execute(_TAGGED.where(tags.c.repository == repository, tags.c.name == tag)).all()
        return next(iter(_fill(db, repository or 0, [_Row(*row) for row in rows])), None)

    return hub.database.read(find)


class _Row(NamedTuple):
    name: str
    digest: str
    pushed_ns: int
    pulled_ns: int
    media_type: str


_HERE = (manifests.c.repository == tags.c.repository) & (manifests.c.digest == tags.c.digest)
_TAGGED = select(
    tags.c.name, tags.c.digest, tags.c.pushed_ns, tags.c.pulled_ns, manifests.c.media_type
).join(manifests, _HERE)  # fmt: skip


def _list(db: Connection, repository: int | None, query: TagQuery) -> TagPage:
    conditions = [tags.c.repository == repository]
    if query.text:
        conditions.append(tags.c.name.icontains(query.text, autoescape=True))
    total = db.execute(select(func.count()).select_from(tags).where(*conditions)).scalar_one()
    order = [tags.c.name] if query.order == "name" else [tags.c.pushed_ns.desc(), tags.c.name]
    page = _TAGGED.where(*conditions).order_by(*order).limit(min(query.limit, MOST)).offset(query.offset)
    rows = [_Row(*row) for row in db.execute(page)]
    return TagPage(tuple(_fill(db, repository or 0, rows)), total)


def _fill(db: Connection, repository: int, rows: list[_Row]) -> list[Tag]:
    digests = {row.digest for row in rows}
    own = list_parts(db, repository, digests)
    alike = digests | list_alike(db, repository, {part.image for parts in own.values() for part in parts.images})
    parts = own | list_parts(db, repository, alike - digests)
    names = select(tags.c.name, tags.c.digest).where(tags.c.repository == repository, tags.c.digest.in_(alike))
    others = [(str(name), str(digest)) for name, digest in db.execute(names.order_by(tags.c.name))]
    return [_tag(row, parts, others) for row in rows]


def _tag(row: _Row, parts: dict[str, Parts], others: list[tuple[str, str]]) -> Tag:
    mine = parts.get(row.digest, Parts())
    same: list[Same] = []
    for name, digest in others:
        found = _compare(row.digest, mine, digest, parts.get(digest, Parts()))
        if found is not None and name != row.name and len(same) < _MOST_SAME:
            same.append(Same(name, found))
    return Tag(row.name, row.digest, row.media_type, row.pushed_ns, row.pulled_ns, mine.images, mine.attestations,
               tuple(same))  # fmt: skip


def _compare(digest: str, mine: Parts, other_digest: str, other: Parts) -> tuple[str, ...] | None:
    """For which platforms two manifests are the same image; none of them: for all; None: they are not."""
    shared = mine.keys & other.keys
    if digest == other_digest or (shared and mine.keys == other.keys):
        return ()
    return tuple(sorted(platform for platform, _ in shared)) or None
