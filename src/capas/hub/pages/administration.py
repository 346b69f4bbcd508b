"""Administration: the people of the hub, what its storage holds, and the audit log."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from capas.errors import Invalid, NotFound
from capas.hub.keeping.collect import collect, foresee
from capas.hub.pages.acting import act, chosen, confirm_name, field
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit
from capas.hub.people import accounts
from capas.hub.people.accounts import NewUser
from capas.hub.people.audit import note_alone
from capas.hub.people.closing import delete_user
from capas.hub.people.namespaces import USER, rename_namespace
from capas.hub.people.required import require_admin
from capas.hub.people.usage import list_usage, sum_usage

_PAGE = 50


def show_users(visit: Visit, *, error: str = "") -> Response:
    """Everybody, by name."""
    _require_admin(visit)
    words, after = visit.request.query_params.get("q", "")[:200], visit.request.query_params.get("after", "")[:100]
    found = accounts.list_users(visit.hub.database, after=after, limit=_PAGE + 1, words=words)
    more = found[_PAGE - 1].name if len(found) > _PAGE else ""
    return visit.page("users.html", tab="users", users=found[:_PAGE], more=more, words=words, error=error)


def create_user(visit: Visit) -> Response:
    """A new account."""
    _require_admin(visit)
    return act(visit, show_users, lambda: _create(visit), "/admin/users")


def show_user(visit: Visit, *, error: str = "") -> Response:
    """One account, and what can be done with it."""
    _require_admin(visit)
    user = accounts.find_user(visit.hub.database, visit.path_text("name"))
    if user is None:
        raise NotFound("there is no such user: {name}", name=visit.path_text("name")[:100])
    return visit.page("user.html", tab="users", user=user, error=error)


def change_user(visit: Visit) -> Response:
    """The form `do`."""
    _require_admin(visit)
    name, do = visit.path_text("name"), field(visit, "do")
    works: dict[str, Callable[[Visit, str], str]] = {
        "standing": _set_standing,
        "password": _set_password,
        "rename": _rename,
        "delete": _delete,
    }
    work = chosen(visit, works)
    place = {"rename": f"/admin/users/{field(visit, 'new')}", "delete": "/admin/users"}.get(do, f"/admin/users/{name}")
    return act(visit, show_user, lambda: work(visit, name), place)


def show_storage(visit: Visit) -> Response:
    """What the storage holds, by repository, and what could be freed."""
    _require_admin(visit)
    database = visit.hub.database
    return visit.page(
        "storage.html",
        tab="storage",
        usage=list_usage(database, limit=100),
        total=sum_usage(database),
        garbage=foresee(visit.hub),
    )


def free_storage(visit: Visit) -> Response:
    """Free what nobody needs."""
    _require_admin(visit)
    found = collect(visit.hub)
    note_alone(visit.hub.database, visit.by, "storage.collect", "", detail={"blobs": found.blobs, "bytes": found.size})
    said = visit.say_number("{n} blob was freed.", "{n} blobs were freed.", found.blobs)
    return visit.redirect("/admin/storage", said=said)


def _require_admin(visit: Visit) -> None:
    """Raises: Unauthenticated, Denied."""
    if not visit.hub.options.open:
        visit.require_person()
    require_admin(visit.hub, visit.identity)


def _create(visit: Visit) -> str:
    name, password = field(visit, "name"), str(visit.form.get("password", ""))
    is_admin = field(visit, "is_admin") == "yes"
    new = NewUser(name, password, field(visit, "display_name")[:200], is_admin=is_admin)
    accounts.create_user(visit.hub.database, new, visit.by)
    return visit.say("{name} has an account now.", name=name)


def _set_standing(visit: Visit, name: str) -> str:
    user = accounts.find_user(visit.hub.database, name)
    is_admin, is_active = (field(visit, key) == "yes" for key in ("is_admin", "is_active"))
    if user is not None and user.is_admin != is_admin:
        accounts.set_admin(visit.hub.database, name, is_admin, visit.by)
    if user is not None and user.is_active != is_active:
        accounts.set_active(visit.hub.database, name, is_active, visit.by)
    return visit.say("It was saved.")


def _set_password(visit: Visit, name: str) -> str:
    new = str(visit.form.get("new", ""))
    if new != str(visit.form.get("again", "")):
        raise Invalid("the two passwords differ")
    accounts.set_password(visit.hub.database, name, new, visit.by)
    return visit.say("{name} has another password now", name=name)


def _rename(visit: Visit, name: str) -> str:
    new = field(visit, "new")
    rename_namespace(visit.hub.database, name, USER, new, visit.by)
    return visit.say("{old} is called {new} now.", old=name, new=new)


def _delete(visit: Visit, name: str) -> str:
    confirm_name(visit, name)
    delete_user(visit.hub.database, name, visit.by, with_repositories=field(visit, "repositories") == "yes")
    return visit.say("{name} was deleted.", name=name)


ROUTES = [
    page_route("/admin/users", show=show_users, change=create_user),
    page_route("/admin/users/{name}", show=show_user, change=change_user),
    page_route("/admin/storage", show=show_storage, change=free_storage),
]
