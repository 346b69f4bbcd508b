"""Debian's docker-registry on loopback: `with running_registry(root) as address`."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER, PASSWORD = "ali", "open sesame"
_HTPASSWD = USER + ":$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
_READY_SECONDS = 20.0
_CONFIG = """\
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: "{root}/data"}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}", secret: "not one"}}
"""
_AUTH = """\
auth:
  htpasswd: {{realm: peer, path: "{root}/htpasswd"}}
"""


@contextmanager
def running_registry(root: Path, *, login: bool = False) -> Iterator[str]:
    """A registry over `root` on a free port; with `login`, for USER with PASSWORD only. Its address."""
    root.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (root / "htpasswd").write_text(_HTPASSWD)
    (root / "config.yml").write_text((_CONFIG + (_AUTH if login else "")).format(root=root, port=port))
    with open(root / "log", "wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", root / "config.yml"], stdout=log, stderr=log)
        try:
            _wait(port, server)
            yield f"localhost:{port}"
        finally:
            server.kill()
            server.wait()


def free_port() -> int:
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + _READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > limit or server.poll() is not None:
                raise
            time.sleep(0.01)
