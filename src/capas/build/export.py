"""The end of a build: the layers that were made and the config that was planned, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from capas.build.bench import Bench
from capas.build.solver import Solver
from capas.build.stage import Line, StageState
from capas.build.vertex import Made, Solved, digest_key
from capas.image.created import format_created
from capas.layer.entry import Layer
from capas.oci.config import Config, Execution, History, RootFS
from capas.oci.digest import DiffID
from capas.oci.document import encode
from capas.oci.platform import Platform

COMMENT = "capas"
_BILLION = 1_000_000_000


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
    made = [None if line.vertex is None else solver.solved(line.vertex).made for line in state.lines]
    config = replace(
        state.config,
        config=_tidy(state.execution, bench.request.labels),
        rootfs=RootFS(diff_ids=tuple(layer.diff_id for layer in layers)),
        history=None,
        created=None,
    )
    created_ns = _created_ns(config, state.lines, made, bench)
    times = _times(made, created_ns)
    history = (*state.config.steps, *map(_step, state.lines, made, times))
    config = replace(config, history=history or None, created=format_created(max([created_ns, *times])))
    new = {one.layer.diff_id for one in made if one is not None and one.layer is not None}
    return Composed(config, layers, frozenset(layer.diff_id for layer in layers) - new)


def _step(line: Line, made: Made | None, created_ns: int) -> History:
    return History(
        created=format_created(created_ns),
        created_by=line.text,
        comment=COMMENT,
        empty_layer=made is None or made.layer is None,
    )


def _times(made: Sequence[Made | None], otherwise_ns: int) -> list[int]:
    """A time for every step: its own, or that of the step before, or of the first that has one."""
    known = [one.created_ns for one in made if one is not None]
    current = known[0] if known else otherwise_ns
    times = []
    for one in made:
        current = current if one is None else one.created_ns
        times.append(current)
    return times


def _created_ns(config: Config, lines: Sequence[Line], made: Sequence[Made | None], bench: Bench) -> int:
    """When an image in which no step has a time was made: the first time that just this config was."""
    known = [one.created_ns for one in made if one is not None]
    if known:
        return max(known)
    if bench.epoch_ns is not None:
        return bench.epoch_ns
    key = digest_key("created", encode(config).decode(), [line.text for line in lines])
    found = bench.cache.find(key)
    if found is None:
        found = Made(None, 0, bench.now_ns)
        bench.cache.put([key], found)
    return found.created_ns


def _tidy(execution: Execution, labels: Mapping[str, str]) -> Execution:
    """Labels of the command line on top, and every map in the order of its keys, as Go writes them."""
    merged = {**(execution.labels or {}), **labels}
    return replace(
        execution,
        labels=dict(sorted(merged.items())) or None,
        exposed_ports=dict(sorted((execution.exposed_ports or {}).items())) or None,
        volumes=dict(sorted((execution.volumes or {}).items())) or None,
    )
