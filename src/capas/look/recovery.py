"""A Dockerfile recovered from an image: from its history, its config and its layers, each line with how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from capas.dockerfile.history import find_instruction, restore_line
from capas.dockerfile.instructions import Add, Copy, Instruction, Run, Workdir
from capas.dockerfile.meaning.sentence import Sentence, told
from capas.errors import CapasError
from capas.image.editing import amend, is_edit
from capas.image.image import Image
from capas.layer.entry import DIRECTORY
from capas.layer.tree import Tree
from capas.look.settings import list_settings
from capas.oci.config import Execution
from capas.printable import printable

Sure = Literal["certain", "likely", "guess"]

_BASE_LABEL = "org.opencontainers.image.base.name"
_OLD_SOURCES = ("file:", "dir:", "multi:")
_MOST_NAMES = 8


class Line(NamedTuple):
    """A line of a Dockerfile, or a comment where nothing can be read. `why` says what it is known by."""

    text: str
    sure: Sure
    why: Sentence


class _Step(NamedTuple):
    """A step of the history. `layer`: the number of the one that it made, 0 is the bottom; None for none."""

    text: str
    layer: int | None


def recover(image: Image, tree: Tree, bases: Iterable[tuple[str, Image]] = ()) -> list[Line]:
    """The lines that would make such an image; `bases` are images, with their names, that it may stand on.

    Built with the same context they give its config; its files only as far as the history tells the truth.
    """
    steps = list(_steps(image))
    base = _find_base(image, steps, bases)
    execution = Execution()
    lines = list(_start(image))
    if base is not None:
        name, below = base
        execution = below.config.execution
        steps = steps[len(list(_steps(below))) :]
        lines = [
            Line(f"FROM {name}", "certain", told("it begins with the layers and steps of this image, which is here"))
        ]
    wanted = image.config.execution
    for step in steps:
        instruction = find_instruction(step.text)
        lines += _recover(step, instruction, tree, wanted)
        execution = _after(execution, instruction)
    return [*lines, *(_setting(text, wanted) for text in list_settings(execution, wanted))]


def _steps(image: Image) -> Iterator[_Step]:
    layers = iter(range(len(image.layers)))
    for step in image.config.steps:
        yield _Step(step.created_by, None if step.empty_layer else next(layers, None))
    yield from (_Step("", layer) for layer in layers)  # that no step tells of


def _find_base(image: Image, steps: Sequence[_Step], bases: Iterable[tuple[str, Image]]) -> tuple[str, Image] | None:
    """The image with the most steps, all of which ours begins with, layers and words; of equals, the nearest config."""
    own, wanted = image.config.rootfs.diff_ids, image.config.execution
    best, most = None, (0, 0)
    for name, base in bases:
        layers, below = base.config.rootfs.diff_ids, list(_steps(base))
        if not 0 < len(below) < len(steps) or own[: len(layers)] != layers or steps[: len(below)] != below:
            continue
        near = (len(below), -len(list_settings(base.config.execution, wanted)))
        if best is None or most < near:
            best, most = (name, base), near
    return best


def _start(image: Image) -> Iterator[Line]:
    said = (image.config.execution.labels or {}).get(_BASE_LABEL, "")
    if said:
        yield Line(
            f"# FROM {' '.join(printable(said).split())}", "guess", told("a label says so; nobody checks a label")
        )
    reason = told("no image here is known to be below it: the steps of its base are among those that follow")
    yield Line("FROM scratch", "likely", reason)


def _recover(step: _Step, instruction: Instruction | None, tree: Tree, wanted: Execution) -> Iterator[Line]:
    line = restore_line(step.text)
    if instruction is None:
        yield from _unread(step)
    elif isinstance(instruction, Copy | Add):
        yield _copied(line, instruction, step, tree)
    elif isinstance(instruction, Run):
        yield Line(line, "likely", told("the builder wrote it down; only the files of its layer prove it"))
    elif _after(wanted, instruction) == wanted:
        yield Line(line, "certain", told("the config has it"))
    else:
        yield Line(line, "likely", told("the builder wrote it down; nothing is left of it in the config"))


def _unread(step: _Step) -> Iterator[Line]:
    words = " ".join(printable(step.text).split())
    if words:
        yield Line(f"# {words}", "guess", told("no instruction of a Dockerfile: another tool wrote it"))
    if step.layer is not None:
        yield Line(
            f"ADD layer{step.layer}.tar /",
            "guess",
            told("nothing tells what made this layer: its files are all there is"),
        )


def _setting(line: str, wanted: Execution) -> Line:
    """A line for what the config has; a comment where it would be read as another one."""
    instruction = find_instruction(line)
    if instruction is None or _after(wanted, instruction) != wanted:
        return Line(f"# {' '.join(printable(line).split())}", "guess", told("no Dockerfile can say this"))
    return Line(line, "certain", told("the config has it, and no step tells of it"))


def _copied(line: str, instruction: Copy | Add, step: _Step, tree: Tree) -> Line:
    if instruction.sources[:1] and instruction.sources[0].startswith(_OLD_SOURCES):
        keyword, names = ("COPY" if isinstance(instruction, Copy) else "ADD"), _names(step, instruction.target, tree)
        reason = told("the builder of that time noted no names: these are those of its layer")
        return Line(f"{keyword} {' '.join(names)} {instruction.target}", "guess", reason)
    if any(source.startswith("/") for source in instruction.sources):
        return Line(line, "guess", told("perhaps from another stage: a history does not tell `--from`"))
    return Line(line, "likely", told("the builder wrote it down; only the files of its layer prove it"))


def _names(step: _Step, target: str, tree: Tree) -> list[str]:
    """What a COPY may have been given: the names right below its target in its layer, "." where they are many."""
    top = target.strip("/").encode()
    entries = tree.layers[step.layer].entries if step.layer is not None else ()
    paths = [entry.path for entry in entries if entry.kind != DIRECTORY]
    if paths == [top]:
        return [_word(top.rpartition(b"/")[2])]
    prefix = top + b"/" if top else b""
    names = {path[len(prefix) :].partition(b"/")[0] for path in paths if path.startswith(prefix)}
    shown = sorted(_word(name) for name in names)
    return shown if 0 < len(shown) <= _MOST_NAMES and all(shown) else ["."]


def _word(name: bytes) -> str:
    """A name as a word of a Dockerfile; empty for one that cannot be one."""
    text = name.decode(errors="replace")
    return text if text.isprintable() and not set(text) & set(" \\\"'$*?[]") and not text.startswith("-") else ""


def _after(execution: Execution, instruction: Instruction | None) -> Execution:
    """The config after a line, whatever stood in it before; as it was where the line is not about it."""
    if instruction is None or not (isinstance(instruction, Workdir) or is_edit(instruction)):
        return execution
    try:
        return replace(amend(execution, instruction), args_escaped=execution.args_escaped)
    except CapasError:
        return execution
