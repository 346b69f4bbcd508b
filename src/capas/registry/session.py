"""A session with one endpoint: finds the address that answers, asks there, lets itself in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from capas.errors import Unavailable
from capas.registry.auth import Account, Authorizer
from capas.registry.endpoint import Endpoint
from capas.registry.message import Conversation, Request, Response, Upload, read_up_to
from capas.registry.redirect import follow, resolve
from capas.registry.trust import origin

_REFUSALS = frozenset({401, 403})
_DEAF = frozenset({"protocol", "refused", "broken"})  # how a server of the other scheme looks

_FIRST_TRIES = 2  # while we do not know which scheme it speaks: the wrong one may look like a broken connection


class Session:
    """Requests to one endpoint, shared by threads. The base that answered first is kept for all that follow."""

    def __init__(self, endpoint: Endpoint, authorizer: Authorizer) -> None:
        self.endpoint = endpoint
        self._authorizer = authorizer
        self._base: str | None = endpoint.bases[0] if len(endpoint.bases) == 1 else None

    def ask(
        self,
        method: str,
        path: str,
        *,
        scopes: Iterable[str] = (),
        repository: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | Upload | None = None,
        after_seconds: float = 0.0,
        tries: int = 5,
    ) -> Conversation[Response]:
        """Ask for `path`: "/v2/…", or an absolute address, which gets no credentials where it is elsewhere.

        Raises: Unavailable; Unauthenticated; Denied; whatever else the status is, it is the answer.
        """
        if path.startswith(("http://", "https://")) and not self.is_here(path):
            return (yield from follow(Request(method, path, headers or {}, body, after_seconds, tries)))
        account = Account(self.endpoint.domain, repository)
        wanted = frozenset(scopes)
        failure: Unavailable | None = None
        for base in (self._base,) if self._base else self.endpoint.bases:
            limit = tries if self._base else min(tries, _FIRST_TRIES)
            request = Request(method, _join(base, path), headers or {}, body, after_seconds, limit)
            try:
                response = yield from self._authorizer.exchange(request, account, wanted)
            except Unavailable as error:
                if self._base or error.facts.get("reason") not in _DEAF:
                    raise
                failure = failure or error
                continue
            if self._base is None and _wants_tls(response):
                continue
            self._base = base
            if response.status in _REFUSALS:
                response.user = self._authorizer.name_of(account)
            return response
        raise failure or Unavailable("{host} does not speak http", host=self.endpoint.host)

    def locate(self, response: Response) -> str:
        """The address in a response's Location, on this endpoint. Raises: Corrupt; Denied."""
        return resolve(response.url, response.header("location"))

    def is_here(self, url: str) -> bool:
        """Whether an address is on this endpoint, so that its credentials may go there."""
        return any(origin(url) == origin(base) for base in self.endpoint.bases)


def _join(base: str, path: str) -> str:
    return path if path.startswith(("http://", "https://")) else base + path


def _wants_tls(response: Response) -> bool:
    """Whether a TLS server told us that we spoke plain http to it."""
    if response.status != 400 or not response.url.startswith("http://") or response.media_type == "application/json":
        return False
    said = read_up_to(response.body, 4096).lower()
    response.body.close()
    return b"https" in said
