"""Being let in: challenges answered with a login or a token, and what was answered remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from capas.registry.challenge import Challenge, parse_challenges
from capas.registry.credentials import Find, Login
from capas.registry.message import Conversation, Request, Response, host_of
from capas.registry.redirect import follow
from capas.registry.token import ask_token, basic, check_realm, wrong_login
from capas.registry.trust import origin

_SAFETY = 0.9  # a token is not used in the last tenth of its life: requests take time

Origin = tuple[str, str, int]


class Account(NamedTuple):
    """Whose login to use: a registry's, for a repository in it ("" for the registry itself)."""

    domain: str
    path: str = ""


class _Ticket(NamedTuple):
    header: str
    until: float

    def __repr__(self) -> str:
        return "_Ticket"


class Authorizer:
    """The tokens of one client, shared by its threads. A token serves the scopes it was asked for and no others."""

    def __init__(self, find: Find, *, stay: bool = False, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._stay = stay  # ask for an identity token, for a login that is to be kept
        self.identity_token = ""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._challenges: dict[Origin, Challenge] = {}
        self._tickets: dict[tuple[Origin, Account, frozenset[str]], _Ticket] = {}

    def exchange(self, request: Request, account: Account, scopes: frozenset[str]) -> Conversation[Response]:
        """Send a request with what lets us in; a 401 that stays is the answer.

        Raises: Unauthenticated for a login that is refused; Denied for a realm not to be trusted; Unavailable.
        """
        place = origin(request.url)
        key = (place, account, scopes)
        with self._lock:
            ticket, challenge = self._tickets.get(key), self._challenges.get(place)
        header = ticket.header if ticket and ticket.until > self._monotonic() else None
        if header is None and challenge is not None:
            header = yield from self._answer(challenge, request.url, account, scopes)
        response = yield from follow(_with(request, header))
        if response.status != 401 or origin(response.url) != place:
            return response
        challenge = _choose(response)
        if challenge is None:
            return response
        fresh = yield from self._answer(challenge, request.url, account, scopes)
        if fresh is None:
            return response
        response.discard()
        response = yield from follow(_with(request, fresh))
        if response.status == 401 and challenge.scheme == "basic":
            response.discard()
            self._forget(key)
            raise wrong_login(account.domain)
        return response

    def _answer(
        self, challenge: Challenge, url: str, account: Account, scopes: frozenset[str]
    ) -> Conversation[str | None]:
        login = self._find(account.domain, account.path)
        if challenge.scheme == "basic":
            if login is None or not login.username:
                return None
            header, seconds = basic(login), float("inf")
        else:
            realm = challenge.get("realm")
            check_realm(url, realm, known=self._is_known(realm, login), login=login)
            token = yield from ask_token(challenge, scopes, login, account.domain, stay=self._stay)
            self.identity_token = token.identity or self.identity_token
            header, seconds = f"Bearer {token.text}", token.seconds * _SAFETY
        place = origin(url)
        with self._lock:
            self._challenges[place] = challenge
            self._tickets[place, account, scopes] = _Ticket(header, self._monotonic() + seconds)
        return header

    def name_of(self, account: Account) -> str:
        """As whom requests for it are made; empty where no login is kept."""
        login = self._find(account.domain, account.path)
        return "" if login is None else login.username or "<token>"

    def _is_known(self, realm: str, login: Login | None) -> bool:
        """Whether the user gave the realm's host this very login, too."""
        if login is None:
            return False
        return self._find(host_of(realm), "") == login

    def _forget(self, key: tuple[Origin, Account, frozenset[str]]) -> None:
        with self._lock:
            self._tickets.pop(key, None)


def _with(request: Request, header: str | None) -> Request:
    return request if header is None else request.with_headers({"Authorization": header})


def _choose(response: Response) -> Challenge | None:
    """The challenge to answer: a token where one is offered, else name and secret."""
    offered = parse_challenges(response.header("www-authenticate"))
    bearer = next((one for one in offered if one.scheme == "bearer" and one.get("realm")), None)
    return bearer or next((one for one in offered if one.scheme == "basic"), None)
