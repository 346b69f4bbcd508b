"""Who asks: the one place where every door of the hub finds it out.

`Authorization` holds a pass of the token protocol (Bearer), a personal or robot token (Bearer, or Basic as the password
of its login), or a name and password (Basic). A browser's cookie counts where its door says so (`identify_session`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import MutableMapping
from typing import Any, NamedTuple, Protocol

from capas.errors import Unauthenticated
from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.people.audit import By
from capas.hub.people.login import check_again
from capas.hub.people.passes import verify
from capas.hub.people.sessions import find_session
from capas.hub.people.tokens import PREFIX, find_bearer

NOBODY = Identity()
_TRUST_NS = 60 * 1_000_000_000  # so long a token may go on after its end; what is revoked ends at once


class Asking(Protocol):
    """A request, whatever its door made of it."""

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """The connection, by ASGI."""


class _Known(NamedTuple):
    """What was found out, at a moment of the records; it holds as long as that, and not longer than `until_ns`."""

    identity: Identity
    until_ns: int


async def identify(hub: Hub, request: Asking, moment: object) -> Identity:
    """Who asks, by the request's Authorization; nobody in particular where it has none. `moment`: of `hub.turn`.

    Raises: Unauthenticated for credentials that are refused; TooMany.
    """
    header = authorization(request)
    if not header or hub.options.open:
        return NOBODY
    scheme, _, value = header.partition(b" ")
    shown = Shown(scheme.lower(), value.strip().decode("latin-1"), hub.doors.origins.find_address(request.scope))
    digest = hub.doors.proofs.digest(header, b"" if shown.scheme == b"bearer" else shown.address.encode())
    known = hub.recent.get(("who", digest), _Known)
    if known is None or known.until_ns <= hub.now_ns():
        known = await hub.doors.once.do(digest, lambda: _find_out(hub, shown, digest))
        hub.recent.keep(moment, ("who", digest), known)
    return known.identity


async def identify_session(hub: Hub, cookie: str) -> Identity:
    """Whose session in a browser the cookie stands for; nobody's where it has ended."""
    if not cookie or hub.options.open:
        return NOBODY
    return await hub.hop(find_session, hub.database, cookie, "page", hub.now_ns()) or NOBODY


def authorization(request: Asking) -> bytes:
    """The header, empty where the client sends none."""
    return next((bytes(value) for name, value in request.scope["headers"] if name == b"authorization"), b"")


def read_login(value: str) -> tuple[str, str]:
    """The name and the secret of `Basic`. Raises: Unauthenticated."""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("wrong user name or password") from None
    return name, secret


class Shown(NamedTuple):
    """What the client shows: a scheme in lower case and what follows it, from its address."""

    scheme: bytes
    value: str
    address: str

    def __repr__(self) -> str:
        return f"Shown({self.scheme!r})"


async def _find_out(hub: Hub, shown: Shown, digest: bytes) -> _Known:
    now_ns = hub.now_ns()
    if shown.scheme == b"bearer" and not shown.value.startswith(PREFIX):
        return await hub.ask(_by_pass, hub, shown.value, digest, now_ns)
    if shown.scheme == b"bearer":
        identity = await _by_token(hub, "", shown.value, now_ns)
    elif shown.scheme == b"basic":
        identity = await _by_login(hub, shown, digest, now_ns)
    else:
        raise Unauthenticated("this way of logging in is not known here")
    return _Known(identity, now_ns + _TRUST_NS)


def _by_pass(hub: Hub, text: str, digest: bytes, now_ns: int) -> _Known:
    """By a pass; its signature is looked at once."""
    passes = hub.doors.proofs.passes
    found = passes.get(digest)
    if found is None:
        found = verify(hub.doors.keys, text, now_ns)
        passes.keep(digest, found)
    if now_ns >= found.until_ns or (found.identity.name and not hub.rights.knows(found.identity)):
        raise Unauthenticated("the token is not valid, or not any more")
    return _Known(found.identity, min(found.until_ns, now_ns + _TRUST_NS))


async def _by_login(hub: Hub, shown: Shown, digest: bytes, now_ns: int) -> Identity:
    """By name and password, or name and token."""
    name, secret = read_login(shown.value)
    if secret.startswith(PREFIX):
        return await _by_token(hub, name, secret, now_ns)
    by = By(name, shown.address, now_ns)
    return await hub.hop(check_again, hub.database, hub.doors.proofs, digest, password=secret, by=by)


async def _by_token(hub: Hub, login: str, secret: str, now_ns: int) -> Identity:
    """By a personal token or a robot's."""
    found = await hub.hop(find_bearer, hub.database, login, secret, now_ns)
    if found is None:
        raise Unauthenticated("wrong user name or password")
    return found
