"""The terminal of a process in a container: its master is ours before the process begins, and is read to its end.

The runtime makes the terminal and hands its master over on a socket of ours (`--console-socket`): one that stands
between loses what comes last. crun then waits for the process as ever. runc hands a master over only where it leaves
the process alone (`--detach`), which we adopt.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from capas.run.adopting import Adopted, adopting
from capas.run.pump import set_size
from capas.run.runtime import Runtime
from capas.run.sockets import short_path

Size = tuple[int, int]


class AtTerminal(NamedTuple):
    """The runtime, or the process that it has left to us, and the terminal's master where it came to one."""

    process: subprocess.Popen[bytes] | Adopted
    master: int | None


def console_options(runtime: Runtime, name: str) -> list[str]:
    """Options of the runtime for the socket `name` in its working directory."""
    return ["--console-socket", name, *(["--detach"] if _leaves(runtime) else [])]


def start_at_terminal(
    runtime: Runtime, command: list[str], folder: Path, size: Size | None, *, name: str, pid: Callable[[], int | None]
) -> AtTerminal:
    """Start the runtime by a command line with `console_options`, in `folder`, where its socket is made.

    `size`: rows and columns. `pid` tells the process that the runtime has started.
    """
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
        adopting() if _leaves(runtime) else nullcontext(),
    ):
        with short_path(folder, name) as path:
            listener.bind(path)
        try:
            listener.listen(1)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath}, start_new_session=True,
                cwd=folder,  # so that the socket has a short name for it too
            )  # fmt: skip
            master = _receive(listener, process)
            left = pid() if _leaves(runtime) and process.wait() == 0 else None
        finally:
            (folder / name).unlink()
    if master is not None and size is not None:
        set_size(master, size)
    return AtTerminal(process if left is None else Adopted(left), master)


def _leaves(runtime: Runtime) -> bool:
    return runtime.name == "runc"


def _receive(listener: socket.socket, process: subprocess.Popen[bytes]) -> int | None:
    """The master, once it comes; None where the runtime ends before."""
    ended = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        poll.register(ended, select.POLLIN)
        if listener.fileno() not in dict(poll.poll()):
            return None
    finally:
        os.close(ended)
    connection, _ = listener.accept()
    with connection:
        _, fds, _, _ = socket.recv_fds(connection, 4096, 1)
    for fd in fds:
        os.set_inheritable(fd, False)
    return fds[0] if fds else None
