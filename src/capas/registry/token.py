"""Bearer tokens: asking the realm of a challenge for one, and whom to trust with a login.

Spec: distribution's "Token Authentication Specification" and "Oauth2 Token Authentication".
"""

from __future__ import annotations

import base64
import json
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from capas.errors import Corrupt, Denied, Unauthenticated
from capas.registry.challenge import Challenge
from capas.registry.credentials import Login
from capas.registry.message import Conversation, Request, Response, host_of
from capas.registry.redirect import follow
from capas.registry.refusal import refused
from capas.registry.retry import insist
from capas.registry.trust import bare_host, is_loopback, is_private, is_related, origin

_LARGEST = 1 << 20
_LEAST_SECONDS = 60
CLIENT_ID = "capas"


class Token(NamedTuple):
    """A bearer token and how long it holds, counted from its arrival."""

    text: str
    seconds: float
    identity: str = ""  # what stands for the login from now on, where it was asked for

    def __repr__(self) -> str:
        return f"Token(seconds={self.seconds})"


def basic(login: Login) -> str:
    """The Authorization header of a name and a secret."""
    return "Basic " + base64.b64encode(f"{login.username}:{login.secret}".encode()).decode()


def ask_token(
    challenge: Challenge, scopes: frozenset[str], login: Login | None, domain: str, *, stay: bool = False
) -> Conversation[Token]:
    """Get a token for these scopes from the challenge's realm, as `login` or as nobody.

    `stay`: an identity token too.
    Order: `check_realm` first. Raises: Unauthenticated for a wrong login; Unavailable; Corrupt.
    """
    realm = challenge.get("realm")
    if login is not None and login.identity_token:
        response = yield from insist(_form(realm, challenge, scopes, login))  # a redirect must not carry the body on
    else:
        response = yield from follow(_query(realm, challenge, scopes, login, stay=stay))
    if response.status in (400, 401) and login is not None:
        response.discard()
        raise wrong_login(domain)
    if response.status != 200:
        raise refused(response, f"a token from {host_of(realm)}")
    return _read_token(response)


def check_realm(registry_url: str, realm: str, *, known: bool, login: Login | None) -> None:
    """Refuse a realm that a registry may not send us to, with or without a login.

    Never from https to plain http, in plain http only to the registry itself, never from outside to a private address;
    a login goes to hosts related to the registry, or `known` (a login is kept for them too). Raises: Denied; Corrupt.
    """
    scheme, host, _ = _origin(realm)
    registry_scheme, registry_host, _ = origin(registry_url)
    facts = {"host": host_of(registry_url), "realm": host}
    if scheme not in ("http", "https") or not host or urlsplit(realm).username is not None:
        raise Corrupt("{host} asks for a token from an address that is none", **facts)
    local = bare_host(host) == registry_host or (is_loopback(host) and is_loopback(registry_host))
    if scheme == "http" and (registry_scheme == "https" or not local):
        raise Denied("{host} asks for a token from {realm} in plain http: refused", **facts)
    if is_private(host) and not is_private(registry_host) and not local:
        raise Denied("{host} asks for a token from the private address {realm}: refused", **facts)
    if login is not None and not (known or local or is_related(registry_host, host)):
        raise Denied(
            "{host} wants its login to be told to {realm}, which is not related to it: refused",
            hint="if you trust it: `capas login {realm}`", **facts,
        )  # fmt: skip


def wrong_login(domain: str) -> Unauthenticated:
    """The registry knows us not."""
    return Unauthenticated(
        "wrong user name or password for {domain}", domain=domain, hint="`capas login {domain}` to give them again"
    )


def _origin(url: str) -> tuple[str, str, int]:
    try:
        return origin(url)
    except ValueError:
        return "", "", 0


def _query(
    realm: str, challenge: Challenge, scopes: frozenset[str], login: Login | None, *, stay: bool = False
) -> Request:
    parts = urlsplit(realm)
    query = parse_qsl(parts.query)
    if challenge.get("service"):
        query.append(("service", challenge.get("service")))
    query += [("scope", scope) for scope in sorted(scopes)]
    headers = {}
    if login is not None:
        query += [("account", login.username), ("client_id", CLIENT_ID)]
        headers["Authorization"] = basic(login)
    if stay:
        query.append(("offline_token", "true"))
    url = parts._replace(query=urlencode(query, quote_via=quote, safe=":/,"), fragment="").geturl()
    return Request("GET", url, headers)


def _form(realm: str, challenge: Challenge, scopes: frozenset[str], login: Login) -> Request:
    form = {
        "grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": CLIENT_ID,
        "service": challenge.get("service"), "scope": " ".join(sorted(scopes)),
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", realm, headers, urlencode(form).encode())


def _read_token(response: Response) -> Token:
    host = host_of(response.url)
    try:
        answer = json.loads(response.data(_LARGEST))
        text = answer.get("token") or answer.get("access_token")
        seconds = answer.get("expires_in") or _LEAST_SECONDS
        identity = answer.get("refresh_token")
    except (ValueError, AttributeError, RecursionError):
        text, seconds, identity = None, 0, None
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        raise Corrupt("{host} answers with something that is no token", host=host)
    if not isinstance(seconds, int | float) or not seconds >= _LEAST_SECONDS:
        seconds = _LEAST_SECONDS
    return Token(text, float(seconds), identity if isinstance(identity, str) else "")
