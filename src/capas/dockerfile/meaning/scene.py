"""The scene: what is known where an instruction stands — its stage, its folder, its user, its variables."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import join, normpath
from typing import NamedTuple

from capas.dockerfile.checks.subject import StageText, Subject
from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.instructions import Arg, Cmd, Entrypoint, Env, Instruction, Shell, User, Workdir
from capas.errors import CapasError

DEFAULT_SHELL = ("/bin/sh", "-c")
ROOT = frozenset({"root", "0"})


class Scene(NamedTuple):
    """`workdir`, `user` and `shell` are "" and () while they are the base image's. `origins`: where a variable's value
    was given (a line); `args`: which of them are an ARG's. `entrypoint` and `cmd` are those that the stage ends '
                                                        'with."""

    subject: Subject | None = None
    stage: StageText | None = None
    variables: Mapping[str, str] = {}
    origins: Mapping[str, int] = {}
    outer: Mapping[str, str] = {}
    args: frozenset[str] = frozenset()
    escape: str = "\\"
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    entrypoint: Entrypoint | None = None
    cmd: Cmd | None = None
    is_last: bool = True

    def expand(self, word: str) -> str:
        """The word with its variables, as far as all of them are known here; else as written."""
        expander = Expander(self.variables, self.escape)
        try:
            text = expander.word(word)
        except CapasError:
            return word
        return word if expander.missing else text

    def place(self, path: str) -> str:
        """A path of the image as it is seen from the root; one that stands on an unknown folder stays as it is."""
        text = self.expand(path)
        if text.startswith("/") or not self.workdir:
            return text
        whole = normpath(join(self.workdir, text))
        return whole + "/" if text.endswith(("/", "/.")) and whole != "/" else whole

    def settle(self, instruction: Instruction) -> Instruction:
        """The instruction with its variables replaced where all of them are known."""
        expander = Expander(self.variables, self.escape)
        try:
            settled = expand_instruction(instruction, expander)
        except CapasError:
            return instruction
        return instruction if expander.missing else settled

    def after(self, instruction: Instruction | None, line: int = 0) -> Scene:
        """The scene of the next instruction."""
        if isinstance(instruction, Workdir):
            return self._replace(workdir=self.place(instruction.path))
        if isinstance(instruction, User):
            return self._replace(user=self.expand(instruction.user))
        if isinstance(instruction, Shell):
            return self._replace(shell=instruction.shell)
        if isinstance(instruction, Env):
            return self._with({pair.key: self.expand(pair.value) for pair in instruction.pairs}, line)
        if isinstance(instruction, Arg):
            return self._with_args(instruction, line)
        return self

    def _with_args(self, arg: Arg, line: int) -> Scene:
        scene = self._replace(args=self.args | {pair.key for pair in arg.pairs})
        for pair in arg.pairs:
            value = scene.outer.get(pair.key) if pair.value is None else scene.expand(pair.value)
            if value is not None:
                scene = scene._with({pair.key: value}, line)
        return scene

    def _with(self, values: Mapping[str, str], line: int) -> Scene:
        return self._replace(
            variables={**self.variables, **values}, origins={**self.origins, **dict.fromkeys(values, line)}
        )
