"""The plan: a Dockerfile, its arguments and a target become a graph of vertices and a config.

Only the stages that the target needs are planned. Base images are asked for here, several at once: what ENV, USER or
ONBUILD they bring is part of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from capas.build.contexts import NamedContexts
from capas.build.copying import plan_whole
from capas.build.planning import LAYERED, InstructionPlanner, Steps
from capas.build.ports import ResolveImage
from capas.build.predefined import EPOCH, NAMES
from capas.build.request import BuildRequest
from capas.build.stage import StageState, begin_image, begin_scratch, begin_stage, begin_target
from capas.build.vertex import Source, Vertex
from capas.dockerfile.expand import Expander
from capas.dockerfile.instructions import Copy, Dockerfile, Instruction, Run, Stage
from capas.dockerfile.parse import parse_triggers
from capas.dockerfile.position import Position
from capas.dockerfile.scope import global_scope, list_known_args
from capas.errors import CapasError, Invalid, NotFound, Told
from capas.events import Finished, Planned, Report, Settled, Started, ignore
from capas.image.image import Image
from capas.oci.platform import Platform
from capas.parallel import Nursery
from capas.reference import Reference

_SCRATCH = "scratch"


class Base(NamedTuple):
    """What a FROM names, its variables replaced."""

    word: str
    platform: Platform


class Planner:
    """Plans one build."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        request: BuildRequest,
        resolve: ResolveImage,
        named: NamedContexts,
        *,
        report: Report = ignore,
    ) -> None:
        self._dockerfile = dockerfile
        self._request = request
        self._resolve = resolve
        self._named = named
        self._report = report
        self._platform = request.platform or request.host_platform
        self._build_args = given_args(request)
        self._target = self._find_target()
        automatic = automatic_args(request, self._platform, self._target.name or "default")
        self._globals = global_scope(dockerfile, self._build_args, automatic)
        self._images: dict[tuple[Reference, Platform], Image] = {}
        self._brought: list[Image] = []  # of named contexts
        self._states: dict[int, StageState] = {}
        self._automatic = automatic

    def plan(self) -> StageState:
        """The target stage, planned. Raises: Invalid, at its place; NotFound; what `resolve` raises."""
        needed = self._needed()
        self._fetch_images(needed)
        for stage in needed:
            self._state(stage)
        return self._states[self._target.index]

    def list_unused_args(self) -> list[str]:
        """Build arguments that nothing in the Dockerfile asks for."""
        return sorted(set(self._request.build_args) - list_known_args(self._dockerfile, self._automatic) - NAMES)

    @property
    def bases(self) -> Mapping[tuple[Reference, Platform], Image]:
        """The images that the Dockerfile names, by what they were asked for. Order: after `plan`."""
        return self._images

    def images(self) -> list[Image]:
        """Every image the plan stands on. Order: after `plan`."""
        return [*self._images.values(), *self._brought]

    def planned(self) -> frozenset[int]:
        """The stages that are built. Order: after `plan`."""
        return frozenset(self._states)

    def find_image(self, word: str) -> Image | None:
        """The image that FROM names by this word, if one was asked for. Order: after `plan`."""
        try:
            wanted = Reference.parse(word).with_default_tag()
        except CapasError:
            return None
        return next((image for (reference, _), image in self._images.items() if reference == wanted), None)

    def _find_target(self) -> Stage:
        word = self._request.target
        if not word:
            return self._dockerfile.stages[-1]
        stage = self._dockerfile.find_stage(word)
        if stage is None:
            import difflib  # only for errors

            names = [stage.name for stage in self._dockerfile.stages if stage.name]
            near = difflib.get_close_matches(word.lower(), names, n=1)
            hint = (
                "did you mean {meant}?" if near else "the stages are: {known}" if names else "its stages have no names"
            )
            raise NotFound(
                "no stage {target!r} in the Dockerfile", target=word, hint=hint, meant="".join(near),
                known=", ".join(names),
            )  # fmt: skip
        return stage

    # which stages are needed

    def _needed(self) -> list[Stage]:
        """The stages that the target needs, in the order of the file: each comes after those it needs."""
        waiting, seen = [self._target], {self._target.index}
        while waiting:
            stage = waiting.pop()
            for below in self._stages_below(stage):
                if below.index not in seen:
                    seen.add(below.index)
                    waiting.append(below)
        return [self._dockerfile.stages[index] for index in sorted(seen)]

    def _stages_below(self, stage: Stage) -> Iterator[Stage]:
        if self._named.find(stage.name):
            return
        base = self._find_earlier(self._base(stage).word, stage.index)
        if base is not None:
            yield base
        for instruction in stage.instructions:
            for word in _origins(instruction):
                found = self._find_source(word, instruction.position, stage)
                if found is not None:
                    yield found

    def _find_earlier(self, word: str, before: int) -> Stage | None:
        named = [stage for stage in self._dockerfile.stages[:before] if stage.name and stage.name == word.lower()]
        return named[-1] if named else None

    def _find_source(self, word: str, position: Position, stage: Stage) -> Stage | None:
        """The stage that `--from` names, None for an image. Raises: Invalid for this stage or a later one."""
        found = self._find_earlier(word, stage.index) or self._dockerfile.find_stage(word)
        if found is not None and found.index >= stage.index:
            itself = found.index == stage.index
            problem = (
                "stage {name} cannot copy from itself"
                if itself
                else "stage {name} cannot copy from a stage that comes after it"
            )
            raise self._dockerfile.source.fault(problem, position, name=word)
        if found is None and word.isdigit():
            raise self._dockerfile.source.fault("there is no stage number {number}", position, number=word)
        return found

    def _base(self, stage: Stage) -> Base:
        expander = Expander(self._globals, self._dockerfile.escape)
        try:
            word = expander.word(stage.base)
            platform = expander.word(stage.platform) if stage.platform else ""
            if not word:
                raise Invalid(
                    "FROM {text} names nothing: its variables are empty", text=stage.base,
                    hint="declare them with ARG before the first FROM, or give --build-arg",
                )  # fmt: skip
            if stage.platform and not platform:
                raise Invalid("--platform={text} is empty", text=stage.platform)
            return Base(word, Platform.parse(platform, self._platform) if platform else self._platform)
        except CapasError as error:
            raise self._dockerfile.source.locate(error, stage.position) from None

    # images

    def _fetch_images(self, stages: list[Stage]) -> None:
        wanted: dict[tuple[Reference, Platform], Stage] = {}
        for stage in stages:
            if self._named.find(stage.name):
                continue
            base = self._base(stage)
            if self._is_image(base.word) and self._find_earlier(base.word, stage.index) is None:
                wanted.setdefault((self._reference(base.word, stage), base.platform), stage)
            for instruction in stage.instructions:
                for word in _origins(instruction):
                    if self._find_source(word, instruction.position, stage) is None and self._is_image(word):
                        wanted.setdefault((self._reference(word, stage), self._platform), stage)
        if len(wanted) < 2:
            return  # asked for when it is met
        with Nursery(self._request.max_parallel) as nursery:
            for (reference, platform), stage in wanted.items():
                nursery.start(self._image, reference, platform, stage)

    def _is_image(self, word: str) -> bool:
        return word != _SCRATCH and self._named.find(word) is None

    def _image(self, reference: Reference, platform: Platform, stage: Stage) -> Image:
        found = self._images.get((reference, platform))
        if found is None:
            try:
                found = self._resolve(reference, platform, self._request.pull)
            except CapasError as error:
                raise self._dockerfile.source.locate(error, stage.position) from None
            self._images[(reference, platform)] = found
        return found

    def _reference(self, word: str, stage: Stage) -> Reference:
        try:
            return Reference.parse(word).with_default_tag()
        except CapasError as error:
            raise self._dockerfile.source.locate(error, stage.position) from None

    # stages

    def _state(self, stage: Stage) -> StageState:
        found = self._states.get(stage.index)
        if found is None:
            found = self._states[stage.index] = self._plan_stage(stage)
        return found

    def _plan_stage(self, stage: Stage) -> StageState:
        name = self._named.find(stage.name) if stage.name else None
        if name is not None:  # a context of the stage's name stands for all of it
            return self._begin_named(name, self._platform, stage)[0]
        base = self._base(stage)
        state, is_image = self._begin(stage, base)
        triggers = self._triggers(state, stage)
        state = state._replace(execution=replace(state.execution, on_build=None))
        instructions: tuple[Instruction, ...] = (*triggers, *stage.instructions)
        total = is_image + sum(isinstance(one, LAYERED) for one in instructions)
        many = len(self._dockerfile.stages) > 1
        name = (stage.name or f"stage-{stage.index}") if many else ""
        platform = str(base.platform) if len(self._request.platforms) > 1 else ""
        steps = Steps(" ".join(filter(None, (self._request.label, platform, name))), total)
        title = f"FROM {base.word}" + (f" AS {stage.name}" if stage.name else "")
        if is_image:
            self._tell(steps.next(), title, state.vertex)
        else:
            self._report(Settled(title, state.vertex.digest))
        request = self._request_for(stage)
        planner = InstructionPlanner(
            self._dockerfile, request, lambda word: self._find_vertex(word, stage), steps, self._find_files
        )
        for instruction in instructions:
            before = state.vertex
            state = planner.apply(state, instruction)
            if state.vertex is before:
                self._report(Settled(instruction.original, before.digest))
        return state

    def _request_for(self, stage: Stage) -> BuildRequest:
        named = {word.lower() for word in self._request.no_cache_filter}
        return self._request._replace(no_cache=True) if named & {stage.name, str(stage.index)} else self._request

    def _begin(self, stage: Stage, base: Base) -> tuple[StageState, bool]:
        below = self._find_earlier(base.word, stage.index)
        if below is not None:
            return begin_stage(self._state(below)), False
        name = self._named.find(base.word)
        if name is not None:
            return self._begin_named(name, base.platform, stage)
        if base.word == _SCRATCH:
            return begin_scratch(self._request, base.platform, self._build_args, self._globals), False
        image = self._image(self._reference(base.word, stage), base.platform, stage)
        return begin_image(self._request, image, base.word, self._build_args, self._globals), True

    def _triggers(self, state: StageState, stage: Stage) -> list[Instruction]:
        try:
            return [one._replace(position=stage.position) for one in parse_triggers(state.execution.on_build or ())]
        except CapasError as error:
            raise self._dockerfile.source.locate(error, stage.position) from None

    def _find_vertex(self, word: str, stage: Stage) -> tuple[Vertex, str]:
        """The top of the stage or image that `--from` names, and what errors call it."""
        below = self._find_source(word, stage.position, stage)
        if below is not None:
            return self._state(below).vertex, Told("stage {word}", {"word": word})
        name = self._named.find(word)
        if name is not None:
            return self._begin_named(name, self._platform, stage)[0].vertex, Told("context {name}", {"name": name})
        image = self._image(self._reference(word, stage), self._platform, stage)
        return Vertex(Source(word, image.layers, str(image.digest))), Told("image {word}", {"word": word})

    def _find_files(self, word: str) -> str:
        """The named context of files that this word means."""
        name = self._named.find(word)
        return name if name is not None and self._named.is_files(name) else ""

    def _begin_named(self, name: str, platform: Platform, stage: Stage) -> tuple[StageState, bool]:
        """What a named context is to begin with: an image, or one layer of its files."""
        if self._named.is_target(name):
            return begin_target(self._named.target(name, platform), self._build_args, self._globals), True
        if self._named.is_image(name):
            try:
                image = self._named.image(name, platform)
            except CapasError as error:
                raise self._dockerfile.source.locate(error, stage.position) from None
            reference = self._named.reference(name)
            if reference is None:
                self._brought.append(image)
            else:
                self._images[reference, platform] = image
            return begin_image(self._request, image, name, self._build_args, self._globals), True
        state = begin_scratch(self._request, platform, self._build_args, self._globals)
        op = plan_whole(
            name, lambda error: self._dockerfile.source.locate(error, stage.position),
            use_cache=not self._request.no_cache,
        )  # fmt: skip
        return state.with_line(f"COPY {name} / # buildkit", Vertex(op, [state.vertex], f"[context {name}]")), False

    def _tell(self, step: str, title: str, vertex: Vertex) -> None:
        self._report(Planned(step, title, vertex.digest))
        self._report(Started(step, title))
        self._report(Finished(step, "DONE"))


def _origins(instruction: Instruction) -> tuple[str, ...]:
    """What `--from` and `from=` of an instruction name."""
    if isinstance(instruction, Copy):
        return (instruction.origin,) if instruction.origin else ()
    if isinstance(instruction, Run):
        return tuple(mount.origin for mount in instruction.mounts if mount.origin)
    return ()


def given_args(request: BuildRequest) -> dict[str, str]:
    """The build arguments with their values; one given by name alone takes the value of the variable outside."""
    named = {name: request.environ.get(name) if value is None else value for name, value in request.build_args.items()}
    return {name: value for name, value in named.items() if value is not None}


def automatic_args(request: BuildRequest, target: Platform, stage: str) -> Mapping[str, str]:
    """The arguments that need no declaration before the first FROM."""
    found = {"TARGETSTAGE": stage}
    for prefix, platform in (("TARGET", target), ("BUILD", request.host_platform)):
        found[f"{prefix}PLATFORM"] = str(platform)
        found[f"{prefix}OS"] = platform.os
        found[f"{prefix}ARCH"] = platform.architecture
        found[f"{prefix}VARIANT"] = platform.variant
    return found if request.source_date_epoch is None else found | {EPOCH: str(request.source_date_epoch)}
