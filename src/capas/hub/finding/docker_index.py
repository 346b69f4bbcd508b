"""`/v1/search`, as docker's daemon, podman and skopeo ask a registry for images by name.

Spec: docker's Registry API v1, "Search"; what moby's registry/search_session.go and containers/image read of it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from capas.hub.api.operation import Ask, Operation
from capas.hub.finding.query import Found, Query
from capas.hub.finding.search import search

_Text = Annotated[str, Meta(max_length=1000)]


class SearchQuery(msgspec.Struct, frozen=True):
    """`n` results a page, at most 100; pages are counted from 1. What else clients send is passed over."""

    q: _Text = ""
    n: Annotated[int, Meta(ge=1)] = 25
    page: Annotated[int, Meta(ge=1, le=10_000)] = 1


class Result(msgspec.Struct, frozen=True):
    """One repository."""

    name: str
    description: str
    star_count: int
    pull_count: int
    is_official: bool
    is_automated: bool = False
    is_trusted: bool = False


class Results(msgspec.Struct, frozen=True):
    """A page."""

    num_pages: int
    num_results: int
    page: int
    page_size: int
    query: str
    results: list[Result]


class Pong(msgspec.Struct, frozen=True):
    """What docker's daemon looks for before it searches."""

    standalone: bool = True


def ping(_ask: Ask) -> Pong:
    """There is an index here."""
    return Pong()


def search_index(ask: Ask, *, query: SearchQuery) -> Results:
    """Repositories that have all the words."""
    size = min(query.n, 100)
    found = search(ask.hub, ask.identity, Query(query.q, limit=size, offset=(query.page - 1) * size))
    return Results(
        num_pages=-(-found.total // size),
        num_results=found.total,
        page=query.page,
        page_size=size,
        query=query.q,
        results=[_result(one) for one in found.results],
    )


def _result(one: Found) -> Result:
    return Result(one.name, one.description, one.stars, one.pulls, one.is_official)


OPERATIONS = (
    Operation("GET", "/v1/_ping", ping, public=True),
    Operation("GET", "/v1/search", search_index, public=True),
)
