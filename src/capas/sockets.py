"""Unix sockets to serve on: for their owner and one group alone, and none of a server that answers is taken away."""

from __future__ import annotations

import grp
import os
import socket
import stat
from pathlib import Path

from capas.errors import Conflict, Denied, Invalid, NotFound

_MODE = 0o660


def listen_unix(path: Path, group: str = "") -> socket.socket:
    """A socket, bound. One that nobody answers on is left of a dead server, and goes.

    Raises: Conflict where another server answers, or the path is no socket; NotFound for a group; Denied; Invalid.
    """
    number = _find_group(group)
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        before = os.umask(0o777 & ~_MODE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        if number is not None:
            os.chown(path, -1, number)
    except BaseException as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise Denied("may not serve on {path}: {why}", path=path, why=error.strerror or "") from None
        if isinstance(error, OSError):
            raise Invalid("cannot serve on {path}: {why}", path=path, why=error.strerror or str(error)) from None
        raise
    return listener


def remove_unix(path: Path, inode: int) -> None:
    """Take a socket away, unless it is by now that of the server that follows us. Idempotent."""
    if path.exists() and path.stat().st_ino == inode:
        path.unlink()


def _find_group(name: str) -> int | None:
    if not name:
        return None
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise NotFound("there is no group {group} on this machine", group=name[:100],
                       hint="make it: groupadd {group}") from None  # fmt: skip


def _clear(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise Conflict("{path} is there and is no socket", path=path)
    with socket.socket(socket.AF_UNIX) as asked:
        asked.setblocking(False)
        try:
            asked.connect(str(path))
        except BlockingIOError:
            pass  # it is there, and has more to do than it can take in
        except ConnectionRefusedError:
            path.unlink()
            return
    raise Conflict("another server answers on {path}", path=path)
