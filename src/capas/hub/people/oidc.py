"""Logging in with an identity provider: OpenID Connect's authorization code, with PKCE, state and nonce.

    [oidc.acme]
    title = "Acme"                                  # what the button says
    issuer = "https://login.acme.example"
    client_id = "capas"
    client_secret_file = "/run/secrets/oidc"        # none for a public client
    create = true                                   # somebody new gets an account
    groups_claim = "groups"
    groups = { developers = "acme:writer" }         # a group's role in an organisation of the hub

Spec: OpenID Connect Core 1.0, section 3.1; Discovery 1.0; RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from capas.errors import Denied, Invalid, Unavailable
from capas.hub.people.access import ROLES, Role
from capas.hub.people.outside_documents import Documents
from capas.hub.spans import SECOND_NS

_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_KEEP_SECONDS = 3600.0  # so long what the provider says of itself holds
_AGAIN_SECONDS = 10.0  # its keys are not asked for more often than this
_LEEWAY_SECONDS = 60
ATTEMPT_SECONDS = 600
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


class OidcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One provider."""

    issuer: str
    client_id: str
    client_secret: str = ""
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    create: bool = True
    groups_claim: str = "groups"
    groups: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"OidcConfig(issuer={self.issuer!r})"


class Attempt(msgspec.Struct, frozen=True):
    """A login under way, kept sealed in the browser's cookie. `user`: who links an account, null for a login."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str
    until_ns: int
    user: int | None = None


class Claims(NamedTuple):
    """Who logged in, as the provider vouches for it. Only issuer and subject say which account it is."""

    issuer: str
    subject: str
    name: str
    full_name: str
    email: str
    groups: tuple[str, ...]


class _Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself, as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class Provider:
    """One provider, asked when it is needed. Safe from any thread."""

    def __init__(self, config: OidcConfig, documents: Documents, now_ns: Callable[[], int]) -> None:
        self.config = config
        self._documents = documents
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, Mapping[str, Any]] = (float("-inf"), {})

    def begin(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser goes to log in. Raises: Unavailable."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self.config.scopes))),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        place = self._discover().authorization_endpoint
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(query)}"

    def finish(self, attempt: Attempt, answer: Mapping[str, str], redirect_uri: str) -> Claims:
        """Who logged in, by what the browser brought back. Raises: Denied; Unavailable."""
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise Denied("this login was not begun in this browser", hint="log in again")
        if answer.get("iss", self.config.issuer) != self.config.issuer:
            raise Denied("another identity provider answered than was asked")
        if "error" in answer or not answer.get("code"):
            why = answer.get("error_description") or answer.get("error") or "no code"
            raise Denied("the identity provider did not log you in: {why}", why=why[:300])
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        return self._verify(self._ask_tokens(form).id_token, attempt.nonce)

    def _ask_tokens(self, form: dict[str, str]) -> _Tokens:
        config, metadata = self.config, self._discover()
        login = None
        if config.client_secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            login = (config.client_id, config.client_secret)
        else:
            form["client_id"] = config.client_id
            if config.client_secret:
                form["client_secret"] = config.client_secret
        return self._documents.post(metadata.token_endpoint, form, login, _Tokens)

    def _discover(self) -> _Metadata:
        with self._lock:
            known = self._metadata
        if known is not None and time.monotonic() - known[0] < _KEEP_SECONDS:
            return known[1]
        place = self.config.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = self._documents.get(place, _Metadata)
        if found.issuer != self.config.issuer:
            raise Unavailable("the identity provider calls itself {issuer}", issuer=found.issuer[:200])
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            self._documents.check(url)
        with self._lock:
            self._metadata = (time.monotonic(), found)
        return found

    def _verify(self, token: str, nonce: str) -> Claims:
        """What an ID token says, once it is right in all respects. Raises: Denied; Unavailable."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            key = self._find_key(str(header.get("kid", "")), header.get("alg"))
            # the times are looked at below, by the hub's own clock
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[header["alg"]],
                audience=self.config.client_id,
                issuer=self.config.issuer,
                options={
                    "require": ["iss", "aud", "sub", "exp", "iat", "nonce"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            self._check(claims, nonce)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Denied("what the identity provider said of you is not valid: {why}", why=str(error)[:200]) from error
        return _claims(claims, self.config)

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """Times, nonce and authorized party. Raises: ValueError."""
        now = self._now_ns() // SECOND_NS
        if not int(claims["iat"]) - _LEEWAY_SECONDS <= now < int(claims["exp"]) + _LEEWAY_SECONDS:
            raise ValueError("it has expired, or is of the future")
        if int(claims.get("nbf", 0)) - _LEEWAY_SECONDS > now:
            raise ValueError("it is of the future")
        if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise ValueError("it belongs to another login")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self.config.client_id) != self.config.client_id:
            raise ValueError("it was made for another client")
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise ValueError("it says no subject")

    def _find_key(self, kid: str, algorithm: object) -> Any:
        """The provider's key; asked for again where it is not known, since keys change. Raises: ValueError."""
        if algorithm not in _ALGORITHMS:
            raise ValueError("its algorithm is not accepted")
        read, keys = self._keys
        age = time.monotonic() - read
        if age > _KEEP_SECONDS or (kid not in keys and age > _AGAIN_SECONDS):
            keys = self._read_keys()
        key = keys.get(kid) if kid or len(keys) != 1 else next(iter(keys.values()))
        if key is None or key.algorithm_name != algorithm:
            raise ValueError("its key is not known")
        return key

    def _read_keys(self) -> Mapping[str, Any]:
        import jwt

        found = self._documents.get(self._discover().jwks_uri, dict[str, Any])
        keys: dict[str, Any] = {}
        for one in found.get("keys", ()):
            try:
                if one.get("use", "sig") == "sig" and one.get("kty") != "oct":
                    keys[str(one.get("kid", ""))] = jwt.PyJWK(one)
            except (jwt.PyJWTError, AttributeError):
                continue  # of a kind that is not known here
        self._keys = (time.monotonic(), keys)
        return keys


def _claims(claims: Mapping[str, Any], config: OidcConfig) -> Claims:
    groups = claims.get(config.groups_claim, ())
    email = str(claims.get("email", ""))
    return Claims(
        config.issuer,
        claims["sub"],
        str(claims.get("preferred_username") or email.partition("@")[0] or "user"),
        str(claims.get("name", ""))[:200],
        email[:254],
        tuple(map(str, groups)) if isinstance(groups, list) else (),
    )


def open_providers(configs: Mapping[str, OidcConfig], now_ns: Callable[[], int]) -> Mapping[str, Provider]:
    """The providers of a configuration. Raises: Invalid for one that cannot be right."""
    documents = Documents()
    for name, config in configs.items():
        if not _NAME.fullmatch(name):
            raise Invalid(
                "{name} cannot be the name of an identity provider", name=name, hint="small letters and digits"
            )
        documents.check(config.issuer)
        for place in config.groups.values():
            parse_place(place)
    return {name: Provider(config, documents, now_ns) for name, config in configs.items()}


def parse_place(text: str) -> tuple[str, Role]:
    """`organisation:role`. Raises: Invalid."""
    organisation, _, word = text.partition(":")
    role = next((one for one in ROLES if one == word), None)
    if not organisation or role is None:
        raise Invalid("{text} is not organisation:role", text=text[:100], hint="for example acme:writer")
    return organisation, role
