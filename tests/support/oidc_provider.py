"""A small OpenID provider on loopback: discovery, keys that rotate, a page to log in, codes with PKCE.

A test may have it say something else than the truth: `provider.twist(claims)` changes what an ID token says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT, SECRET = "capas", "a secret: with/odd+signs%"
Claims = dict[str, Any]


class OidcProvider:
    """What it knows and what it was asked."""

    def __init__(self) -> None:
        self.issuer = ""
        self.people: dict[str, Claims] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.twist: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = self._sign
        self.name = ""  # as which it gives itself out in discovery; its own where empty
        self.iss = ""  # as which it answers
        self.asked: list[str] = []
        self.now = lambda: int(time.time())
        self.rotate()

    def rotate(self) -> None:
        """Another key, under another name; the one before is gone."""
        self.key = rsa.generate_private_key(65537, 2048)
        self.kid = secrets.token_hex(4)

    def add(self, name: str, /, **claims: Any) -> None:
        """Somebody who can log in."""
        self.people[name] = {
            "sub": f"id-of-{name}",
            "preferred_username": name,
            "email": f"{name}@acme.example",
            **claims,
        }

    def _sign(self, claims: Claims) -> str:
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})

    def keys(self) -> Claims:
        return {
            "keys": [
                {
                    **RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True),
                    "kid": self.kid,
                    "use": "sig",
                    "alg": "RS256",
                }
            ]
        }

    def metadata(self) -> Claims:
        place = self.issuer
        return {
            "issuer": self.name or place, "authorization_endpoint": f"{place}/authorize",
            "token_endpoint": f"{place}/token", "jwks_uri": f"{place}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }  # fmt: skip

    def authorize(self, query: dict[str, str], name: str) -> str:
        """Where the browser goes back to."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "name": name}
        back = {"code": code, "state": query["state"], "iss": self.iss or self.issuer}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def exchange(self, form: dict[str, str], authorization: str) -> Claims | None:
        """The tokens for a code, None where anything is wrong."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            .decode()
            .rstrip("=")
        )
        login = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        if (
            asked is None
            or [unquote_plus(part) for part in login] != [CLIENT, SECRET]
            or asked["code_challenge_method"] != "S256"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
            or form.get("grant_type") != "authorization_code"
        ):
            return None
        now = self.now()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            **self.people[asked["name"]],
        }
        return {"id_token": self.sign(self.twist(claims)), "access_token": "opaque", "token_type": "Bearer"}


def _handler(provider: OidcProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            provider.asked.append(parts.path)
            if parts.path == "/.well-known/openid-configuration":
                self._say(provider.metadata())
            elif parts.path == "/keys":
                self._say(provider.keys())
            elif parts.path == "/authorize" and "as" in query:
                name = query.pop("as")
                self.send_response(302)
                self.send_header("location", provider.authorize(query, name))
                self.end_headers()
            elif parts.path == "/authorize":
                fields = "".join(f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in query.items())
                buttons = "".join(f'<button name="as" value="{name}">{name}</button>' for name in provider.people)
                self._say(f"<!doctype html><title>Acme</title><form>{fields}{buttons}</form>")
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            found = provider.exchange(form, self.headers.get("authorization", ""))
            self._say(found or {"error": "invalid_grant"}, 200 if found else 400)

        def _say(self, what: Claims | str, status: int = 200) -> None:
            data = what.encode() if isinstance(what, str) else json.dumps(what).encode()
            self.send_response(status)
            self.send_header("content-type", "text/html" if isinstance(what, str) else "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    return Handler


@contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """A provider that answers as long as the block lasts."""
    provider = OidcProvider()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider)) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
