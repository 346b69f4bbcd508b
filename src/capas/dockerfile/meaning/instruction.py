"""One instruction in words, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from capas.dockerfile.checks.shell import Script
from capas.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.meaning import settings, starting
from capas.dockerfile.meaning.arguments import explain_arg, explain_variables
from capas.dockerfile.meaning.files import explain_add, explain_copy
from capas.dockerfile.meaning.running import explain_run
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Risk, Sentence, told

_NO_VARIABLES = (Run, Cmd, Entrypoint, Healthcheck, Shell, Maintainer, Onbuild)


def explain_instruction(
    instruction: Instruction, scene: Scene, script: Script | None = None
) -> Iterator[Sentence | Risk]:
    """What it does and what to beware of. `scene`: as it is before it; `script`: the commands of a RUN."""
    if isinstance(instruction, Onbuild):
        yield told("Does nothing here: it leaves {trigger} to whoever builds FROM this image, right after their FROM",
                   trigger=instruction.trigger)  # fmt: skip
        yield from explain_instruction(instruction.inner, scene._replace(workdir="", user="", subject=None), script)
        return
    settled = scene.settle(instruction)
    if isinstance(instruction, Copy | Add) and isinstance(settled, Copy | Add):
        settled = settled._replace(heredocs=instruction.heredocs)  # as written
    if isinstance(settled, Run):
        yield from explain_run(settled, script, scene)
    elif type(settled) in _ALONE:
        yield from _ALONE[type(settled)](settled)
    else:
        yield from _IN_SCENE[type(settled)](instruction if isinstance(settled, Arg | Expose) else settled, scene)
    if not isinstance(instruction, _NO_VARIABLES):
        yield from explain_variables(instruction.original, scene)


_Said = Iterator[Sentence | Risk]
_ALONE: Mapping[type, Callable[[Any], _Said]] = MappingProxyType({
    Label: settings.explain_label, User: settings.explain_user,
    Volume: settings.explain_volume, Stopsignal: settings.explain_stopsignal, Maintainer: settings.explain_maintainer,
    Healthcheck: starting.explain_healthcheck,
})  # fmt: skip
_IN_SCENE: Mapping[type, Callable[[Any, Scene], _Said]] = MappingProxyType({
    Copy: explain_copy, Add: explain_add, Arg: explain_arg, Env: settings.explain_env, Expose: settings.explain_expose,
    Workdir: settings.explain_workdir, Shell: settings.explain_shell, Cmd: starting.explain_cmd,
    Entrypoint: starting.explain_entrypoint,
})  # fmt: skip
