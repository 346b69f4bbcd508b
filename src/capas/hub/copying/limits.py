"""An upstream's patience: what it says of its limits is noted, and while it asks us to wait nothing is sent.

Spec: RFC 9110, 10.2.3 (Retry-After); draft-ietf-httpapi-ratelimit-headers, as Docker Hub sends them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import NamedTuple

from capas.errors import Exhausted, Unavailable
from capas.registry.message import Request, Response, Transport
from capas.registry.refusal import registry_words
from capas.registry.retry import wait_asked

_DOWN_SECONDS = 10.0  # one that did not answer is not asked again for so long
_UNASKED_SECONDS = 60.0  # 429 without a Retry-After
_LONGEST_SECONDS = 6 * 3600.0
_COUNT = re.compile(r"\s*(\d{1,12})(?:\s*;\s*w=(\d{1,9}))?", re.ASCII)
_ABSENT = frozenset({"refused", "unknown host", "timeout", "tls", "protocol", "proxy"})


class Limits(NamedTuple):
    """What an upstream said last of how much it lets us fetch: None where it says nothing."""

    limit: int | None = None
    remaining: int | None = None
    window_seconds: int | None = None


class Patient:
    """A `Transport` to one upstream. Its own tries are one: a caller has an older answer, or a client to tell.

    Raises, from `send`: Exhausted with `retry_seconds` while the upstream asks us to wait; Unavailable, at once while
    it is known to be down.
    """

    def __init__(self, transport: Transport, now_ns: Callable[[], int]) -> None:
        self._transport = transport
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._until_ns = 0
        self._down: tuple[int, Unavailable] | None = None
        self.limits = Limits()
        self.requests = 0

    def send(self, request: Request) -> Response:
        """One exchange."""
        self._check()
        try:
            response = self._once(request)
        except Unavailable as error:
            self._note_absence(error)
            raise
        self._down = None
        self._note(response)
        if response.status == 429:
            raise self._wait(response)
        if response.status >= 500:
            words = registry_words(response) or f"status {response.status}"
            raise Unavailable("{host} has trouble: {said}", host=request.host, said=words, reason="status")
        return response

    def close(self) -> None:
        """Let go of idle connections."""
        self._transport.close()

    @property
    def wait_seconds(self) -> float:
        """How long the upstream still wants to be left alone."""
        return max(0.0, (self._until_ns - self._now_ns()) / 1e9)

    @property
    def down(self) -> str:
        """Why it does not answer, empty while it does."""
        return str(self._down[1]) if self._down else ""

    def _once(self, request: Request) -> Response:
        self.requests += 1
        try:
            return self._transport.send(request)
        except Unavailable as error:
            if error.facts.get("reason") != "broken" or request.method not in ("GET", "HEAD"):
                raise
        return self._transport.send(request)  # a connection that was kept had been closed meanwhile

    def _check(self) -> None:
        wait = self.wait_seconds
        if wait:
            raise _too_many(wait)
        if self._down is not None and self._down[0] > self._now_ns():
            raise self._down[1]

    def _note_absence(self, error: Unavailable) -> None:
        reason, error.facts["reason"] = error.facts.get("reason"), "status"  # no tries beyond ours
        if reason is None or reason in _ABSENT:
            self._down = (self._now_ns() + int(_DOWN_SECONDS * 1e9), error)

    def _note(self, response: Response) -> None:
        limit = _COUNT.match(response.header("ratelimit-limit"))
        remaining = _COUNT.match(response.header("ratelimit-remaining"))
        if limit or remaining:
            window = (limit and limit[2]) or (remaining and remaining[2])
            with self._lock:
                self.limits = Limits(
                    int(limit[1]) if limit else self.limits.limit,
                    int(remaining[1]) if remaining else self.limits.remaining,
                    int(window) if window else None,
                )

    def _wait(self, response: Response) -> Exhausted:
        asked = wait_asked(response)
        response.discard()
        seconds = min(_UNASKED_SECONDS if asked is None else asked, _LONGEST_SECONDS)
        self._until_ns = max(self._until_ns, self._now_ns() + int(seconds * 1e9))
        return _too_many(seconds)


def _too_many(seconds: float) -> Exhausted:
    return Exhausted("the registry limits requests", retry_seconds=seconds, status=429)
