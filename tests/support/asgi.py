"""Requests straight to an ASGI app, without a server: for tests that hold the clock in their hands."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from capas.hub.app import App

T = TypeVar("T")


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    data: bytes


class Direct:
    """A client of one app, one request at a time."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()  # in a thread: a browser's tests leave a loop running in this one
        self._thread = threading.Thread(target=self._loop.run_forever, name="direct")
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._app.close()

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answered:
        return self.run(self._send(method, path, body, headers or {}))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something else, on the same loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answered:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()],
        }
        start: MutableMapping[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.pathsend":
                parts.append(Path(message["path"]).read_bytes())
            else:
                parts.append(message["body"])

        await self._app(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answered(start["status"], found, b"".join(parts))
