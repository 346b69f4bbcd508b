"""Pages whose commands are run: what stands in a ```console fence is what happens.

`$ ` begins a command and `> ` goes on with it; what follows is what it prints. After `docker run -it` a line that
begins with the shell's prompt is typed.

`.venv/bin/python tests/support/pages.py PAGE…` writes what Capas prints into pages.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).parents[1])]

from support.hub_process import free_port  # noqa: E402
from support.pty import Person  # noqa: E402
from support.transcript import clean, mask  # noqa: E402

HUB, WEB = "localhost:5000", "127.0.0.1:8080"  # as the page has them
_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "/ # "
_AGAIN = re.compile(f"(?:{_PROMPT}){{2,}}")  # a shell whose window gets its size after the prompt shows it again
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LIMIT_SECONDS = 120


class Command(NamedTuple):
    """Lines as they are typed at the shell, and what stands below them."""

    lines: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def text(self) -> str:
        """What the shell is given."""
        return "\n".join(line[2:] for line in self.lines)

    @property
    def typed(self) -> tuple[str, ...]:
        """What is typed at the container's shell."""
        return tuple(line for line in self.shown if line.startswith(_PROMPT))

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in (*self.lines, *self.shown))


class Page(NamedTuple):
    """Where its commands run. `here`: what the addresses of the page are in truth."""

    folder: Path
    environ: Mapping[str, str]
    here: Mapping[str, str]

    def run(self, command: Command) -> Command:
        """The command with what it prints here."""
        text = command.text
        for shown, real in self.here.items():
            text = text.replace(shown, real)
        said = self._talk(text, command.typed) if command.typed else self._run(text)
        for shown, real in self.here.items():
            said = said.replace(real, shown)
        return command._replace(shown=tuple(clean(said).splitlines()))

    def _run(self, text: str) -> str:
        done = subprocess.run(
            ["sh", "-c", text], cwd=self.folder, env=dict(self.environ), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_LIMIT_SECONDS, check=False,
        )  # fmt: skip
        return done.stdout

    def _talk(self, text: str, typed: Sequence[str]) -> str:
        with Person(["sh", "-c", text], self.environ) as person:
            for line in typed:
                person.read_until(_PROMPT)
                person.type(line.removeprefix(_PROMPT) + "\n")
            person.wait()
            return _AGAIN.sub(_PROMPT, _ESCAPES.sub("", person.seen).replace("\r", ""))


@contextmanager
def open_page() -> Iterator[Page]:
    """An empty folder, an engine and a hub."""
    from support.sessions import ours

    with ours() as place:
        folder = place.root / "page"
        folder.mkdir()
        yield Page(folder, place.environ, {HUB: place.hub, WEB: f"127.0.0.1:{free_port()}"})


def commands_of(text: str) -> list[Command]:
    """All that a page runs, in its order."""
    return [command for fence in _FENCE.finditer(text) for command in commands_in(fence[1])]


def commands_in(body: str) -> list[Command]:
    """What one fence runs."""
    found = []
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE)[1:]:
        first, *rest = part.splitlines()
        more = next((n for n, line in enumerate(rest) if not line.startswith("> ")), len(rest))
        found.append(Command((first, *rest[:more]), tuple(rest[more:])))
    return found


def masked(command: Command) -> str:
    """A command with what it prints, without what differs from run to run."""
    return "\n".join((*command.lines, *map(mask, command.shown))).rstrip()


def filled(text: str, page: Page) -> str:
    """The page with what its commands print here."""

    def fill(fence: re.Match[str]) -> str:
        return "```console\n" + "".join(str(page.run(one)) for one in commands_in(fence[1])) + "```"

    return _FENCE.sub(fill, text)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        with open_page() as page:
            path.write_text(filled(path.read_text(), page))
