"""Operations: what the JSON API can be asked, each a plain function whose signature says what it takes and gives.

    def add_star(ask: Ask, name: str, *, body: NewStar) -> Star:
        \"""Star a repository.\"""

    OPERATIONS = (Operation("POST", "/stars/{name:path}", add_star, status=201),)

After `ask` come the parts of the path by their names (`str` or `int`), `query` (a struct of the query's parameters)
and `body` (a struct of the JSON body). It gives a struct, a `Page` of structs, or None (204). Its docstring is its
documentation. It runs in a thread, so it may ask the records; what it raises are our kinds (`refusals.py` has their
statuses). `all.py` gathers the operations of all modules.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_type_hints

import msgspec

from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.people.audit import By

T = TypeVar("T")


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of what comes in: a field that the API does not know is an error, never ignored."""


class Paging(Taken, frozen=True):
    """The query of every list. A struct of more parameters derives from it."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    after: str = ""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list. `next` is what to give as `after` for the rest; null at the end."""

    items: list[T]
    next: str | None = None


class Ask(NamedTuple):
    """Who asks which hub, at which address (`url`, without the query) and from which."""

    hub: Hub
    identity: Identity
    url: str = ""
    address: str = ""

    @property
    def by(self) -> By:
        """Who does what is asked, for the audit log."""
        return By(self.identity.name, self.address, self.hub.now_ns())


class Operation(NamedTuple):
    """A method and a path below /api/v1, and the function that does it. `public`: also for those who do not log in."""

    method: str
    path: str
    work: Callable[..., Any]
    status: int = 200
    public: bool = False

    @property
    def shape(self) -> Shape:
        """What the function takes and gives, read off its signature."""
        hints = get_type_hints(self.work, include_extras=True)
        gives = hints.pop("return", type(None))
        names = list(inspect.signature(self.work).parameters)[1:]
        parts = {name: hints[name] for name in names if name not in ("query", "body")}
        return Shape(parts, hints.get("query"), hints.get("body"), gives)


class Shape(NamedTuple):
    """The types of an operation."""

    parts: dict[str, Any]
    query: Any
    body: Any
    gives: Any
