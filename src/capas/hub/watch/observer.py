"""Every request passes here on its way in and out: counted, timed, and told in the log if the keeper wants it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from capas.hub.distribution.message import Header, Scope, Send, header
from capas.hub.watch.board import API, OTHER, PAGES, Board, Done

ROUTE, ACTOR = "capas.route", "capas.actor"  # what the doors write into a request's scope
_LEFT = 499
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

request_id: ContextVar[str] = ContextVar("request_id", default="")


class Observer:
    """The counters of this process, and its log of requests. `new_id` names requests that bring no name along."""

    def __init__(self, board: Board, new_id: Callable[[], str]) -> None:
        self.board = board
        self._new_id = new_id
        self._log = logging.getLogger("capas.hub.requests")
        self._logs = self._log.isEnabledFor(logging.INFO)

    def begin(self, scope: Scope, send: Send) -> Passage:
        """A request has come; the passage is to be its `send`, and to be ended."""
        self.board.add("under_way", 1)
        passage = Passage(send)
        if self._logs:
            named = _header_of(scope["headers"], b"x-request-id").decode("latin-1")
            passage.name = named if _ID.fullmatch(named) else self._new_id()[:16]
            request_id.set(passage.name)
        return passage

    def end(self, scope: Scope, passage: Passage) -> None:
        """It is answered, or its client has left."""
        seconds = perf_counter() - passage.began
        self.board.add("under_way", -1)
        method = scope["method"]
        received = _header_of(scope["headers"], b"content-length") if method in ("PUT", "POST", "PATCH") else b""
        sent = 0 if method == "HEAD" else passage.sent
        done = Done(
            scope.get(ROUTE) or _route_of(scope["path"]),
            method,
            passage.status or _LEFT,
            seconds,
            int(received) if received.isdigit() else 0,
            sent,
        )
        self.board.count(done)
        if self._logs:
            self._tell(scope, passage, done)

    def _tell(self, scope: Scope, passage: Passage, done: Done) -> None:
        """Never the query, a header or a body: passwords and tokens come in them."""
        client = scope.get("client")
        facts: dict[str, Any] = {
            "request_id": passage.name,
            "method": done.method,
            "path": scope["path"],
            "status": done.status,
            "seconds": round(done.seconds, 6),
            "received": done.received,
            "sent": done.sent,
            "actor": scope.get(ACTOR, ""),
            "address": client[0] if client else "",
        }
        self._log.info("%s %s %d", done.method, scope["path"], done.status, extra={"facts": facts})


class Passage:
    """A request's `send`, which looks at what goes through."""

    __slots__ = ("_send", "began", "name", "sent", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.began = perf_counter()
        self.name = ""
        self.status = 0
        self.sent = 0

    async def __call__(self, message: Any) -> None:
        """As ASGI has it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            length = _header_of(message["headers"], b"content-length")
            self.sent = int(length) if length else 0
            if self.name:
                message["headers"] = [*message["headers"], header("x-request-id", self.name)]
        await self._send(message)


def _route_of(path: str) -> str:
    if path.startswith("/v2"):
        return OTHER
    return API if path.startswith(("/api/", "/v1/", "/token")) else PAGES


def _header_of(headers: list[Header], wanted: bytes) -> bytes:
    for name, value in headers:
        if name == wanted:
            return value
    return b""
