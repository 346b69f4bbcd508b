"""A unix socket to serve on, for its owner and group alone. One that nobody answers on is left of a dead server."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from capas.errors import Conflict, Invalid
from capas.store.disk import disk_errors, make_dirs

_MODE = 0o660


def path_of(address: str) -> Path:
    """The path in `unix://PATH`. Raises: Invalid."""
    scheme, _, place = address.partition("://")
    if scheme != "unix" or not place:
        raise Invalid("not an address to serve on: {address!r}", address=address[:200], hint="write unix://PATH")
    return Path(place)


def listen_unix(path: Path) -> socket.socket:
    """The socket, bound. Raises: Conflict where another server answers, or the path is no socket; Denied."""
    with disk_errors(path):
        make_dirs(path.parent)
        _clear(path)
        found = socket.socket(socket.AF_UNIX)
        before = os.umask(0o777 & ~_MODE)
        try:
            found.bind(str(path))
        finally:
            os.umask(before)
    return found


def _clear(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise Conflict("{path} is there and is no socket", path=path)
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise Conflict("another server answers on {path}", path=path)
