"""A connection inside of a call: HTTP/2 whose bytes travel as messages of a stream.

Spec: moby/buildkit, session/grpchijack: `Control.Session` carries `BytesMessage` both ways.
"""

from __future__ import annotations

import asyncio
from typing import Any

_HIGH = 256 * 1024


class Tunnel(asyncio.Transport):
    """The transport of a protocol whose bytes somebody else carries: `read` gives what it wrote."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._pending = bytearray()
        self._some = asyncio.Event()
        self._paused = False
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes; beyond a quarter of a MiB the protocol is asked to wait."""
        if self._closing:
            return
        self._pending += data
        self._some.set()
        if len(self._pending) > _HIGH and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    async def read(self) -> bytes:
        """All that was written since; nothing once it is closed."""
        await self._some.wait()
        data = bytes(self._pending)
        self._pending.clear()
        if not self._closing:
            self._some.clear()
        if self._paused:
            self._paused = False
            self._protocol.resume_writing()
        return data

    def close(self) -> None:
        """Write nothing more."""
        self._closing = True
        self._some.set()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """There is none: no socket of its own."""
        return default
