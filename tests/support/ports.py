"""Ports of this machine: whether somebody answers."""

from __future__ import annotations

import socket
import time


def wait_for_port(port: int) -> None:
    """Until it takes a connection; twenty seconds at most."""
    limit = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < limit
            time.sleep(0.02)
