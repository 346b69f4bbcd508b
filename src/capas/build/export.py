"""The end of a build: the layers that were made and the config that was planned, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from capas.build.bench import Bench
from capas.build.solver import Solver
from capas.build.stage import Line, StageState
from capas.build.vertex import Solved
from capas.image.created import format_created
from capas.layer.entry import Layer
from capas.oci.config import Config, Execution, History, RootFS
from capas.oci.digest import DiffID
from capas.oci.platform import Platform

COMMENT = "capas"


class Composed(NamedTuple):
    """What a build gives for one platform: a config and layers, bottom first, which `exporters` make something of."""

    config: Config
    layers: tuple[Layer, ...]
    base: frozenset[DiffID] = frozenset()  # the layers that were there before

    @property
    def platform(self) -> Platform:
        """What it runs on, in normal form."""
        return self.config.platform

    @property
    def chain(self) -> str:
        """The name of the stack by content."""
        return Solved(self.layers).chain

    def is_new(self, layer: Layer) -> bool:
        """Whether it is a layer of this Dockerfile, not of its base."""
        return layer.diff_id not in self.base


def compose(state: StageState, solver: Solver, bench: Bench) -> Composed:
    """The config and the layers of a stage. Order: after the solver is done."""
    layers = solver.solved(state.vertex).layers
    config = replace(
        state.config,
        config=_tidy(state.execution, bench.request.labels),
        rootfs=RootFS(diff_ids=tuple(layer.diff_id for layer in layers)),
        history=None,
        created=None,
    )
    created = format_created(state.time_ns)
    history = (*state.config.steps, *(_step(line, solver, created) for line in state.lines))
    config = replace(config, history=history or None, created=created)
    made = [solver.solved(line.vertex).made for line in state.lines if line.vertex is not None]
    new = {one.layer.diff_id for one in made if one is not None and one.layer is not None}
    return Composed(config, layers, frozenset(layer.diff_id for layer in layers) - new)


def _step(line: Line, solver: Solver, created: str) -> History:
    made = None if line.vertex is None else solver.solved(line.vertex).made
    empty = made is None or made.layer is None
    return History(created=created, created_by=line.text, comment=COMMENT, empty_layer=empty)


def _tidy(execution: Execution, labels: Mapping[str, str]) -> Execution:
    """Labels of the command line on top, and every map in the order of its keys, as Go writes them."""
    merged = {**(execution.labels or {}), **labels}
    return replace(
        execution,
        labels=dict(sorted(merged.items())) or None,
        exposed_ports=dict(sorted((execution.exposed_ports or {}).items())) or None,
        volumes=dict(sorted((execution.volumes or {}).items())) or None,
    )
