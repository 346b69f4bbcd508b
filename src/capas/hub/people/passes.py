"""Passes: the short-lived bearer tokens of docker's token protocol, made and verified.

A pass says whose it is and what was granted, for five minutes. It opens nothing by itself: rights are asked of the
records at each request as well, so that what was taken away is gone at once.
Spec: distribution's "Token Authentication Implementation"; RFC 7519; RFC 8725 (best practices).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from capas.hub.spans import SECOND_NS

if TYPE_CHECKING:
    from jwt.types import Options

from capas.errors import Unauthenticated
from capas.hub.people.access import CATALOG, Access, Action, Identity
from capas.hub.people.keys import PASS_SECONDS, Key, Keys
from capas.typed import from_plain

ACTIONS: tuple[Action, ...] = ("pull", "push", "delete")
SERVICE = "capas"  # the audience, and the `service` of our challenges
_ISSUER = "capas-hub"
_LEEWAY_SECONDS = 30  # clocks of several machines
_LONGEST = 16 * 1024
_HEADERS = frozenset({"alg", "kid", "typ"})
_REQUIRED = ("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "access")


class Granted(msgspec.Struct, frozen=True):
    """One entry of the claim `access`: `repository` with pull, push, delete, or `registry` `catalog` with `*`."""

    type: str
    name: str
    actions: list[str]


class _Claims(msgspec.Struct, frozen=True):
    """The claims that are ours. `user` and `token` are numbers in the records."""

    sub: Annotated[str, msgspec.Meta(max_length=300)]
    exp: int
    jti: Annotated[str, msgspec.Meta(min_length=8)]
    access: list[Granted]
    user: int | None = None
    token: int | None = None


class Pass(NamedTuple):
    """A verified pass: who comes with it (the access that was granted within), and when it ends."""

    identity: Identity
    until_ns: int


def issue(keys: Keys, identity: Identity, granted: Iterable[Granted], now_ns: int, id: str) -> str:
    """A pass for these grants, for PASS_SECONDS from now. `id` is fresh randomness. May write: call it in a thread."""
    import jwt

    key, now = keys.get_signing(), now_ns // SECOND_NS
    claims: dict[str, object] = {
        "iss": _ISSUER, "aud": SERVICE, "sub": identity.name, "jti": id,
        "iat": now, "nbf": now, "exp": now + PASS_SECONDS,
        "access": msgspec.to_builtins(list(granted)),
    }  # fmt: skip
    if identity.user is not None:
        claims["user"] = identity.user
    if identity.token is not None:
        claims["token"] = identity.token
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.id})


def verify(keys: Keys, text: str, now_ns: int) -> Pass:
    """What a pass says, once its signature, audience and times are right. Raises: Unauthenticated."""
    import jwt

    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        key = _find_key(keys, jwt.get_unverified_header(text))
        # the times are looked at below, by the hub's own clock
        options: Options = {
            "require": list(_REQUIRED),
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        decoded = jwt.decode(
            text, key.public, algorithms=[key.algorithm], audience=SERVICE, issuer=_ISSUER, options=options
        )
        claims = from_plain(decoded, _Claims)
        nbf = msgspec.convert(decoded["nbf"], int)
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError) as error:
        raise _refused() from error
    now = now_ns // SECOND_NS
    if not nbf - _LEEWAY_SECONDS <= now < claims.exp + _LEEWAY_SECONDS:
        raise _refused()
    identity = Identity(claims.sub, claims.user, token=claims.token, access=_access(claims.access))
    return Pass(identity, (claims.exp + _LEEWAY_SECONDS) * SECOND_NS)


def _find_key(keys: Keys, header: Mapping[str, object]) -> Key:
    """The key that the records have under the pass's `kid`. Raises: ValueError."""
    id = header.get("kid")
    if not set(header) <= _HEADERS or not isinstance(id, str):
        raise ValueError("not a header of ours")
    key = keys.find(id)
    if key is None or header.get("alg") != key.algorithm:
        raise ValueError("no such key")
    return key


def _access(granted: Iterable[Granted]) -> Access:
    found: set[tuple[str, Action]] = set()
    for one in granted:
        if (one.type, one.name) == ("registry", "catalog"):
            found.add((CATALOG, "pull"))
        elif one.type == "repository":
            found.update((one.name, action) for action in ACTIONS if action in one.actions)
    return frozenset(found)


def _refused() -> Unauthenticated:
    return Unauthenticated("the token is not valid, or not any more")
