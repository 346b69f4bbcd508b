"""One stage as it is planned: the config so far, the variables in sight, the history, and the vertex on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from capas.build.request import BuildRequest, mtime_of
from capas.build.vertex import Source, Vertex
from capas.dockerfile.scope import Scope
from capas.image.created import parse_created
from capas.image.editing import DEFAULT_PATH
from capas.image.image import Image
from capas.oci.config import Config, Execution
from capas.oci.platform import Platform


class Line(NamedTuple):
    """One step of the history to be: its text, and the vertex whose layer it stands for (None: it has none)."""

    text: str
    vertex: Vertex | None = None


class StageState(NamedTuple):
    """What a stage is after some of its instructions. Values only: an instruction gives the next state."""

    vertex: Vertex
    config: Config  # the base's: platform, author and history; its `config` member is `execution` from here on
    execution: Execution
    scope: Scope
    platform: Platform
    time_ns: int  # when this image and what its steps make was made, as it says itself: see `time_of`
    lines: tuple[Line, ...] = ()
    cmd_set: bool = False

    @property
    def workdir(self) -> str:
        """Where relative paths begin."""
        return self.execution.working_dir or "/"

    def with_line(self, text: str, vertex: Vertex | None = None) -> StageState:
        """One more step of history."""
        return self._replace(lines=(*self.lines, Line(text, vertex)), vertex=vertex or self.vertex)


def time_of(request: BuildRequest, base: Image | None = None) -> int:
    """The time of a stage's image, so that the same input gives the same image whenever it is built.

    SOURCE_DATE_EPOCH where it is set, else the base image's, but not before what every archive format can hold.
    """
    if request.source_date_epoch is not None or base is None:
        return mtime_of(request)
    return max(parse_created(base.config.created), mtime_of(request))


def begin_scratch(
    request: BuildRequest, platform: Platform, build_args: Mapping[str, str], outer: Mapping[str, str]
) -> StageState:
    """FROM scratch: no layer, and the config that BuildKit gives it."""
    config = Config(architecture=platform.architecture, os=platform.os, variant=platform.variant)
    execution = Execution(env=(f"PATH={DEFAULT_PATH}",), working_dir="/")
    scope = Scope.begin(execution.variables, build_args, outer)
    return StageState(Vertex(Source("scratch")), config, execution, scope, platform, time_of(request))


def begin_image(
    request: BuildRequest, image: Image, name: str, build_args: Mapping[str, str], outer: Mapping[str, str]
) -> StageState:
    """FROM an image: its layers, its config, and a PATH where it has none, as BuildKit gives it."""
    execution = image.config.execution
    if "PATH" not in execution.variables:
        execution = replace(execution, env=(*(execution.env or ()), f"PATH={DEFAULT_PATH}"))
    scope = Scope.begin(execution.variables, build_args, outer)
    vertex = Vertex(Source(name, image.layers, str(image.digest)))
    return StageState(vertex, image.config, execution, scope, image.platform, time_of(request, image))


def begin_stage(base: StageState) -> StageState:
    """FROM another stage: all of it, its variables too."""
    return base._replace(cmd_set=False)


def begin_target(below: StageState, build_args: Mapping[str, str], outer: Mapping[str, str]) -> StageState:
    """FROM what another build of the same run gives: its steps, its config, its history, and none of its arguments."""
    scope = Scope.begin(below.execution.variables, build_args, outer)
    return below._replace(scope=scope, cmd_set=False)
