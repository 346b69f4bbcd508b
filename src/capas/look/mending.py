"""The lines of a Dockerfile that would not have wasted what an image wastes, made of the image's own instructions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Literal, NamedTuple

from capas.image.steps import Step
from capas.look.leftovers import HABITS
from capas.look.waste import Waste, Why

How = Literal["clean", "join", "bind", "flag", "ignore", "drop"]
_COPY = re.compile(r"(?:--\S+\s+)*(?!file:|dir:|multi:)(\S+)\s+(\S+)")
_ATTRIBUTE = re.compile(r"(chmod|chown)\s+(?:-\S+\s+)*(\S+)\s+\S+")
_REMOVAL = re.compile(r"\s*(?:&&|;)\s*rm\s[^&;|]*$")


_OURS = ("RUN", "COPY", "ADD")
_ONLY_REMOVES = re.compile(r"\s*rm\s[^&;|\n]*")
_HARMLESS = frozenset(
    ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "STOPSIGNAL")
)  # settings that no RUN is told of


class Mend(NamedTuple):
    """A change of the step of `layer` that saves so many bytes. `line` is an instruction, or a line of .dockerignore.

    `how`: "clean" what tools leave, in the same RUN; "join" the step with the later one, `by`; "bind" a file that is
    deleted after its use; "flag" a COPY with the mode or owner; "ignore" it in the context; "drop" what is replaced
    later (then `line` is what to leave out).
    `check`: steps that may need what would move or go, as only their author knows; empty where nothing is in the way.
    """

    layer: int
    by: int
    how: How
    saves: int
    line: str
    check: tuple[str, ...] = ()


def list_mends(waste: Waste) -> list[Mend]:
    """The changes that save most, first. Each speaks for itself: two for one step are to be made one."""
    found = [*_clean(waste), *_keep_from_hiding(waste)]
    return sorted(found, key=lambda mend: (-mend.saves, mend.layer, mend.line))


def _clean(waste: Waste) -> Iterator[Mend]:
    """A line for each step that left something behind."""
    kinds: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in waste.leftovers:
        kinds[one.layer][one.kind] += one.size
    for layer, sizes in kinds.items():
        step = waste.steps[layer].step
        if step.instruction == "RUN":
            yield Mend(layer, layer, "clean", sum(sizes.values()), f"RUN {_cleaned(step.text, list(sizes))}")
        elif "Python bytecode" in sizes and step.kind == "copy":
            yield Mend(layer, layer, "ignore", sizes["Python bytecode"], "**/__pycache__")


def _cleaned(command: str, kinds: Sequence[str]) -> str:
    """The command with the options that leave nothing, and else with what takes it away at its end."""
    for kind in kinds:
        habit = HABITS[kind]
        changed = command
        if habit.flag is not None and habit.flag[1] not in command:
            changed = command.replace(*habit.flag)
        command = _then(command, habit.cleaning) if changed == command else changed
    return command


def _then(first: str, second: str) -> str:
    """One command after the other, if that succeeds; a script of several lines has lines of its own."""
    return f"{first}\n{second}" if "\n" in first + second else f"{first} && {second}"


def _keep_from_hiding(waste: Waste) -> Iterator[Mend]:
    """A line for each pair of steps of which the later one takes away what the earlier one brought."""
    pairs: dict[tuple[int, int], list[tuple[Why, str, int]]] = defaultdict(list)
    for one in waste.losses:
        pairs[one.layer, one.by].append((one.why, one.root, one.size))
    for (layer, by), lost in pairs.items():
        if waste.steps[layer].step.instruction not in _OURS:
            continue  # of a base that came as a whole nobody here can change a line
        first, second = waste.steps[layer].step, waste.steps[by].step
        between = [
            step for step in waste.history
            if first.number < step.number < second.number and step.instruction not in _HARMLESS
        ]  # fmt: skip
        saves = sum(size for _, _, size in lost)
        if not saves:
            continue
        if layer != by and first.instruction == second.instruction == "RUN":
            line, check = _joined(first, between, second)
            yield Mend(layer, by, "join", saves, line, check)
        else:
            how, line = _change(first, second, [(why, root) for why, root, _ in lost])
            yield Mend(layer, by, how, saves, line, _readers(how, between, second))


def _joined(first: Step, between: Sequence[Step], second: Step) -> tuple[str, tuple[str, ...]]:
    """One RUN of two, and of all between where these are RUNs: the same commands in the same order.

    Where something else stands between, one of the two would have to move over it.
    """
    if all(step.instruction == "RUN" for step in between):
        return f"RUN {reduce(_then, (step.text for step in (first, *between, second)))}", ()
    return f"RUN {_then(first.text, second.text)}", tuple(step.words for step in between)


def _readers(how: How, between: Sequence[Step], second: Step) -> tuple[str, ...]:
    """The commands that may read what would not be there any more: those between, and the one that takes it away."""
    if how not in ("bind", "drop"):
        return ()
    readers = [step for step in between if step.instruction not in ("COPY", "ADD") and not step.is_empty]
    if how == "drop" and second.instruction == "RUN" and not _ONLY_REMOVES.fullmatch(second.text):
        readers.append(second)
    return tuple(step.words for step in readers)


def _change(first: Step, second: Step, lost: Sequence[tuple[Why, str]]) -> tuple[How, str]:
    reasons = {why for why, _ in lost}
    root = lost[0][1]  # the largest
    if first.instruction in ("COPY", "ADD") and second.instruction == "RUN":
        if reasons == {"repeated"} and (flags := _flags(second.text)):
            return "flag", f"{first.instruction} {flags} {first.text}"
        if reasons == {"deleted"}:
            return _bound(first, second, root)
    return "drop", root


def _flags(command: str) -> str:
    """The flags of COPY for what a RUN does with chmod and chown, in the order in which they stand."""
    return " ".join(f"--{match[1]}={match[2]}" for match in _ATTRIBUTE.finditer(command))


def _bound(copy: Step, run: Step, root: str) -> tuple[How, str]:
    """A RUN that sees a file of the context while it runs, in the place of one that is copied and deleted."""
    match, command = _COPY.fullmatch(copy.text), _REMOVAL.sub("", run.text)
    if match is None or command == run.text:
        return "drop", root
    source, target = match.groups()
    if target.endswith("/"):
        target += source.rstrip("/").rpartition("/")[2]
    return "bind", f"RUN --mount=type=bind,source={source},target={target} {command}"
