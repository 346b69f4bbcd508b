"""A repository as its pages show it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import exists, select

from capas.hub.pages.visit import Visit
from capas.hub.people.required import missing
from capas.hub.records.tables.finding import stars
from capas.hub.records.tables.images import repositories, tags

_R = repositories.c


class About(NamedTuple):
    """What the records say of a repository. `number` is what they know it by."""

    number: int
    name: str
    description: str
    readme: str
    is_official: bool
    is_public: bool
    stars: int
    pulls: int
    created_ns: int
    updated_ns: int
    is_starred: bool

    @property
    def namespace(self) -> str:
        """The first part of its name, empty where it has but one."""
        return self.name.rpartition("/")[0].partition("/")[0]

    @property
    def rest(self) -> str:
        """What follows the namespace."""
        return self.name.removeprefix(self.namespace + "/") if self.namespace else self.name

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/r/{self.name}"


def get_about(visit: Visit, name: str) -> About:
    """The repository for this reader. Raises: NotFound, the same for one that they may not know of."""
    starred = exists().where(stars.c.repository == _R.id, stars.c.user == visit.identity.user)
    wanted = select(
        _R.id, _R.name, _R.description, _R.readme, _R.is_official, _R.is_public, _R.stars, _R.pulls, _R.created_ns,
        _R.updated_ns, starred,
    ).where(_R.name == name)  # fmt: skip
    visit.require(name, "pull")
    row = visit.hub.database.read(lambda db: db.execute(wanted).one_or_none())
    if row is None:
        raise missing(name)
    return About(*row)


def list_newest_names(visit: Visit, repository: int, limit: int = 50) -> list[str]:
    """The names of its newest tags: to be chosen from."""
    wanted = select(tags.c.name).where(tags.c.repository == repository)
    newest = wanted.order_by(tags.c.pushed_ns.desc(), tags.c.name).limit(limit)
    return visit.hub.database.read(lambda db: list(db.execute(newest).scalars()))


def has_tag(visit: Visit, repository: int, name: str) -> bool:
    """Whether it has a tag of this name."""
    wanted = select(tags.c.name).where(tags.c.repository == repository, tags.c.name == name)
    return visit.hub.database.read(lambda db: db.execute(wanted).first() is not None)
