"""Signals: names as docker takes them, and sending one to exactly the process that is meant."""

from __future__ import annotations

import os
import re
import signal

from capas.errors import Invalid

_REALTIME = re.compile(r"RTM(IN|AX)(?:([+-])(\d{1,2}))?", re.ASCII)


def parse_signal(text: str) -> int:
    """`SIGTERM`, `term`, `15`, `SIGRTMIN+3`. Raises: Invalid."""
    name = text.strip().upper().removeprefix("SIG")
    if name.isascii() and name.isdigit() and 0 < int(name[:4]) <= signal.SIGRTMAX:
        return int(name)
    realtime = _REALTIME.fullmatch(name)
    if realtime:
        base = int(signal.SIGRTMIN if realtime[1] == "IN" else signal.SIGRTMAX)
        number = base + int((realtime[2] or "+") + (realtime[3] or "0"))
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return number
    found = getattr(signal, f"SIG{name}", None)
    if not isinstance(found, signal.Signals):
        raise Invalid("no such signal: {signal!r}", signal=text[:50])
    return int(found)


def send_signal(pidfd: int, number: int) -> bool:
    """Send it; False where the process is gone. Raises: PermissionError."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True


def open_process(pid: int) -> int | None:
    """A descriptor of a process, which no other can be mistaken for; None where it is gone."""
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, OSError):
        return None
