"""Serving the hub with Granian until a signal stops it."""

from __future__ import annotations

import errno
import functools
import logging
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol

from capas.errors import Conflict, Invalid, Unsupported
from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.hub import Options
from capas.hub.people.links import offer_setup
from capas.hub.watch.collecting import Collecting
from capas.hub.watch.logs import write_logs

_READY_SECONDS = 30.0
_STOP_SECONDS = 30


class Ready(Protocol):
    """What is told once the hub answers."""

    def __call__(self, address: str, link: str) -> None: ...


def serve(
    root: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 5000,
    workers: int = 1,
    options: Options = Options(),  # noqa: B008  a tuple of constants
    config: Config = Config(),  # noqa: B008  frozen
    ready: Ready = lambda address, link: None,
) -> None:
    """Serve the hub in `root` until SIGTERM or SIGINT, then finish what is under way. Blocks; main thread only.

    `ready` is called, from another thread, with `host:port` once it answers, and with the path of the link that makes
    an administrator, empty where there is one.
    Raises: Conflict for a port in use; Invalid for an address that is not this machine's; Unsupported without Granian.
    """
    try:
        from granian import Granian
        from granian.constants import HTTPModes, Interfaces
    except ImportError:
        raise Unsupported("the hub needs its extra packages", hint='install them: pip install "capas[hub]"') from None
    port = check_address(host, port)
    logging.getLogger("_granian").setLevel(logging.WARNING)
    server = Granian(
        target="capas.hub.app:create_app",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        log_level="warning",  # type: ignore[arg-type,unused-ignore]
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
    )
    link = _try(root, options, config)
    "localhost".encode("idna")  # imported now: a worker forked while the thread below imports it could never do so
    threading.Thread(target=_tell, args=(host, port, functools.partial(ready, link=link)), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="capas-hub-") as boards:
        load = functools.partial(_load, root, options, config, workers, Path(boards))
        server.serve(target_loader=load, wrap_loader=False)


def check_address(host: str, port: int) -> int:
    """The port, chosen by the system where it was 0. Two hubs on one port would share it silently, so it is tried.

    Raises: Conflict for a port in use; Invalid for an address that is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            return int(trial.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                "{host}:{port} is in use already", host=host, port=port, hint="choose another port: --port"
            ) from None
        raise Invalid("cannot listen on {host}:{port}: {why}", host=host, port=port, why=str(error)) from None


def _load(root: Path, options: Options, config: Config, workers: int, boards: Path) -> App:
    """The application, in a worker's process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    write_logs(config.watch.log)
    app = create_app(root, options=options, config=config, shared=workers > 1, boards=boards)
    app.at_end.append(Collecting(app.hub, app.observer.board, config.collect.every_seconds).start())
    return app


def _try(root: Path, options: Options, config: Config) -> str:
    """What is wrong with the disk or the records is said here, once. Gives what `_prepare` does.

    In a process of its own where storage is far: its client has threads, which a fork does not take along.
    """
    if not config.storage.url:
        return _prepare(root, options, config)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(_prepare, root, options, config).result()


def _end_with_parent() -> None:
    """A server that is killed takes its workers along: the port is free for the next one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare(root: Path, options: Options, config: Config) -> str:
    """The path of the link for the first administrator, empty where there is one."""
    app = create_app(root, options=options, config=config)
    hub, secret = app.hub, app.hub.new_token()
    try:
        return f"/link/{secret}" if not hub.options.open and offer_setup(hub.database, secret, hub.now_ns()) else ""
    finally:
        app.close()


def _tell(host: str, port: int, ready: Callable[[str], None]) -> None:
    limit = time.monotonic() + _READY_SECONDS
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while time.monotonic() < limit:
        try:
            socket.create_connection((target, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
            continue
        ready(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        return
