"""Logging in: the registry is asked before anything is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capas.errors import Invalid
from capas.registry.auth import Authorizer
from capas.registry.credentials import Login
from capas.registry.endpoint import origin_of
from capas.registry.message import Conversation
from capas.registry.refusal import refused
from capas.registry.session import Session
from capas.registry.token import wrong_login

if TYPE_CHECKING:
    from capas.registry.client import Client

# The identity tokens of a Capas hub begin so. It takes them as passwords too, and as one it is kept: `podman login` and
# `skopeo login` go no further where a file holds an identity token.
_ALSO_PASSWORD = "capas_login_"


def login(client: Client, domain: str, username: str, secret: str) -> None:
    """Keep a user name and secret for a registry, once it has accepted them. Raises: as `check_login`."""
    kept = check_login(client, domain, username, secret)
    if kept.identity_token.startswith(_ALSO_PASSWORD):
        kept = Login(username, kept.identity_token)
    client.credentials.save(domain, kept)


def check_login(client: Client, domain: str, username: str, secret: str) -> Login:
    """What is to be kept, once the registry has accepted it: an identity token where it gives one, or the secret.

    Raises: Unauthenticated for wrong ones; Unavailable; Invalid for a name that credentials cannot hold.
    """
    if ":" in username or not username or not username.isprintable():
        raise Invalid("a user name has no colon and at least one letter")
    offered = Login(username, secret)
    authorizer = Authorizer(lambda asked, _: _only(domain, asked, offered), stay=True)
    client.converse(_try(Session(origin_of(domain, client.settings), authorizer), domain))
    token = authorizer.identity_token
    return Login(username, "", token) if token else offered


def _only(domain: str, asked: str, offered: Login) -> Login | None:
    return offered if asked == domain else None


def _try(session: Session, domain: str) -> Conversation[None]:
    response = yield from session.ask("GET", "/v2/")
    if response.status == 401:
        response.discard()
        raise wrong_login(domain)
    if response.status not in (200, 204):
        raise refused(response, f"login to {domain}")
    response.discard()
