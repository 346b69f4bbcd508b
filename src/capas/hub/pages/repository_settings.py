"""A repository's settings: what is said of it, who sees it, who may what, its name, its end."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from capas.errors import Denied, Invalid
from capas.hub.events import Happened
from capas.hub.pages.about import About, get_about
from capas.hub.pages.acting import act, chosen, confirm_name, field, role_field
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit
from capas.hub.people import repositories
from capas.hub.people.access import ROLES
from capas.hub.people.repositories import Grant
from capas.hub.people.required import require

_LINE, _README = 200, 200_000


def show_settings(visit: Visit, *, error: str = "") -> Response:
    """For maintainers, what is said of it; for owners, all."""
    about = _about(visit, "delete")
    is_owner = visit.may(about.name, "manage")
    found = repositories.list_grants(visit.hub.database, about.name) if is_owner else []
    return visit.page(
        "repository_settings.html",
        about=about,
        tab="settings",
        is_owner=is_owner,
        grants=found,
        roles=ROLES,
        error=error,
    )


def change_settings(visit: Visit) -> Response:
    """The form `do`."""
    do = field(visit, "do")
    about = _about(visit, "delete" if do == "describe" else "manage")
    works: dict[str, Callable[[Visit, About], str]] = {
        "describe": _describe,
        "visibility": _set_visibility,
        "grant": _set_grant,
        "revoke": _remove_grant,
        "rename": _rename,
        "delete": _delete,
    }
    work = chosen(visit, works)
    new = {"rename": f"/r/{field(visit, 'new')}/-/settings", "delete": f"/u/{about.namespace}", "describe": about.path}
    place = new.get(do, f"{about.path}/-/settings")
    return act(visit, show_settings, lambda: work(visit, about), place)


def _about(visit: Visit, action: str) -> About:
    about = get_about(visit, visit.path_text("name"))
    visit.require(about.name, "manage" if action == "manage" else "delete")
    return about


def _describe(visit: Visit, about: About) -> str:
    description, readme = field(visit, "description"), str(visit.form.get("readme", ""))
    if len(description) > _LINE or len(readme) > _README:
        raise Invalid(
            "this text is too long: {most} characters at most", most=_LINE if len(description) > _LINE else _README
        )
    values = {"description": " ".join(description.split()), "readme": readme}
    repositories.describe(visit.hub.database, about.name, values, visit.by)
    return visit.say("It was saved.")


def _set_visibility(visit: Visit, about: About) -> str:
    is_public = field(visit, "visibility") == "public"
    repositories.set_visibility(visit.hub.database, about.name, is_public, visit.by)
    if is_public:
        return visit.say("Anybody may pull {name} now.", name=about.name)
    return visit.say("Only people with a role may pull {name} now.", name=about.name)


def _set_grant(visit: Visit, about: About) -> str:
    kind, name = _holder(visit)
    repositories.set_grant(visit.hub.database, about.name, Grant(kind, name, role_field(visit)), visit.by)
    return visit.say("{user} is {role} now.", user=name, role=visit.say_role(role_field(visit)))


def _remove_grant(visit: Visit, about: About) -> str:
    kind, name = _holder(visit)
    repositories.remove_grant(visit.hub.database, about.name, kind, name, visit.by)
    return visit.say("{name} has no role of its own here any more.", name=name)


def _holder(visit: Visit):  # type: ignore[no-untyped-def]
    return ("team" if field(visit, "kind") == "team" else "user"), field(visit, "holder")


def _rename(visit: Visit, about: About) -> str:
    new = field(visit, "new")
    require(visit.hub, visit.identity, new, "manage")
    repositories.rename(visit.hub.database, about.name, new, visit.by)
    return visit.say("{old} is called {new} now.", old=about.name, new=new)


def _delete(visit: Visit, about: About) -> str:
    confirm_name(visit, about.name)
    if not visit.hub.options.delete:
        raise Denied("this hub does not delete")
    repositories.delete(visit.hub.database, about.name, visit.by)
    event = Happened("repository.delete", about.name, actor=visit.identity.name, at_ns=visit.hub.now_ns())
    visit.hub.tell(event)
    return visit.say("{name} was deleted.", name=about.name)


ROUTES = [page_route("/r/{name:path}/-/settings", show=show_settings, change=change_settings)]
