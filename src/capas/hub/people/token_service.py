"""`/token`: docker's token service. Credentials come in, a pass for what they may do of what was asked comes out.

Whoever may not do something gets a pass without it, as docker's clients expect: the registry then says so.
An identity token counts as its person's password here, and nowhere else: `podman login` reads passwords alone.
Spec: distribution's "Token Authentication Specification" (GET) and "Oauth2 Token Authentication" (POST).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from capas.errors import CapasError, Invalid, NotFound, Unauthenticated
from capas.hub.distribution.names import is_repository
from capas.hub.distribution.refusal import Code, Refused, refusal_of
from capas.hub.hub import Hub
from capas.hub.pages.forms import read_form
from capas.hub.people.access import Action, Identity
from capas.hub.people.audit import By
from capas.hub.people.keys import PASS_SECONDS
from capas.hub.people.login import check_login
from capas.hub.people.passes import ACTIONS, SERVICE, Granted, issue
from capas.hub.people.sessions import CLIENT_PREFIX, find_session, start_session
from capas.hub.people.tokens import PREFIX, find_bearer
from capas.hub.people.who import authorization, identify, read_login
from capas.hub.spans import SECOND_NS

_MOST_SCOPES = 100
_SCOPE = re.compile(r"(repository|registry)(?:\([a-z]+\))?:(.+):([a-z*,]+)", re.ASCII)


class Wanted(NamedTuple):
    """What is asked for. `client`: how the client calls itself, where it wants to stay logged in; else empty."""

    scopes: tuple[str, ...]
    client: str


async def answer_get(request: Request) -> Response:
    """GET: who asks is said by Authorization (Basic), or is anybody."""
    hub: Hub = request.app.state.hub
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    fields = dict(pairs)
    scopes = tuple(one for name, value in pairs if name == "scope" for one in value.split())
    identity, session = await _identify(hub, request)
    if identity.access is not None:
        raise Unauthenticated("a pass gets no other pass: it would never end")
    client = fields.get("client_id", "docker") if fields.get("offline_token") == "true" else ""
    return await hub.hop(_grant, hub, request, identity, _wanted(fields, scopes, client), session)


async def _identify(hub: Hub, request: Request) -> tuple[Identity, str]:
    """Who asks, and the identity token that was shown as a password, or nothing. Raises: Unauthenticated; TooMany."""
    scheme, _, value = authorization(request).partition(b" ")
    if scheme.lower() == b"basic":
        name, secret = read_login(value.strip().decode("latin-1"))
        if secret.startswith(CLIENT_PREFIX):
            return await hub.hop(_find_by_session, hub, name, secret), secret
    return await identify(hub, request, await hub.turn()), ""


def _find_by_session(hub: Hub, name: str, secret: str) -> Identity:
    """The person of this name, by an identity token. Raises: Unauthenticated."""
    found = find_session(hub.database, secret, "client", hub.now_ns())
    if found is None or found.name != name:
        raise Unauthenticated("wrong user name or password")
    return found


async def answer_post(request: Request) -> Response:
    """POST: a form with a password, or with the identity token of an earlier one."""
    hub: Hub = request.app.state.hub
    form = {name: str(value) for name, value in (await read_form(request)).items()}
    client = form.get("client_id", "docker") if form.get("access_type") == "offline" else ""
    wanted = _wanted(form, tuple(form.get("scope", "").split()), client)
    by = By(form.get("username", ""), hub.doors.origins.find_address(request.scope), hub.now_ns())
    identity = await hub.hop(_find_grantee, hub, form, by)
    password = form.get("password", "")
    shown = password if password.startswith(CLIENT_PREFIX) else form.get("refresh_token", "")
    return await hub.hop(_grant, hub, request, identity, wanted, shown)


def _find_grantee(hub: Hub, form: Mapping[str, str], by: By) -> Identity:
    """Whose form it is. Raises: Unauthenticated; TooMany; Invalid."""
    match form.get("grant_type"):
        case "refresh_token":
            found = find_session(hub.database, form.get("refresh_token", ""), "client", by.now_ns)
        case "password" if form.get("password", "").startswith(CLIENT_PREFIX):
            found = _find_by_session(hub, by.name, form["password"])
        case "password" if form.get("password", "").startswith(PREFIX):
            found = find_bearer(hub.database, by.name, form["password"], by.now_ns)
        case "password":
            user = check_login(hub.database, hub.doors.proofs, form.get("password", ""), by)
            found = Identity(user.name, user.number, user.is_admin)
        case other:
            raise Invalid("grant_type is password or refresh_token, not {given}", given=(other or "")[:100])
    if found is None:
        raise Unauthenticated("wrong user name or password")
    return found


def _wanted(fields: Mapping[str, str], scopes: tuple[str, ...], client: str) -> Wanted:
    """Raises: Invalid for what no client of ours can mean."""
    if fields.get("service", SERVICE) not in ("", SERVICE):
        raise Invalid("this is the service {service}, not {given}", service=SERVICE, given=fields["service"][:100])
    if len(scopes) > _MOST_SCOPES:
        raise Invalid("a token is for {most} scopes at most", most=_MOST_SCOPES)
    return Wanted(scopes, client)


def _grant(hub: Hub, request: Request, identity: Identity, wanted: Wanted, refresh: str = "") -> Response:
    """The answer with a pass, and an identity token for a person who logged in by password and wants one."""
    now_ns = hub.now_ns()
    granted = [one for scope in wanted.scopes if (one := _judge(hub, identity, scope)).actions]
    text = issue(hub.doors.keys, identity, granted, now_ns, hub.new_token()[:32])
    said: dict[str, Any] = {
        "token": text,
        "access_token": text,
        "expires_in": PASS_SECONDS,
        "issued_at": datetime.fromtimestamp(now_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "scope": " ".join(f"{one.type}:{one.name}:{','.join(one.actions)}" for one in granted),
    }
    user = identity.user
    if refresh:
        said["refresh_token"] = refresh
    elif wanted.client and user is not None and identity.token is None:
        secret = said["refresh_token"] = CLIENT_PREFIX + hub.new_token()
        by = By(identity.name, hub.doors.origins.find_address(request.scope), now_ns)
        hub.database.write(lambda db: start_session(db, user, secret, "client", client=wanted.client, by=by))
    return _respond(200, said)


def _judge(hub: Hub, identity: Identity, scope: str) -> Granted:
    """What of a scope may be done. Raises: Invalid for one that cannot be read."""
    match = _SCOPE.fullmatch(scope)
    if match is None:
        raise Invalid("a scope is type:name:actions, not {given}", given=scope[:300])
    kind, name, words = match.groups()
    asked = set(words.split(","))
    if kind == "registry":
        return Granted(kind, name, ["*"] if (name, asked) == ("catalog", {"*"}) else [])
    if not is_repository(name):
        return Granted(kind, name, [])
    actions: Iterable[Action] = ACTIONS if "*" in asked else (one for one in ACTIONS if one in asked)
    return Granted(kind, name, [one for one in actions if hub.authorise(identity, name, one)])


async def _answer(request: Request) -> Response:
    try:
        if request.app.state.hub.options.open:
            raise NotFound("this hub is open: it needs no token")
        return await (answer_post(request) if request.method == "POST" else answer_get(request))
    except Invalid as error:
        return _refuse(Refused(Code("UNSUPPORTED", 400), str(error)), "invalid_request")
    except NotFound as error:
        return _refuse(Refused(Code("UNSUPPORTED", 404), str(error)), "invalid_request")
    except Unauthenticated as error:
        headers = ((b"www-authenticate", b'Basic realm="capas"'),)
        return _refuse(Refused(refusal_of(error).code, str(error), headers=headers), "invalid_grant")
    except CapasError as error:
        return _refuse(refusal_of(error), "temporarily_unavailable")


def _refuse(refused: Refused, error: str) -> Response:
    """An error, as the distribution API says it and as OAuth 2 does."""
    headers = {name.decode(): value.decode() for name, value in refused.headers}
    said = {"error": error, "error_description": str(refused), **msgspec.json.decode(refused.body)}
    return _respond(refused.code.status, said, headers)


def _respond(status: int, said: Mapping[str, object], headers: Mapping[str, str] = {}) -> Response:
    kept = {"cache-control": "no-store", **headers}
    return Response(msgspec.json.encode(said), status, kept, media_type="application/json")


ROUTES: tuple[BaseRoute, ...] = (Route("/token", _answer, methods=["GET", "POST"]),)
