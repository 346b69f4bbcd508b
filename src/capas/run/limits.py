"""Limits: memory, processors and processes of a container, as docker writes them and as the runtime reads them."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from capas.errors import Invalid, Unsupported
from capas.run.cgroups import Cgroups

_PERIOD_US = 100_000
_SMALLEST_MEMORY = 6 * 1024 * 1024  # as docker
_SIZE = re.compile(r"(\d{1,18})(?:\.(\d{1,3}))?\s*([kmgtp]?)i?b?", re.ASCII | re.IGNORECASE)
_CPUS = re.compile(r"\d{1,5}(?:\.\d{1,9})?|\.\d{1,9}", re.ASCII)


class Limits(NamedTuple):
    """0 and "" mean no limit. `memory` in bytes, `cpus` in billionths of a processor (docker's NanoCpus)."""

    memory: int = 0
    memory_swap: int = 0  # memory and swap together; -1 for as much swap as there is
    memory_reservation: int = 0
    nano_cpus: int = 0
    cpu_shares: int = 0
    cpuset_cpus: str = ""
    pids: int = 0


NO_LIMITS = Limits()


def parse_size(text: str) -> int:
    """`512m`, `1.5g`, `1048576`: bytes, in powers of 1024. Raises: Invalid."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise Invalid("not a size: {text!r}", text=text[:100], hint="write it like 512m or 2g")
    unit: int = 1024 ** ("kmgtp".index(match[3].lower()) + 1 if match[3] else 0)
    fraction = int((match[2] or "0").ljust(3, "0"))
    return int(match[1]) * unit + fraction * unit // 1000


def parse_cpus(text: str) -> int:
    """`1.5` processors, in billionths. Raises: Invalid."""
    if not _CPUS.fullmatch(text.strip()):
        raise Invalid("not a number of processors: {text!r}", text=text[:100], hint="write it like 1.5")
    whole, _, fraction = text.strip().partition(".")
    return int(whole or "0") * 10**9 + int(fraction.ljust(9, "0") or "0")


def check_limits(limits: Limits, cgroups: Cgroups) -> None:
    """Raises: Unsupported where this machine cannot hold them; Invalid for a limit that nothing can live in."""
    if limits == NO_LIMITS:
        return
    if not cgroups.writable:
        raise Unsupported("memory, cpu and pids limits cannot be set here: {reason}", reason=cgroups.reason,
                          hint="run as root, or without limits")  # fmt: skip
    if 0 < limits.memory < _SMALLEST_MEMORY:
        raise Invalid("a memory limit is at least 6m")
    most = os.cpu_count() or 1
    if limits.nano_cpus and not 10**7 <= limits.nano_cpus <= most * 10**9:
        raise Invalid("from 0.01 to {most} processors can be given here", most=most)
    if limits.memory_swap > 0 and limits.memory_swap < limits.memory:
        raise Invalid("memory-swap counts memory and swap together: it cannot be below memory")
    wanted = {"memory": limits.memory, "cpu": limits.nano_cpus or limits.cpu_shares, "pids": limits.pids}
    for controller, value in wanted.items():
        if value and controller not in cgroups.controllers:
            raise Unsupported("this machine's cgroups have no {controller} controller", controller=controller)


def resources_of(limits: Limits) -> dict[str, Any]:
    """The runtime-spec `linux.resources`, without devices."""
    made: dict[str, Any] = {}
    memory = {"limit": limits.memory, "swap": limits.memory_swap, "reservation": limits.memory_reservation}
    if any(memory.values()):
        made["memory"] = {name: value for name, value in memory.items() if value}
    cpu: dict[str, Any] = {"shares": limits.cpu_shares, "cpus": limits.cpuset_cpus}
    if limits.nano_cpus:
        cpu |= {"quota": limits.nano_cpus * _PERIOD_US // 10**9, "period": _PERIOD_US}
    if any(cpu.values()):
        made["cpu"] = {name: value for name, value in cpu.items() if value}
    if limits.pids > 0:
        made["pids"] = {"limit": limits.pids}
    return made
