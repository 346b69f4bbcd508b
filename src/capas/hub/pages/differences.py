"""What differs between two images: layers by bytes, and every line of their configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capas.hub.pages.reading import Shown
from capas.image.steps import Step, list_steps
from capas.oci.config import Config, Execution


class Change(NamedTuple):
    """A line of the config that differs. `old` or `new` is None where one side has none."""

    what: str
    name: str
    old: str | None
    new: str | None


class Difference(NamedTuple):
    """From one image to another. `shared` layers are the same blobs; `removed` and `added` are those of one side."""

    shared: tuple[Step, ...]
    removed: tuple[Step, ...]
    added: tuple[Step, ...]
    changes: tuple[Change, ...]

    @property
    def shared_bytes(self) -> int:
        """What a client that has the one need not pull for the other."""
        return sum(step.size for step in self.shared)

    @property
    def removed_bytes(self) -> int:
        """The bytes of the layers that only the first has."""
        return sum(step.size for step in self.removed)

    @property
    def added_bytes(self) -> int:
        """What a client that has the first still pulls for the second."""
        return sum(step.size for step in self.added)

    @property
    def is_nothing(self) -> bool:
        """Whether both are the same to whoever runs them."""
        return not (self.removed or self.added or self.changes)


def compare(old: Shown, new: Shown) -> Difference:
    """What changes from the old image to the new one."""
    before = [step for step in list_steps(old.manifest, old.config) if step.digest]
    after = [step for step in list_steps(new.manifest, new.config) if step.digest]
    had, has = {step.digest for step in before}, {step.digest for step in after}
    return Difference(
        shared=tuple(step for step in after if step.digest in had),
        removed=tuple(step for step in before if step.digest not in has),
        added=tuple(step for step in after if step.digest not in had),
        changes=tuple(_changes(_lines(old.config or Config()), _lines(new.config or Config()))),
    )


Lines = dict[tuple[str, str], str]


def _changes(old: Lines, new: Lines) -> list[Change]:
    names = [*old, *(name for name in new if name not in old)]
    return [Change(*name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


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
        "Entrypoint": join(execution.entrypoint),
        "Command": join(execution.cmd),
        "Working directory": execution.working_dir,
        "User": execution.user,
        "Health check": join(health.test) if health else "",
        "Stop signal": execution.stop_signal,
        "Shell": join(execution.shell),
        "On build": "\n".join(execution.on_build or ()),
    }


def join(words: tuple[str, ...] | None) -> str:
    """A command as its JSON array would be written, without the brackets."""
    import json

    return json.dumps(list(words), ensure_ascii=False) if words else ""
