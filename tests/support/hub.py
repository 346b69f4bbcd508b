"""A real hub on loopback, inside the test's own process: `with running_hub(root) as address`."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.hub import Options

_READY_SECONDS = 20.0


@contextmanager
def running_hub(
    root: Path,
    *,
    options: Options | None = None,
    config: Config | None = None,
    app: App | None = None,
    tls: tuple[Path, Path] | None = None,
) -> Iterator[str]:
    """A hub over `root` on a free port, served by Granian in a thread; its address is `localhost:<port>`."""
    application = app or create_app(root, options=options or Options(), config=config or Config())
    with _reserved_port() as port:
        server = Server(
            application,
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            ssl_cert=tls[0] if tls else None,
            ssl_key=tls[1] if tls else None,
        )
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(loop, server), name="hub")
        thread.start()
        try:
            _wait(port, thread)
            yield f"localhost:{port}"
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(server.stop)
            thread.join()
            application.close()


def _run(loop: asyncio.AbstractEventLoop, server: Server) -> None:
    try:
        loop.run_until_complete(server.serve())
    finally:
        loop.close()


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A free port that stays ours: Granian binds it beside us, since both say SO_REUSEPORT."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def _wait(port: int, thread: threading.Thread) -> None:
    limit = time.monotonic() + _READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > limit or not thread.is_alive():
                raise
            time.sleep(0.01)
