"""What a balancer, an orchestrator and Prometheus ask: /healthz, /readyz and /metrics.

`/healthz` says that the process answers. `/readyz` says whether it should get requests: its records and its storage can
be used. `/metrics` is for loopback, or for whoever shows the token of the configuration.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from sqlalchemy import Connection, func, select

from capas.errors import CapasError
from capas.hub.copying.standing import list_standing
from capas.hub.distribution.message import Answer, Request, header
from capas.hub.hub import Hub
from capas.hub.records.tables.images import blobs, manifests, repositories, tags
from capas.hub.watch.board import Board
from capas.hub.watch.exposition import CONTENT_TYPE, expose
from capas.hub.watch.place import WatchConfig
from capas.oci.digest import Digest

_PATIENCE_SECONDS = 5.0
_ANY = Digest.of(b"")
_HELD_SECONDS = 15.0  # what the hub holds is counted at most so often


class Health:
    """The answers of one process."""

    def __init__(self, hub: Hub, board: Board, config: WatchConfig) -> None:
        self._hub = hub
        self._board = board
        self._token = config.token.encode()
        self._held: tuple[float, Mapping[str, int]] = (0.0, {})

    def find(self, path: str) -> Callable[[Request], Awaitable[Answer]] | None:
        """What answers at this path, if it is one of ours."""
        return {"/healthz": self._healthy, "/readyz": self._ready, "/metrics": self._metrics}.get(path)

    async def _healthy(self, _request: Request) -> Answer:
        return _json(200, {"status": "ok"})

    async def _ready(self, _request: Request) -> Answer:
        found = {
            "records": await self._try(lambda: self._hub.manifests.has_repository("")),
            "storage": await self._try(lambda: self._hub.blobs.stat(_ANY)),
        }
        is_ready = all(state == "ok" for state in found.values())
        return _json(200 if is_ready else 503, {"status": "ok" if is_ready else "unavailable", **found})

    async def _try(self, work: Callable[[], object]) -> str:
        """Never the words of an error: anybody may ask."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._hub.hop(work)
        except (CapasError, TimeoutError, OSError):
            return "failed"
        return "ok"

    async def _metrics(self, request: Request) -> Answer:
        if not self._may_read(request):
            return _json(404, {"status": "not found"})
        seen, held = self._held
        if time.monotonic() - seen > _HELD_SECONDS:
            held = await self._hub.hop(self._hub.database.read, _count)
            self._held = (time.monotonic(), held)
        upstreams = await self._hub.hop(list_standing, self._hub)
        body = expose(self._board.total(), held, upstreams)
        return Answer(200, [header("content-length", len(body)), header("content-type", CONTENT_TYPE)], body)

    def _may_read(self, request: Request) -> bool:
        if self._token:
            shown = request.header(b"authorization").encode("latin-1")
            return hmac.compare_digest(shown, b"Bearer " + self._token)
        client = request.scope.get("client")
        return client is None or ipaddress.ip_address(client[0]).is_loopback


def _count(db: Connection) -> Mapping[str, int]:
    def rows(table: object) -> int:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]

    return {
        "repositories": rows(repositories),
        "manifests": rows(manifests),
        "tags": rows(tags),
        "blobs": rows(blobs),
        "blob_bytes": int(db.execute(select(func.coalesce(func.sum(blobs.c.size), 0))).scalar_one()),
    }


def _json(status: int, document: Mapping[str, str]) -> Answer:
    body = msgspec.json.encode(document)
    headers = [header("content-length", len(body)), header("content-type", "application/json")]
    return Answer(status, [*headers, header("cache-control", "no-store")], body)
