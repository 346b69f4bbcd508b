"""What a running container uses: processor time, memory, processes, disk and network, from cgroups and /proc."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from capas.errors import Conflict
from capas.run.cgroups import read_cgroups, read_text
from capas.run.containers import Containers
from capas.run.processes import list_pids

_ROOT = "/sys/fs/cgroup"
_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")
_HUGE = 1 << 60  # what cgroups v1 says where there is no limit


class Traffic(NamedTuple):
    """One interface, in bytes and packets since its start."""

    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class Usage(NamedTuple):
    """Units: times in nanoseconds, sizes in bytes. What this machine does not tell is 0. `cache` may be taken back."""

    cpu_ns: int = 0
    user_ns: int = 0
    kernel_ns: int = 0
    system_ns: int = 0
    processors: int = 1
    memory: int = 0
    cache: int = 0
    memory_limit: int = 0
    processes: int = 0
    processes_limit: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    networks: Mapping[str, Traffic] = {}


def read_usage(containers: Containers, reference: str) -> Usage:
    """Now. Raises: NotFound; Conflict where it does not run."""
    container = containers.get(reference)
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name, id=container.record.id)
    group = f"/capas/{container.record.id}"
    unified = read_cgroups().layout == "v2"
    found = _of_v2(group) if unified else _of_v1(group)
    limit = container.record.spec.limits
    return found._replace(
        system_ns=_system_ns(), processors=os.cpu_count() or 1,
        networks={} if container.record.spec.network == "host" else _networks(container.state.pid),
        memory_limit=found.memory_limit if 0 < found.memory_limit < _HUGE else limit.memory or _all_memory(),
        processes=found.processes or len(list_pids(container.record.id, container.state.pid)),
    )  # fmt: skip


def _of_v1(group: str) -> Usage:
    stat, times = _table(f"{_ROOT}/memory{group}/memory.stat"), _table(f"{_ROOT}/cpuacct{group}/cpuacct.stat")
    spent = {"Read": 0, "Write": 0}
    for line in read_text(f"{_ROOT}/blkio{group}/blkio.throttle.io_service_bytes").splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in spent:
            spent[fields[1]] += int(fields[2])
    return Usage(
        cpu_ns=_number(f"{_ROOT}/cpuacct{group}/cpuacct.usage"),
        user_ns=times.get("user", 0) * _TICK_NS,
        kernel_ns=times.get("system", 0) * _TICK_NS,
        memory=_number(f"{_ROOT}/memory{group}/memory.usage_in_bytes"),
        cache=stat.get("total_inactive_file", 0),
        memory_limit=_number(f"{_ROOT}/memory{group}/memory.limit_in_bytes"),
        processes=_number(f"{_ROOT}/pids{group}/pids.current"),
        processes_limit=_number(f"{_ROOT}/pids{group}/pids.max"),
        read_bytes=spent["Read"],
        written_bytes=spent["Write"],
    )


def _of_v2(group: str) -> Usage:
    place = _ROOT + group
    times = _table(f"{place}/cpu.stat")
    moved = {"rbytes": 0, "wbytes": 0}
    for line in read_text(f"{place}/io.stat").splitlines():
        for name, _, value in (word.partition("=") for word in line.split()[1:]):
            if name in moved:
                moved[name] += int(value)
    return Usage(
        cpu_ns=times.get("usage_usec", 0) * 1000,
        user_ns=times.get("user_usec", 0) * 1000,
        kernel_ns=times.get("system_usec", 0) * 1000,
        memory=_number(f"{place}/memory.current"),
        cache=_table(f"{place}/memory.stat").get("inactive_file", 0),
        memory_limit=_number(f"{place}/memory.max"),
        processes=_number(f"{place}/pids.current"),
        processes_limit=_number(f"{place}/pids.max"),
        read_bytes=moved["rbytes"],
        written_bytes=moved["wbytes"],
    )


def _networks(pid: int) -> dict[str, Traffic]:
    found: dict[str, Traffic] = {}
    for line in read_text(f"/proc/{pid}/net/dev").splitlines()[2:]:
        name, _, rest = line.partition(":")
        numbers = list(map(int, rest.split()))
        if name.strip() != "lo" and len(numbers) >= 12:
            found[name.strip()] = Traffic(*numbers[:4], *numbers[8:12])
    return found


def _system_ns() -> int:
    ticks = sum(map(int, read_text("/proc/stat").partition("\n")[0].split()[1:9]))
    return ticks * _TICK_NS


def _all_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _table(path: str) -> dict[str, int]:
    pairs = (line.split() for line in read_text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def _number(path: str) -> int:
    text = read_text(path).strip()
    return int(text) if text.isdigit() else 0
