"""Finding images: search, repositories, tags, stars, and how they went over time."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from capas.errors import Denied, Invalid
from capas.hub.api.operation import Ask, Operation, Page, Paging, Taken
from capas.hub.finding.days import Day, list_pulls, list_stars
from capas.hub.finding.holders import find_holders
from capas.hub.finding.overview import Overview, get_overview
from capas.hub.finding.query import DEEPEST, MOST, Filters, Found, Query
from capas.hub.finding.search import search
from capas.hub.finding.stars import Stars, star, unstar
from capas.hub.finding.suggest import suggest
from capas.hub.finding.tags import Tag, TagQuery, list_tags
from capas.hub.spans import DAY_NS
from capas.oci.digest import Digest

_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Days = Annotated[int, Meta(ge=1, le=3660)]


class Wanted(Taken, frozen=True, kw_only=True):
    """A search. `q`: words, all of which have to be there. `starred` and `mine` are said of whoever asks."""

    q: Annotated[str, Meta(max_length=1000)] = ""
    order: Literal["relevance", "stars", "pulls"] = "relevance"
    official: bool | None = None
    starred: bool = False
    mine: bool = False
    visibility: Literal["", "public", "private"] = ""
    platform: Annotated[str, Meta(max_length=100)] = ""
    namespace: Annotated[str, Meta(max_length=255)] = ""
    stars: _Count = 0
    updated_since_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 25
    after: str = ""


class Result(msgspec.Struct, frozen=True):
    """A repository that was found. Times are ns since 1970; `pulled_ns` is 0 where it never was."""

    name: str
    description: str
    is_official: bool
    is_public: bool
    stars: int
    pulls: int
    updated_ns: int
    pulled_ns: int
    is_starred: bool


class Results(Page[Result], frozen=True, kw_only=True):
    """A page of results. `total` counts them up to 500; with `is_more` there are more than that.

    `suggestions`: where nothing was found, names that may have been meant.
    """

    total: int
    is_more: bool
    suggestions: list[str]


class Repository(Result, frozen=True):
    """All that is said of a repository. `tags` are counted; `platforms` are those of its images."""

    readme: str
    created_ns: int
    tags: int
    platforms: list[str]


class TagsWanted(Paging, frozen=True):
    """`q`: a part of the tag's name."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 25
    q: Annotated[str, Meta(max_length=128)] = ""
    order: Literal["newest", "name"] = "newest"


class Image(msgspec.Struct, frozen=True):
    """An image that a tag leads to. `image` is the digest of its config, `size` bytes of config and layers as stored.

    `created_ns` is 0 where the config does not say.
    """

    platform: str
    digest: str
    image: str
    size: int
    created_ns: int


class SameImage(msgspec.Struct, frozen=True):
    """Another tag that is the same image: for these platforms; without any, altogether."""

    tag: str
    platforms: list[str]


class TagSeen(msgspec.Struct, frozen=True):
    """A tag with the images that it leads to. `attestations` are counted; `pulled_ns` is 0 where it never was."""

    name: str
    digest: str
    media_type: str
    pushed_ns: int
    pulled_ns: int
    images: list[Image]
    attestations: int
    same: list[SameImage]


class Holding(msgspec.Struct, frozen=True):
    """A tag that leads to a digest; `is_exact` where it points at the very digest."""

    repository: str
    tag: str
    digest: str
    is_exact: bool


class Star(msgspec.Struct, frozen=True):
    """The stars of a repository, and whether yours is one of them."""

    stars: int
    is_mine: bool


class Span(Taken, frozen=True):
    """How many days back, today included."""

    days: _Days = 90


class Counts(msgspec.Struct, frozen=True):
    """Pulls on each day and stars at the end of each. `first_day` counts days since 1970, in UTC."""

    first_day: int
    pulls: list[int]
    stars: list[int]


def search_repositories(ask: Ask, *, query: Wanted) -> Results:
    """Repositories that have all the words in name, description or README, of those that you may pull from."""
    offset = _offset(query.after)
    filters = Filters(
        official=query.official, starred=query.starred, mine=query.mine, visibility=query.visibility,
        platform=query.platform, updated_since_ns=query.updated_since_ns, least_stars=query.stars,
        namespace=query.namespace,
    )  # fmt: skip
    found = search(ask.hub, ask.identity, Query(query.q, filters, query.order, query.limit, offset))
    near = suggest(ask.hub, ask.identity, query.q) if not found.results and not offset else []
    return Results(
        items=[Result(*one) for one in found.results],
        next=_next(offset, query.limit, len(found.results)),
        total=found.total,
        is_more=found.is_more,
        suggestions=near,
    )


def get_repository(ask: Ask, name: str) -> Repository:
    """What is said of a repository."""
    return _repository(get_overview(ask.hub, ask.identity, name))


def list_repository_tags(ask: Ask, name: str, *, query: TagsWanted) -> Page[TagSeen]:
    """The tags of a repository, with the images that they lead to and which of them are the same."""
    get_overview(ask.hub, ask.identity, name)
    offset = _offset(query.after)
    found = list_tags(ask.hub, name, TagQuery(query.q, query.order, query.limit, offset))
    return Page([_tag(one) for one in found.tags], _next(offset, query.limit, len(found.tags)))


def list_tags_of_digest(ask: Ask, digest: str) -> Page[Holding]:
    """The tags, of all repositories that you may pull from, that lead to a manifest, index or config; at most 100."""
    return Page([Holding(*one) for one in find_holders(ask.hub, ask.identity, [Digest.parse(digest)])])


def get_counts(ask: Ask, name: str, *, query: Span) -> Counts:
    """How pulls and stars of a repository went, day by day."""
    number = get_overview(ask.hub, ask.identity, name).number
    today = ask.hub.now_ns() // DAY_NS
    days = range(today - query.days + 1, today + 1)
    pulls, stars = ask.hub.database.read(lambda db: (list_pulls(db, number, days), list_stars(db, number, days)))
    return Counts(days.start, _totals(pulls), _totals(stars))


def add_star(ask: Ask, name: str) -> Star:
    """Star a repository. Again: the same."""
    number, user = get_overview(ask.hub, ask.identity, name).number, _person(ask)
    return _star(star(ask.hub.database, user, number, ask.hub.now_ns()))


def remove_star(ask: Ask, name: str) -> Star:
    """Take your star back. Again: the same."""
    number, user = get_overview(ask.hub, ask.identity, name).number, _person(ask)
    return _star(unstar(ask.hub.database, user, number, ask.hub.now_ns()))


def _person(ask: Ask) -> int:
    person = ask.hub.rights.person_of(ask.identity)
    if person is None:
        raise Denied("only people star repositories", hint="log in with your password, or a token for all repositories")
    return person.number


def _offset(after: str) -> int:
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 10):
        raise Invalid("after is not what a page gave as next: {after}", after=after[:100])
    return min(int(after), DEEPEST)


def _next(offset: int, limit: int, shown: int) -> str | None:
    return str(offset + limit) if shown == limit and offset + limit <= DEEPEST else None


def _repository(one: Overview) -> Repository:
    found = Found(one.name, one.description, one.is_official, one.is_public, one.stars, one.pulls, one.updated_ns,
                  one.pulled_ns, one.is_starred)  # fmt: skip
    return Repository(*found, one.readme, one.created_ns, one.tags, list(one.platforms))


def _tag(one: Tag) -> TagSeen:
    images = [Image(*part) for part in one.parts]
    same = [SameImage(other.tag, list(other.platforms)) for other in one.same]
    return TagSeen(one.name, one.digest, one.media_type, one.pushed_ns, one.pulled_ns, images, one.attestations, same)


def _star(found: Stars) -> Star:
    return Star(found.total, found.is_mine)


def _totals(days: list[Day]) -> list[int]:
    return [day.total for day in days]


OPERATIONS = (
    Operation("GET", "/search", search_repositories, public=True),
    Operation("GET", "/repositories/{name:path}", get_repository, public=True),
    Operation("GET", "/tags/{name:path}", list_repository_tags, public=True),
    Operation("GET", "/digests/{digest}", list_tags_of_digest, public=True),
    Operation("GET", "/counts/{name:path}", get_counts, public=True),
    Operation("PUT", "/stars/{name:path}", add_star),
    Operation("DELETE", "/stars/{name:path}", remove_star),
)
