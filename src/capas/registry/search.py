"""Search over the wire: a hub of ours, docker's index of old, a registry that only lists, and Docker Hub itself.

Spec: our `/api/v1/openapi.json`; docker's Registry API v1, "Search"; Docker Hub's `/v2/search/repositories/`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec

from capas.errors import Corrupt, NotFound, Unsupported
from capas.oci.document import MAX_BYTES, decode
from capas.registry.endpoint import Endpoint
from capas.registry.listings import list_catalog
from capas.registry.message import Conversation
from capas.registry.refusal import refused
from capas.registry.scope import CATALOG
from capas.registry.session import Session

T = TypeVar("T")
Order = Literal["relevance", "stars", "pulls"]
ORDERS: tuple[Order, ...] = ("relevance", "stars", "pulls")
MOST = 100  # hits, whatever is asked for: one page everywhere

# Docker Hub's search is not where its images are
DOCKER_HUB = Endpoint("docker.io", ("https://hub.docker.com",))
DOCKER_INDEX = Endpoint("docker.io", ("https://index.docker.io",))
_TRIES = 2


class Wanted(NamedTuple):
    """What is searched for. None: whether or not. `limit` counts hits."""

    text: str
    order: Order = "relevance"
    official: bool | None = None
    automated: bool | None = None
    least_stars: int = 0
    limit: int = 25


class Hit(NamedTuple):
    """A repository that was found, by its name in its registry. `pulls` is None where that is not told."""

    name: str
    description: str = ""
    stars: int = 0
    pulls: int | None = None
    is_official: bool = False
    is_automated: bool = False


class Hits(NamedTuple):
    """What was found, and names that may have been meant where nothing was."""

    hits: tuple[Hit, ...] = ()
    suggestions: tuple[str, ...] = ()


class _Item(msgspec.Struct):
    name: str
    description: str = ""
    stars: int = 0
    pulls: int = 0
    is_official: bool = False


class Ours(msgspec.Struct):
    """What a hub of ours answers."""

    items: list[_Item]
    suggestions: list[str] = []


class _Indexed(msgspec.Struct):
    name: str
    description: str | None = ""
    star_count: int = 0
    pull_count: int | None = None
    is_official: bool = False
    is_automated: bool = False

    @property
    def hit(self) -> Hit:
        return Hit(
            self.name, self.description or "", self.star_count, self.pull_count, self.is_official, self.is_automated
        )


class _Index(msgspec.Struct):
    results: list[_Indexed] | None


class _HubResult(_Indexed, kw_only=True):
    name: str = msgspec.field(name="repo_name")
    description: str | None = msgspec.field(default="", name="short_description")


class _Hub(msgspec.Struct):
    results: list[_HubResult] | None


def search_registry(session: Session, wanted: Wanted) -> Conversation[Hits]:
    """What a registry finds, by the best way that it knows.

    Raises: Unauthenticated; Denied; Unavailable; Unsupported where it knows none.
    """
    response = yield from session.ask(
        "GET", "/v2/", scopes=CATALOG, tries=_TRIES
    )  # lets us in, so that private ones are found too
    response.discard()
    for way in (_search_ours, search_index):
        try:
            return (yield from way(session, wanted))
        except Unsupported:
            continue
    return (yield from _search_catalog(session, wanted))


def search_docker_hub(session: Session, wanted: Wanted) -> Conversation[Hits]:
    """What Docker Hub finds. Raises: Unavailable; Unsupported."""
    query = {"query": wanted.text, "page_size": _asked(wanted), "page": 1}
    found = yield from _get(session, f"/v2/search/repositories/?{urlencode(query)}", _Hub)
    return Hits(_choose([one.hit for one in found.results or ()], wanted))


def search_index(session: Session, wanted: Wanted) -> Conversation[Hits]:
    """What docker's daemon would find. Raises: Unauthenticated; Denied; Unavailable; Unsupported."""
    query = {"q": wanted.text, "n": _asked(wanted), "page": 1}
    found = yield from _get(session, f"/v1/search?{urlencode(query)}", _Index)
    return Hits(_choose([one.hit for one in found.results or ()], wanted))


def _search_ours(session: Session, wanted: Wanted) -> Conversation[Hits]:
    query: dict[str, object] = {"q": wanted.text, "order": wanted.order, "limit": wanted.limit}
    if wanted.least_stars:
        query["stars"] = wanted.least_stars
    if wanted.official is not None:
        query["official"] = str(wanted.official).lower()
    found = yield from _get(session, f"/api/v1/search?{urlencode(query)}", Ours)
    hits = [Hit(one.name, one.description, one.stars, one.pulls, one.is_official) for one in found.items]
    return Hits(tuple(hit for hit in hits if _fits(hit, wanted)), tuple(found.suggestions))


def _search_catalog(session: Session, wanted: Wanted) -> Conversation[Hits]:
    """A registry that can only list: the names that have all the words in them."""
    try:
        names = yield from list_catalog(session)
    except (NotFound, Unsupported) as error:
        raise _unsearchable(session) from error
    words = wanted.text.lower().split()
    return Hits(_choose([Hit(name) for name in names if all(word in name for word in words)], wanted))


def _get(session: Session, path: str, kind: type[T]) -> Conversation[T]:
    """Raises: Unsupported where there is nothing of this kind at the path."""
    headers = {"Accept": "application/json"}
    response = yield from session.ask("GET", path, scopes=CATALOG, headers=headers, tries=_TRIES)
    if response.status in (401, 403, 429) or response.status >= 500:
        raise refused(response, session.endpoint.host)
    if response.status != 200:
        response.discard()
        raise _unsearchable(session)
    try:
        return decode(response.data(MAX_BYTES), kind, "search results")
    except Corrupt as error:
        raise _unsearchable(session) from error


def _choose(hits: list[Hit], wanted: Wanted) -> tuple[Hit, ...]:
    """Those that fit, in order, for whoever answers without having heard of filters."""
    fitting = [hit for hit in hits if _fits(hit, wanted)]
    if wanted.order == "stars":
        fitting.sort(key=lambda hit: -hit.stars)
    elif wanted.order == "pulls":
        fitting.sort(key=lambda hit: -(hit.pulls or 0))
    return tuple(fitting[: wanted.limit])


def _fits(hit: Hit, wanted: Wanted) -> bool:
    return (
        wanted.official in (None, hit.is_official)
        and wanted.automated in (None, hit.is_automated)
        and hit.stars >= wanted.least_stars
    )


def _asked(wanted: Wanted) -> int:
    """How many to ask for: more than are wanted where we choose or sort ourselves."""
    plain = wanted._replace(text="", limit=25) == Wanted("")
    return wanted.limit if plain else MOST


def _unsearchable(session: Session) -> Unsupported:
    return Unsupported("{host} cannot be searched", host=session.endpoint.host)
