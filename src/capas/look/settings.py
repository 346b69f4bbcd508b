"""The lines of a Dockerfile that make one config of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from capas.dockerfile import instructions as df
from capas.dockerfile.position import NOWHERE
from capas.dockerfile.printer import print_instruction
from capas.dockerfile.quoting import quote_value
from capas.oci.config import Execution


def list_settings(have: Execution, want: Execution) -> list[str]:
    """The lines after which `have` has all that `want` has. What it has too much no instruction can take away."""
    return [print_instruction(one) for one in (*_tables(have, want), *_words(have, want), *_commands(have, want))]


def _tables(have: Execution, want: Execution) -> Iterator[df.Instruction]:
    """Variables, labels, ports, volumes: those that are missing or other."""
    for pair in _pairs(have.variables, want.variables):
        yield df.Env(NOWHERE, "", (pair,))
    for pair in _pairs(have.labels or {}, want.labels or {}):
        yield df.Label(NOWHERE, "", (pair,))
    ports = tuple(port for port in want.exposed_ports or {} if port not in (have.exposed_ports or {}))
    if ports:
        yield df.Expose(NOWHERE, "", ports)
    volumes = tuple(path for path in want.volumes or {} if path not in (have.volumes or {}))
    if volumes:
        yield df.Volume(NOWHERE, "", volumes)


def _words(have: Execution, want: Execution) -> Iterator[df.Instruction]:
    if want.shell and want.shell != have.shell:
        yield df.Shell(NOWHERE, "", want.shell)
    if want.working_dir not in ("", have.working_dir):
        yield df.Workdir(NOWHERE, "", _plain(want.working_dir))
    if want.user not in ("", have.user):
        yield df.User(NOWHERE, "", _plain(want.user))
    if want.stop_signal not in ("", have.stop_signal):
        yield df.Stopsignal(NOWHERE, "", _plain(want.stop_signal))


def _commands(have: Execution, want: Execution) -> Iterator[df.Instruction]:
    check = want.healthcheck
    if check is not None and check.test and check != have.healthcheck:
        yield df.Healthcheck(
            NOWHERE, "", tuple(check.test), check.interval, check.timeout, check.start_period, check.start_interval,
            check.retries,
        )  # fmt: skip
    if want.entrypoint and want.entrypoint != have.entrypoint:
        yield df.Entrypoint(NOWHERE, "", df.Command(tuple(want.entrypoint), shell=False))
    if want.cmd and want.cmd != have.cmd:
        yield df.Cmd(NOWHERE, "", df.Command(tuple(want.cmd), shell=False))


def _pairs(have: Mapping[str, str], want: Mapping[str, str]) -> tuple[df.Pair, ...]:
    return tuple(df.Pair(key, quote_value(value)) for key, value in want.items() if have.get(key) != value)


def _plain(value: str) -> str:
    """A value that expansion leaves as it is."""
    return value.replace("\\", "\\\\").replace("$", "\\$")
