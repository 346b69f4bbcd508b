"""Answers that come bit by bit from a thread: progress, logs, archives.

The status goes out with the first bytes, so that what fails before them is an error of its own, as docker does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from capas.dockerapi.host import host_of

Emit = Callable[[bytes], None]
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Gone(Exception):
    """The client does not listen any more: whoever emits stops."""


class _Outlet:
    def __init__(self, request: web.Request, headers: Mapping[str, str]) -> None:
        self._request = request
        self._loop = asyncio.get_running_loop()
        self.response = web.StreamResponse(headers=headers)

    def emit(self, data: bytes) -> None:
        """Send, from a thread, waiting for a slow reader. Raises: Gone."""
        try:
            asyncio.run_coroutine_threadsafe(self._send(data), self._loop).result()
        except (ConnectionError, asyncio.CancelledError, RuntimeError):
            raise Gone from None

    async def _send(self, data: bytes) -> None:
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write(data)


async def stream(
    request: web.Request,
    work: Callable[[Emit], None],
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] = NO_HEADERS,
) -> web.StreamResponse:
    """Answer with what `work`, in a thread, emits. What it raises before the first byte is raised here."""
    outlet = _Outlet(request, {"Content-Type": content_type, **headers})
    try:
        await host_of(request).hop(work, outlet.emit)
    except Gone:
        return outlet.response
    if not outlet.response.prepared:
        await outlet.response.prepare(request)
    await outlet.response.write_eof()
    return outlet.response
