"""Who is let in to the distribution API, and what is said to whoever has to show something first.

Spec: OCI distribution-spec, "Authentication"; distribution's "Token Authentication Specification"; RFC 6750, section 3.
"""

from __future__ import annotations

from capas.errors import Invalid
from capas.hub.distribution.message import Request, header, search_near
from capas.hub.distribution.refusal import UNAUTHORIZED, Code, Refused
from capas.hub.distribution.route import CATALOG, MANIFEST, UPLOAD, UPLOADS, Route
from capas.hub.hub import Call, Hub
from capas.hub.people import access, passes
from capas.hub.people.access import Action, Identity

_ASKED = {"pull": "pull", "push": "pull,push", "delete": "pull,delete"}


def action_of(method: str, route: Route) -> Action:
    """What a request wants to do in its repository."""
    if route.kind in (UPLOAD, UPLOADS) or method == "PUT":
        return "push"
    return "delete" if method == "DELETE" else "pull"


def needs_login(call: Call, action: Action) -> bool:
    """Whether what may not be done might be with another pass, or by somebody: the repository is there or not."""
    identity = call.identity
    if identity.access is not None:
        return (call.route.name, action) not in identity.access
    return not identity.name and not call.hub.options.open


def admit(call: Call) -> Identity:
    """Who asks for what belongs to no repository: somebody. Clients ask /v2/ to learn how to log in.

    Raises: Refused.
    """
    hub, identity = call.hub, call.identity
    if identity.access is not None:
        if call.route.kind == CATALOG and (access.CATALOG, "pull") not in identity.access:
            raise demand(hub, call.request, call.route)
        return identity._replace(access=None)
    if not identity.name and not hub.options.open:
        raise demand(hub, call.request, call.route)
    return identity


def demand(hub: Hub, request: Request, route: Route, message: str = "", *, error: str = "") -> Refused:
    """The refusal that says where a pass is to be had, and for what."""
    try:
        realm = hub.doors.origins.find(request.scope).url + "/token"
    except Invalid as invalid:
        return Refused(Code("UNSUPPORTED", 400), str(invalid))
    said = {"realm": realm, "service": passes.SERVICE, "scope": _scope(request, route)}
    said["error"] = error or ("insufficient_scope" if request.header(b"authorization") else "")
    challenge = "Bearer " + ",".join(f'{name}="{value}"' for name, value in said.items() if value)
    detail = {"name": route.name} if route.name else None
    headers = [header("www-authenticate", challenge)]
    if route.kind == MANIFEST:
        headers.append(search_near(route.name))
    return Refused(UNAUTHORIZED, message or "authentication required", detail=detail, headers=tuple(headers))


def _scope(request: Request, route: Route) -> str:
    if route.kind == CATALOG:
        return "registry:catalog:*"
    return f"repository:{route.name}:{_ASKED[action_of(request.method, route)]}" if route.name else ""
