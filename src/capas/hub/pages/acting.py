"""What a form asks for: done, and told on the next page; or the same page again, with what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from starlette.responses import Response

from capas.errors import AlreadyExists, CapasError, Conflict, Denied, Invalid, NotFound
from capas.hub.pages.visit import Visit
from capas.hub.people.access import ROLES, Role

T = TypeVar("T")
Show = Callable[..., Response]


def act(visit: Visit, show: Show, work: Callable[[], str], place: str) -> Response:
    """Do `work`, which gives what is to be said, and go on to `place`. `show(visit, error=…)` shows the form again."""
    try:
        said = work()
    except (AlreadyExists, Conflict, Denied, Invalid, NotFound) as error:
        response = show(visit, error=words_of(visit, error))
        response.status_code = 409 if isinstance(error, AlreadyExists | Conflict) else 400
        return response
    return visit.redirect(place, said=said)


def chosen(visit: Visit, works: Mapping[str, T]) -> T:
    """That of the works which the form names by its field `do`. Raises: NotFound for a form that the page lacks."""
    work = works.get(field(visit, "do"))
    if work is None:
        raise NotFound("there is no such form")
    return work


def words_of(visit: Visit, error: CapasError) -> str:
    """An error and what to do about it, in the reader's language."""
    said = visit.say(error.message, **error.facts)
    return f"{said}: {visit.say(error.hint_template, **error.facts)}" if error.hint_template else said


def field(visit: Visit, name: str) -> str:
    """A field of the form, without blanks around it; empty where it was not sent."""
    return str(visit.form.get(name, "")).strip()


def role_field(visit: Visit, name: str = "role") -> Role:
    """A field that is a role. Raises: Invalid."""
    wanted = field(visit, name)
    for role in ROLES:
        if role == wanted:
            return role
    raise Invalid("not a role: {role}", role=wanted[:100], hint="choose one of the list")


def confirm_name(visit: Visit, name: str) -> None:
    """That the name of what is to be deleted was typed. Raises: Invalid."""
    if field(visit, "confirm") != name:
        raise Invalid("that is not the name: {name}", name=name, hint="type it to confirm")
