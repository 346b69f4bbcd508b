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
_PIECE = 64 * 1024
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
            sent = asyncio.run_coroutine_threadsafe(self._send(data), self._loop).result()
        except (asyncio.CancelledError, RuntimeError):  # the server ends
            sent = False
        if not sent:
            raise Gone

    async def _send(self, data: bytes) -> bool:
        try:
            if not self.response.prepared:
                await self.response.prepare(self._request)
            await self.response.write(data)
        except ConnectionError as error:
            error.__traceback__ = None  # the frames in it hold the data, in a circle
            return False
        return True


class Pieces:
    """A file that sends what is written to it, in pieces of some size: small enough for a reader that takes none."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._held = bytearray()

    def write(self, data: bytes | memoryview) -> int:
        """All of it, sooner or later."""
        with memoryview(data) as whole:
            for begin in range(0, len(whole), _PIECE):
                self._held += whole[begin : begin + _PIECE]
                if len(self._held) >= _PIECE:
                    self.flush()
            return len(whole)

    def flush(self) -> None:
        """Send what is held back."""
        if self._held:
            held, self._held = self._held, bytearray()
            self._emit(bytes(held))


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
        await host_of(request).alone(work, outlet.emit)
    except Gone:
        return outlet.response
    if not outlet.response.prepared:
        await outlet.response.prepare(request)
    await outlet.response.write_eof()
    return outlet.response
