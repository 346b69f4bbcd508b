"""The processes of a running container as the host's `ps` shows them, with whatever columns are asked for.

Spec: docker's `top`: all processes are listed by ps, and those of the container are picked by the column PID.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple

from capas.errors import Conflict, Invalid, Unsupported
from capas.run.containers import Containers
from capas.run.processes import Process, list_pids, list_processes_of
from capas.run.times import format_time

_TITLES = "UID PID PPID C STIME TTY TIME CMD"
_PATIENCE_SECONDS = 20
_FOREIGN_PID = re.compile(r"(?:^|[\s,])(?!pid=)([^\s,=]*)=\s*PID", re.ASCII)  # another column that calls itself PID


class Table(NamedTuple):
    """Titles, and rows as wide."""

    titles: list[str]
    rows: list[list[str]]


def list_as_ps(containers: Containers, reference: str, options: str) -> Table:
    """What `ps options` shows of it. Raises: NotFound; Conflict where it does not run; Invalid for bad options."""
    container = containers.get(reference)
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name)
    if _FOREIGN_PID.search(options):
        raise Invalid("only the column pid may be called PID, not as in {options!r}", options=options[:200])
    pids = {str(pid) for pid in list_pids(container.record.id, container.state.pid)}
    return _pick(_run_ps(options.split()), pids, options)


def list_as_ps_ef(containers: Containers, reference: str, booted_ns: int) -> Table:
    """What `ps -ef` shows of it. `booted_ns`: when the machine started, since 1970. Raises: as `list_processes_of`."""
    return Table(_TITLES.split(), [_row(one, booted_ns) for one in list_processes_of(containers, reference)])


def _row(one: Process, booted_ns: int) -> list[str]:
    spent = int(one.cpu_seconds)
    began = format_time(booted_ns + int(one.started * 1e9))[11:16]
    clock = f"{spent // 3600:02}:{spent // 60 % 60:02}:{spent % 60:02}"
    return [one.user, str(one.pid), str(one.parent), "0", began, one.terminal, clock, one.command]


def _run_ps(options: list[str]) -> list[str]:
    try:
        done = subprocess.run(
            ["ps", *options], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_SECONDS, check=False,
            env={"PATH": os.defpath, "LC_ALL": "C", "COLUMNS": "1000"},
        )  # fmt: skip
    except FileNotFoundError:
        raise Unsupported("there is no ps on this machine, which shows other columns than those of -ef",
                          hint="install procps") from None  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Invalid("ps does not end with the options {options!r}", options=" ".join(options)[:200]) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise Invalid("ps: {why}", why=said or f"exit code {done.returncode}")
    return done.stdout.decode("utf-8", "replace").splitlines()


def _pick(lines: list[str], pids: set[str], options: str) -> Table:
    titles = lines[0].split() if lines else []
    if "PID" not in titles:
        raise Invalid("Couldn't find PID field in ps output: {options}", options=options[:200])
    at = titles.index("PID")
    rows = (line.split(None, len(titles) - 1) for line in lines[1:])
    return Table(titles, [row for row in rows if len(row) > at and row[at] in pids])
