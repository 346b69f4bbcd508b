"""Timing: rounds in which Capas and its peers take turns, medians, peak memory of each command's processes."""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lab import Failed


class Command(NamedTuple):
    """A program to run: its words, and the environment it needs besides ours."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = {}


class Sample(NamedTuple):
    """What one run took."""

    seconds: float
    cpu: float
    peak: int  # bytes: the largest resident set of any one of its processes


def nothing() -> None:
    """No preparation."""


class Contender(NamedTuple):
    """One of those measured: what it runs, and what is made ready before the first and before each run, untimed."""

    name: str
    work: Sequence[Command]
    before: Callable[[], object] = nothing
    once: Callable[[], object] = nothing
    daemon: bool = False  # another process does the work: time says it all, the command's CPU and memory nothing


class Figure(NamedTuple):
    """Medians of a contender's samples."""

    seconds: float
    cpu: float | None  # None where a daemon does the work
    peak: int | None
    all_seconds: tuple[float, ...]


def run(command: Command) -> Sample:
    """Run to its end and measure. Raises Failed with the end of what it printed.

    The peak is the kernel's figure for the process and all descendants that were waited for. A child starts with the peak
    of who started it, so the program that measures must itself stay small: inputs are made by another process.
    """
    env = {**os.environ, **command.env}
    with tempfile.TemporaryFile() as printed:
        start = time.perf_counter()
        process = subprocess.Popen(command.argv, env=env, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C or a signal: it ends with us
            process.kill()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            printed.seek(0)
            tail = printed.read()[-600:].decode(errors="replace").strip()
            raise Failed(f"{' '.join(command.argv)[:200]}: exit {process.returncode}: {tail}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def run_all(commands: Sequence[Command]) -> Sample:
    """Several commands one after the other, as one piece of work."""
    samples = [run(command) for command in commands]
    return Sample(sum(s.seconds for s in samples), sum(s.cpu for s in samples), max(s.peak for s in samples))


class Found(NamedTuple):
    """The figures by contender, and why some have none."""

    figures: Mapping[str, Figure]
    missing: Mapping[str, str]


def compare(contenders: Sequence[Contender], *, rounds: int, where: Path) -> Found:
    """Every contender once in every round, so that a busy minute hurts all alike; the order turns from round to round.

    One that cannot do it is left out from then on, and the others go on.
    """
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    missing: dict[str, str] = {}

    def attempt(contender: Contender, work: Callable[[], object]) -> None:
        if contender.name in missing:
            return
        try:
            work()
        except (Failed, OSError, subprocess.SubprocessError) as error:
            missing[contender.name] = str(error)

    def sample(contender: Contender) -> None:
        contender.before()
        settle(where)
        samples[contender.name].append(run_all(contender.work))

    for contender in contenders:
        attempt(contender, contender.once)
    for number in range(rounds):
        turn = number % len(contenders)
        for contender in (*contenders[turn:], *contenders[:turn]):
            attempt(contender, partial(sample, contender))
    figures = {c.name: summary(samples[c.name], c.daemon) for c in contenders if c.name not in missing}
    return Found(figures, missing)


def summary(samples: Sequence[Sample], daemon: bool) -> Figure:
    """The medians; of memory the highest, since a limit is a limit."""
    return Figure(
        statistics.median(s.seconds for s in samples),
        None if daemon else statistics.median(s.cpu for s in samples),
        None if daemon else max(s.peak for s in samples),
        tuple(round(s.seconds, 4) for s in samples),
    )


def settle(where: Path) -> None:
    """What the one before left to be written is written before the next starts."""
    handle = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ctypes.CDLL(None).syncfs(handle)
    finally:
        os.close(handle)
