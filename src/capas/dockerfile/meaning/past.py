"""The past: what the steps in an image's history did, in the same words as a Dockerfile's lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from capas.dockerfile.checks.shell import Script
from capas.dockerfile.checks.subject import read_subject
from capas.dockerfile.history import find_instruction, restore_line, split_instruction
from capas.dockerfile.instructions import Add, Cmd, Copy, Entrypoint, Instruction
from capas.dockerfile.meaning.instruction import explain_instruction
from capas.dockerfile.meaning.reasons import why
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Risk, Sentence, told
from capas.errors import CapasError

Start = TypeVar("Start", Entrypoint, Cmd)
_OLD = ("file:", "dir:", "multi:")


class Past(NamedTuple):
    """A step of an image. `line`: it as a Dockerfile has it ("" where it is no instruction that can be read)."""

    line: str
    does: tuple[Sentence, ...]
    why: Sentence | None = None
    risks: tuple[Sentence, ...] = ()


def explain_past(history: Sequence[str]) -> Iterator[Past]:
    """The steps in order, each `created_by` of a history in words."""
    found = [find_instruction(text) for text in history]
    scene = Scene(entrypoint=_last(found, Entrypoint), cmd=_last(found, Cmd))
    for text, instruction in zip(history, found, strict=True):
        yield _explain(text, instruction, scene)
        scene = scene.after(instruction)


def _explain(text: str, instruction: Instruction | None, scene: Scene) -> Past:
    if instruction is None:
        return Past("", (_unread(text),))
    line = restore_line(text)
    parts = list(explain_instruction(instruction, scene, _script(line)))
    does = [part for part in parts if isinstance(part, Sentence)]
    if isinstance(instruction, Copy | Add) and instruction.sources[:1] and instruction.sources[0].startswith(_OLD):
        does.append(told("The builder of that time noted no names of files, only their digest"))
    risks = tuple(part.problem for part in parts if isinstance(part, Risk))
    return Past(line, tuple(does), why(instruction, scene), risks)


def _unread(text: str) -> Sentence:
    words = split_instruction(text)[1]
    if not words:
        return told("The history says nothing of it")
    return told("The history has {text}, which is no instruction of a Dockerfile: another tool wrote it", text=words)


def _script(line: str) -> Script | None:
    if not line.startswith("RUN "):
        return None
    try:
        runs = read_subject(f"FROM scratch\n{line}").runs
    except CapasError:
        return None
    return runs[0].script if runs else None


def _last(found: Sequence[Instruction | None], kind: type[Start]) -> Start | None:
    return next((one for one in reversed(found) if isinstance(one, kind)), None)
