"""Sessions at docker's client as text: commands with what they said, to be replayed and compared.

A transcript has sections (`## title`) of commands (`$ docker …`), each with its standard output, its standard error
(`! …`) and its exit code where it is not 0 (`= 1`). What differs from run to run (ids, times, sizes) is masked.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_LIMIT_SECONDS = 120
# the classic builder's own warning, what crun itself says beside its answer, a step of a pull that may be too short to
# be seen, the ids of layers that go with an image
_UNTOLD = re.compile(
    r"^(DEPRECATED: The legacy builder .*?environment-variable\.\n\n"
    r"|executable file `.*?\n|open executable: .*?\n"
    r"|[0-9a-f]{12}: Verifying Checksum\n"
    r"|(?<=\n)Deleted: \S+\n(?=Deleted: ))",
    re.DOTALL | re.MULTILINE,
)

_MASKS = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"\b(runc|crun) create failed", "<runtime> create failed"),
        (r"^BusyBox v.*", "BusyBox"),
        (r"\b[0-9a-f]{64}\b", "<id>"),
        (r"\b[0-9a-f]{12}\b", "<id>"),
        (r"\b(size: )\d+\b", r"\1<n>"),
        (r"\b\d+(\.\d+)?(e\+\d+)?\s?([kKMG]i?)?B\b", "<size>"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[-+]\d\d:?\d\d)?( UTC)?", "<time>"),
        (r"(Less than|About) an? (second|minute|hour)|\b\d+ (second|minute|hour|day|week|month|year)s?\b", "<time>"),
        (r"[ \t]{2,}", "  "),
        (r"\s+$", ""),
    )
)

# dockerd tells how far a layer is to those who listen just then: steps that follow each other closely are lost
_PASSING = re.compile(r"<id>: (Pulling fs layer|Waiting|Download complete|Preparing|Pushing.*)")


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    out: tuple[str, ...]
    err: tuple[str, ...]
    code: int

    @property
    def lasting(self) -> Said:
        """The same without the steps that dockerd may leave out."""
        out, err = (tuple(line for line in lines if not _PASSING.fullmatch(line)) for lines in (self.out, self.err))
        return Said(out, err, self.code)

    def __str__(self) -> str:
        code = (f"= {self.code}",) if self.code else ()
        return "\n".join((*self.out, *(f"! {line}" for line in self.err), *code))


class Step(NamedTuple):
    """A command, and what it is to say."""

    command: str
    said: Said


class Section(NamedTuple):
    """Commands that belong together, on an engine with nothing but busybox."""

    title: str
    steps: tuple[Step, ...]

    @property
    def lasting(self) -> Section:
        """The same without the steps that dockerd may leave out."""
        return self._replace(steps=tuple(Step(step.command, step.said.lasting) for step in self.steps))

    def __str__(self) -> str:
        shown = (f"$ {step.command}\n{step.said}".rstrip("\n") for step in self.steps)
        return f"## {self.title}\n" + "\n".join(shown) + "\n"


class Shell(NamedTuple):
    """Where commands run. Texts of `names` are shown by their names, as `$HUB`."""

    folder: Path
    environ: Mapping[str, str]
    names: Mapping[str, str]

    def say(self, command: str) -> Said:
        """Run it; what it says, masked."""
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env={**self.environ, **self.names}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=_LIMIT_SECONDS, check=False,
        )  # fmt: skip
        return Said(self._lines(done.stdout), self._lines(done.stderr), done.returncode)

    def replay(self, section: Section) -> Section:
        """The same commands, with what they say here."""
        return section._replace(steps=tuple(Step(step.command, self.say(step.command)) for step in section.steps))

    def _lines(self, text: str) -> tuple[str, ...]:
        for name, value in self.names.items():
            text = text.replace(value, f"${name}")
        return tuple(map(mask, clean(text).splitlines()))


def clean(text: str) -> str:
    """What was said, without what is not compared."""
    return _UNTOLD.sub("", text)


def mask(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, text in _MASKS:
        line = pattern.sub(text, line)
    return line


def read_sections(path: Path) -> list[Section]:
    """The sections of a file."""
    return list(_sections(path.read_text()))


def _sections(text: str) -> Iterator[Section]:
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield Section(title.strip(), tuple(map(_step, re.split(r"^\$ ", body, flags=re.MULTILINE)[1:])))


def _step(text: str) -> Step:
    command, *lines = text.rstrip("\n").split("\n")
    code = next((int(line[2:]) for line in lines if re.fullmatch(r"= \d+", line)), 0)
    said = [line for line in lines if not re.fullmatch(r"= \d+", line)]
    out = tuple(line for line in said if not line.startswith("!"))
    return Step(command, Said(out, tuple(line[2:] for line in said if line.startswith("!")), code))
