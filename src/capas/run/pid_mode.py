"""Processes of one container seen and signalled from another: --pid container:NAME."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from capas.errors import Conflict, Invalid
from capas.run.network import SHARED
from capas.run.record import Record, read_state
from capas.run.spec import ContainerSpec


def settle_processes(spec: ContainerSpec, find: Callable[[str], Record]) -> ContainerSpec:
    """The spec with the other container by its id, which no new name changes. Raises: NotFound; Invalid."""
    if spec.pid in ("private", "host"):
        return spec
    if not spec.pid.startswith(SHARED):
        raise Invalid("invalid PID mode: {mode!r}", mode=spec.pid[:100], hint="choose private, host or container:NAME")
    return spec._replace(pid=SHARED + find(spec.pid.removeprefix(SHARED)).id)


def find_processes(root: Path, spec: ContainerSpec) -> str:
    """private, host, or the path of the namespace of another container. Raises: Conflict where that does not run."""
    if not spec.pid.startswith(SHARED):
        return spec.pid
    other = spec.pid.removeprefix(SHARED)
    state = read_state(root / "containers" / other)
    if state.status != "running":
        raise Conflict("cannot join PID namespace of a non running container: {container}", container=other[:12])
    return f"/proc/{state.pid}/ns/pid"
