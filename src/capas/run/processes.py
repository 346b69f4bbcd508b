"""The processes of a running container, as the host sees them: what docker's `top` shows."""

from __future__ import annotations

import os
import pwd
from typing import NamedTuple

from capas.errors import Conflict
from capas.run.cgroups import list_processes
from capas.run.containers import Containers

_TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """One of them. Units: `started` in seconds since the machine's start, `cpu_seconds` of all processors."""

    user: str
    pid: int
    parent: int
    started: float
    terminal: str
    cpu_seconds: float
    command: str


def list_processes_of(containers: Containers, reference: str) -> list[Process]:
    """Oldest first. Raises: NotFound; Conflict where it does not run."""
    container = containers.get(reference)
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name, id=container.record.id)
    found = map(_read, list_pids(container.record.id, container.state.pid))
    return sorted((one for one in found if one is not None), key=lambda one: (one.started, one.pid))


def list_pids(container_id: str, first: int) -> list[int]:
    """Those of its cgroup, or of the first process's namespace where it has no group of its own."""
    return list_processes(f"/capas/{container_id}") or _in_namespace(first)


def _in_namespace(first: int) -> list[int]:
    try:
        wanted = os.stat(f"/proc/{first}/ns/pid").st_ino
    except OSError:
        return []
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}/ns/pid").st_ino == wanted:
                found.append(int(name))
        except OSError:
            continue
    return found


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            words = file.read().split("\0")
        owner = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    command = " ".join(word for word in words if word) or f"[{name}]"
    spent = (int(fields[11]) + int(fields[12])) / _TICKS
    return Process(
        _user(owner), pid, int(fields[1]), int(fields[19]) / _TICKS, _terminal(int(fields[4])), spent, command
    )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _terminal(device: int) -> str:
    return f"pts/{device & 0xFF | (device >> 12) & 0xFFF00}" if (device >> 8) & 0xFFF == 136 else "?"
