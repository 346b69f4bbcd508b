"""Stages: what the image will be made of in the end, and how stages feed each other."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.checks.subject import StageText, Subject
from capas.dockerfile.instructions import Add, Cmd, Copy, Entrypoint, Expose, Run, User, Volume, Workdir
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Listed, Sentence, counted, told
from capas.dockerfile.meaning.starting import show


class Flow:
    """A Dockerfile's stages and what goes from one to another. `ends`: the scene at the end of each stage."""

    def __init__(self, subject: Subject, ends: list[Scene]) -> None:
        self._subject = subject
        self._ends = ends

    def tell(self) -> Iterator[Sentence]:
        """The file in some sentences, the image last."""
        stages = self._subject.stages
        if not stages:
            return
        last = stages[-1]
        if len(stages) > 1:
            yield counted("{n} stage", "{n} stages, of which the last is the image: {items}", map(_name, stages),
                          n=len(stages))  # fmt: skip
            yield from self._flows()
            yield from self._unused()
        yield from self._image(last)

    def _flows(self) -> Iterator[Sentence]:
        for stage in self._subject.stages:
            for below in filter(None, [self._subject.find_stage(stage.stage.base, stage.stage.index)]):
                yield told("{name} goes on from {below}", name=_name(stage), below=_name(below))
            for step in stage.steps:
                copy = step.instruction
                source = self._source(stage, copy) if isinstance(copy, Copy) else None
                if isinstance(copy, Copy) and source is not None:
                    yield told("{name} takes {items} from {source}", name=_name(stage), items=Listed(copy.sources),
                               source=_name(source))  # fmt: skip

    def _source(self, stage: StageText, copy: Copy) -> StageText | None:
        if copy.origin.isdecimal() and int(copy.origin) < stage.stage.index:
            return self._subject.stages[int(copy.origin)]
        return self._subject.find_stage(copy.origin, stage.stage.index) if copy.origin else None

    def _unused(self) -> Iterator[Sentence]:
        used = {self._subject.stages[-1].stage.index}
        for stage in reversed(self._subject.stages):
            if stage.stage.index not in used:
                continue
            below = self._subject.find_stage(stage.stage.base, stage.stage.index)
            sources = [
                self._source(stage, step.instruction) for step in stage.steps if isinstance(step.instruction, Copy)
            ]
            mounts = [mount.origin for step in stage.steps if step.run for mount in step.run.mounts if mount.origin]
            found = [below, *sources, *(self._subject.find_stage(name, stage.stage.index) for name in mounts)]
            used |= {each.stage.index for each in found if each is not None}
        idle = [_name(stage) for stage in self._subject.stages if stage.stage.index not in used]
        if idle:
            yield counted("{items} does not go into the image: it is only built with `--target`",
                          "{items} do not go into the image: they are only built with `--target`", idle)  # fmt: skip

    def _image(self, last: StageText) -> Iterator[Sentence]:
        end = self._ends[last.stage.index]
        chain = self._chain(last)
        base = self._ends[chain[-1].stage.index].expand(chain[-1].stage.base)
        layers = sum(
            isinstance(step.instruction, Run | Copy | Add | Workdir) for stage in chain for step in stage.steps
        )
        yield counted("The image stands on {base} and adds {n} layer", "The image stands on {base} and adds {n} layers",
                      [""] * layers, base=base, n=layers)  # fmt: skip
        program = [show(one.command) for one in (end.entrypoint, end.cmd) if one is not None and one.command.args]
        if program:
            yield told("A container of it runs {command}", command=" ".join(program))
        else:
            yield told("A container of it runs what {base} says", base=base)
        yield told("as the user {user}", user=end.user) if end.user else told("as the user that {base} says", base=base)
        ports = [port for stage in chain for step in stage.steps if isinstance(step.instruction, Expose)
                 for port in step.instruction.ports]  # fmt: skip
        paths = [path for stage in chain for step in stage.steps if isinstance(step.instruction, Volume)
                 for path in step.instruction.paths]  # fmt: skip
        if ports:
            yield counted("It listens on port {items}", "It listens on the ports {items}", ports)
        if paths:
            yield counted("Its data are in {items}", "Its data are in {items}", paths)

    def _chain(self, stage: StageText) -> list[StageText]:
        """The stage and those that it stands on."""
        chain = [stage]
        while below := self._subject.find_stage(chain[-1].stage.base, chain[-1].stage.index):
            chain.append(below)
        return chain


def _name(stage: StageText) -> str:
    return stage.name or str(stage.stage.index)


def last_of(stage: StageText) -> tuple[Entrypoint | None, Cmd | None, str]:
    """The ENTRYPOINT, the CMD and the USER that a stage ends with."""
    entrypoint: Entrypoint | None = None
    cmd: Cmd | None = None
    user = ""
    for step in stage.steps:
        if isinstance(step.instruction, Entrypoint):
            entrypoint = step.instruction
        elif isinstance(step.instruction, Cmd):
            cmd = step.instruction
        elif isinstance(step.instruction, User):
            user = step.instruction.user
    return entrypoint, cmd, user
