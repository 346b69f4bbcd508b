"""What manifests lead to: an image by itself, an index by what it lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, select

from capas.hub.records.tables.images import children, manifests
from capas.oci import media

_CHILD = manifests.alias("child")
_LISTED = children.c.manifest == manifests.c.id
_BOTH = and_(_CHILD.c.repository == manifests.c.repository, _CHILD.c.digest == children.c.digest)


class Part(NamedTuple):
    """An image, or another artifact (`image` is empty then). `digest` is its manifest's, `image` its config's.

    `image_bytes`: config and layers, as stored. `created_ns`: 0 where the config does not say.
    """

    platform: str
    digest: str
    image: str
    image_bytes: int
    created_ns: int


class Parts(NamedTuple):
    """All that a manifest leads to. `attestations` says how many statements lie beside the images."""

    images: tuple[Part, ...] = ()
    attestations: int = 0

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """What tells whether two are the same."""
        return frozenset((part.platform, part.image) for part in self.images if part.image)


def list_parts(db: Connection, repository: int, digests: Collection[str]) -> dict[str, Parts]:
    """What each manifest of the repository leads to, images by platform."""
    if not digests:
        return {}
    c, here = manifests.c, (manifests.c.repository == repository, manifests.c.digest.in_(digests))
    single = select(c.digest, c.platform, c.digest, c.image, c.image_bytes, c.created_ns)
    found: dict[str, list[Part]] = defaultdict(list)
    singles = single.where(*here, c.media_type.not_in(media.INDEXES))
    for digest, *about in (*db.execute(singles), *db.execute(_listed().where(*here))):
        found[digest].append(Part(*about))
    stated = select(c.digest, func.count()).join(children, _LISTED).where(*here, children.c.kind == "attestation")
    statements = {row.digest: int(row[1]) for row in db.execute(stated.group_by(c.digest))}
    return {digest: Parts(tuple(sorted(found[digest])), statements.get(digest, 0)) for digest in digests}


def list_alike(db: Connection, repository: int, images: Collection[str]) -> set[str]:
    """The manifests of the repository that lead to one of these images."""
    wanted = {image for image in images if image}
    if not wanted:
        return set()
    c = manifests.c
    direct = select(c.digest).where(c.repository == repository, c.image.in_(wanted))
    indexed = select(c.digest).join(children, _LISTED).join(_CHILD, _BOTH)
    through = indexed.where(c.repository == repository, _CHILD.c.repository == repository, _CHILD.c.image.in_(wanted))
    return set(db.execute(direct.union(through)).scalars())


def _listed() -> Select[tuple[str, str, str, str, int, int]]:
    said = case((_CHILD.c.platform != "", _CHILD.c.platform), else_=children.c.platform)
    return (
        select(
            manifests.c.digest,
            said,
            children.c.digest,
            func.coalesce(_CHILD.c.image, ""),
            func.coalesce(_CHILD.c.image_bytes, 0),
            func.coalesce(_CHILD.c.created_ns, 0),
        )
        .join(children, _LISTED)
        .outerjoin(_CHILD, _BOTH)
        .where(children.c.kind == "image")
    )
