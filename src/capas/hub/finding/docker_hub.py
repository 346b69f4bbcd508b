"""Docker Hub's own API below /v2/ for repositories, tags and search, in the shapes that its clients read.

The distribution API has these paths first: `/v2/repositories/…/tags/list` and `…/manifests/…` are its own.
Spec: Docker Hub API, https://docs.docker.com/reference/api/hub/latest/ ("Repositories", "Tags").
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from capas.errors import NotFound
from capas.hub.api.operation import Ask, Operation
from capas.hub.finding.overview import Overview, get_overview
from capas.hub.finding.parts import Part
from capas.hub.finding.query import Filters, Found, Order, Query
from capas.hub.finding.search import search
from capas.hub.finding.tags import Tag, TagOrder, TagQuery, find_tag, list_tags
from capas.hub.people.access import Action
from capas.image.created import format_created
from capas.oci.platform import Platform

T = TypeVar("T")
_RIGHTS: tuple[tuple[str, Action], ...] = (("read", "pull"), ("write", "push"), ("admin", "manage"))


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Pages are counted from 1. What else clients send is passed over."""

    page: Annotated[int, Meta(ge=1, le=10_000)] = 1
    page_size: Annotated[int, Meta(ge=1)] = 10
    name: Annotated[str, Meta(max_length=255)] = ""
    ordering: Annotated[str, Meta(max_length=40)] = ""

    @property
    def size(self) -> int:
        """Entries in a page."""
        return min(self.page_size, 100)

    @property
    def offset(self) -> int:
        """Entries before it."""
        return (self.page - 1) * self.size


class SearchQuery(Paging, frozen=True, kw_only=True):
    """Words, and whether only official ones are wanted."""

    query: Annotated[str, Meta(max_length=1000)] = ""
    is_official: bool | None = None


class Results(msgspec.Struct, Generic[T], frozen=True):
    """A page, and the addresses of those around it."""

    count: int
    next: str | None
    previous: str | None
    results: list[T]


class SearchResult(msgspec.Struct, frozen=True):
    """One repository of a search."""

    repo_name: str
    short_description: str
    star_count: int
    pull_count: int
    is_official: bool
    repo_owner: str = ""
    is_automated: bool = False


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """One repository of a namespace."""

    name: str
    namespace: str
    user: str
    description: str
    is_private: bool
    star_count: int
    pull_count: int
    last_updated: str | None
    repository_type: str = "image"
    status: int = 1
    status_description: str = "active"
    is_automated: bool = False


class RepositoryDetail(Repository, frozen=True, kw_only=True):
    """One repository, whole."""

    full_description: str
    has_starred: bool
    date_registered: str | None
    permissions: dict[str, bool]


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image of a tag."""

    architecture: str
    os: str
    variant: str | None
    digest: str
    size: int
    status: str = "active"
    features: str = ""
    os_features: str = ""
    os_version: str | None = None


class TagDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A tag. `full_size`: bytes of its first image, as Docker Hub says it."""

    name: str
    digest: str
    media_type: str
    full_size: int
    images: list[Image]
    last_updated: str | None
    tag_last_pushed: str | None
    tag_last_pulled: str | None
    content_type: str = "image"
    tag_status: str = "active"
    v2: bool = True


def search_repositories(ask: Ask, *, query: SearchQuery) -> Results[SearchResult]:
    """Repositories that have all the words; official ones by their short name."""
    wanted = Query(query.query, Filters(official=query.is_official), limit=query.size, offset=query.offset)
    found = search(ask.hub, ask.identity, wanted)
    results = [
        SearchResult(one.name.removeprefix("library/"), one.description, one.stars, one.pulls, one.is_official)
        for one in found.results
    ]
    return _page(ask, query, found.total, results)


def list_repositories(ask: Ask, namespace: str, *, query: Paging) -> Results[Repository]:
    """The repositories of a namespace, those most pulled first."""
    order: Order = "stars" if "star" in query.ordering else "pulls"
    wanted = Query(query.name, Filters(namespace=namespace), order, query.size, query.offset)
    found = search(ask.hub, ask.identity, wanted)
    return _page(ask, query, found.total, [_repository(one) for one in found.results])


def get_repository(ask: Ask, namespace: str, name: str) -> RepositoryDetail:
    """One repository."""
    found = _get(ask, namespace, name)
    may = {right: ask.hub.authorise(ask.identity, found.name, action) for right, action in _RIGHTS}
    return RepositoryDetail(
        **msgspec.structs.asdict(_repository(found)),
        full_description=found.readme,
        has_starred=found.is_starred,
        date_registered=_time(found.created_ns),
        permissions=may,
    )


def list_repository_tags(ask: Ask, namespace: str, name: str, *, query: Paging) -> Results[TagDetail]:
    """The tags of a repository, newest first."""
    found = _get(ask, namespace, name)
    order: TagOrder = "name" if query.ordering.strip("-") == "name" else "newest"
    page = list_tags(ask.hub, found.name, TagQuery(query.name, order, query.size, query.offset))
    return _page(ask, query, page.total, [_tag(one) for one in page.tags])


def get_tag(ask: Ask, namespace: str, name: str, tag: str) -> TagDetail:
    """One tag."""
    repository = _get(ask, namespace, name).name
    found = find_tag(ask.hub, repository, tag)
    if found is None:
        raise NotFound("{repository} has no tag {tag}", repository=repository, tag=tag[:128])
    return _tag(found)


def _get(ask: Ask, namespace: str, name: str) -> Overview:
    return get_overview(ask.hub, ask.identity, f"{namespace}/{name}")


def _page(ask: Ask, query: Paging, count: int, results: list[T]) -> Results[T]:
    more = query.offset + query.size < count
    return Results(
        count=count,
        next=_address(ask, query, query.page + 1) if more else None,
        previous=_address(ask, query, query.page - 1) if query.page > 1 else None,
        results=results,
    )


def _address(ask: Ask, query: Paging, page: int) -> str:
    given = {name: value for name, value in msgspec.structs.asdict(query).items() if value not in ("", None)}
    return f"{ask.url}?{urlencode({**given, 'page': page})}"


def _repository(one: Found | Overview) -> Repository:
    namespace, _, name = one.name.rpartition("/")
    return Repository(
        name=name,
        namespace=namespace,
        user=namespace,
        description=one.description,
        is_private=not one.is_public,
        star_count=one.stars,
        pull_count=one.pulls,
        last_updated=_time(one.updated_ns),
    )


def _tag(one: Tag) -> TagDetail:
    return TagDetail(
        name=one.name,
        digest=one.digest,
        media_type=one.media_type,
        full_size=one.parts[0].image_bytes if one.parts else 0,
        images=[_image(part) for part in one.parts],
        last_updated=_time(one.pushed_ns),
        tag_last_pushed=_time(one.pushed_ns),
        tag_last_pulled=_time(one.pulled_ns),
    )


def _image(part: Part) -> Image:
    os, architecture, variant = Platform.parse(part.platform) if part.platform else ("", "", "")
    return Image(architecture=architecture, os=os, variant=variant or None, digest=part.digest, size=part.image_bytes)


def _time(time_ns: int) -> str | None:
    return format_created(time_ns) if time_ns else None


_REPOSITORY = ("/v2/repositories/{namespace}/{name:path}", "/v2/namespaces/{namespace}/repositories/{name:path}")
OPERATIONS = (
    Operation("GET", "/v2/search/repositories", search_repositories, public=True),
    *(Operation("GET", f"{path}/tags/{{tag}}", get_tag, public=True) for path in _REPOSITORY),
    *(Operation("GET", f"{path}/tags", list_repository_tags, public=True) for path in _REPOSITORY),
    Operation("GET", "/v2/namespaces/{namespace}/repositories", list_repositories, public=True),
    Operation("GET", "/v2/repositories/{namespace}", list_repositories, public=True),
    *(Operation("GET", path, get_repository, public=True) for path in reversed(_REPOSITORY)),
)
