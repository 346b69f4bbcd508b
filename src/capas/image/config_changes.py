"""What differs between two configs, line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from capas.oci.config import Config, Execution

Lines = dict[tuple[str, str], str]


class Change(NamedTuple):
    """A line of the config that differs. `old` or `new` is None where one side has none."""

    what: str
    name: str
    old: str | None
    new: str | None


def compare_configs(old: Config, new: Config) -> list[Change]:
    """What whoever runs the image would notice, in the order of the old config, then of the new one."""
    before, after = _lines(old), _lines(new)
    names = [*before, *(name for name in after if name not in before)]
    return [Change(*name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _lines(config: Config) -> Lines:
    """The config as lines that have a kind and a name."""
    execution = config.execution
    lines: Lines = {}
    for name, value in _single(config, execution).items():
        if value:
            lines[name, ""] = value
    for variable in execution.env or ():
        key, _, value = variable.partition("=")
        lines["Environment", key] = value
    for what, held in (("Ports", execution.exposed_ports), ("Volumes", execution.volumes)):
        lines.update({(what, name): "" for name in held or ()})
    lines.update({("Labels", name): value for name, value in (execution.labels or {}).items()})
    return lines


def _single(config: Config, execution: Execution) -> Mapping[str, str]:
    health = execution.healthcheck
    return {
        "Platform": str(config.platform) if config.os else "",
        "Entrypoint": _join(execution.entrypoint),
        "Command": _join(execution.cmd),
        "Working directory": execution.working_dir,
        "User": execution.user,
        "Health check": _join(health.test) if health else "",
        "Stop signal": execution.stop_signal,
        "Shell": _join(execution.shell),
        "On build": "\n".join(execution.on_build or ()),
    }


def _join(words: tuple[str, ...] | None) -> str:
    """A command as its JSON array would be written, without the brackets."""
    return json.dumps(list(words), ensure_ascii=False) if words else ""
