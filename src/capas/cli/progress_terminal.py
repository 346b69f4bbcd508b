"""Progress on a terminal: what runs now with its last lines and seconds, what is done and what was cached in a line.

What is drawn fits the terminal, also a narrow or low one; at the end every step stays on the screen in one line.
"""

from __future__ import annotations

import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from capas.cli.board import Board, Row
from capas.cli.causes import Words, is_news, say_causes
from capas.errors import Told
from capas.events import Event, Said
from capas.printable import human_size, printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

_A_SECOND = 8  # pictures
_BAR = 20
_SENTENCE = 36  # columns that a cause needs beside its two texts
_NARROW = 60  # columns: below it bars and sizes are left out
_SPARE = 2  # lines of the screen that stay free


class TerminalProgress:
    """The picture of a board, drawn again and again by rich, and once more in full at the end."""

    def __init__(
        self, words: Words, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self.words = words
        self._lock = threading.Lock()
        self.board = Board(clock)
        self._console = console or Console(stderr=True)
        self._live = Live(
            self, console=self._console, refresh_per_second=_A_SECOND, transient=True, redirect_stdout=False,
            redirect_stderr=False,
        )  # fmt: skip
        self._open = False
        self._keys = _QuietKeys()

    def report(self, event: Event) -> None:
        """Take it in; words about the whole are printed above the picture."""
        with self._lock:
            row = self.board.hear(event)
            if not self._open:
                self._open = True
                self._keys.hush()
                self._live.start()
        if row is None and isinstance(event, Said):
            text = event.text if event.stream == "out" else self.words(event.text)
            self._live.console.print(
                f"{event.id}: {text}" if event.id else text, markup=False, highlight=False, soft_wrap=True
            )

    def close(self) -> None:
        """Take the moving picture away and leave the last one, whole. Idempotent."""
        if self._open:
            self._open = False
            self._live.stop()
            self._keys.restore()
            for line in self.draw(self._console.width):
                self._console.print(line, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.draw(options.max_width, console.height - _SPARE)

    def draw(self, width: int, height: int | None = None) -> list[Text]:
        """The picture's lines. With a height the oldest of what is done are folded into one."""
        with self._lock:
            rows, steps, now = self.board.rows(), self.board.steps(), self.board.now
        head = [self._head(steps, now)] if steps else []
        blocks = [list(block) for block in self._blocks(rows, now, width, live=height is not None)]
        if height is not None:
            blocks = _fitted(blocks, height - len(head), self.words)
        lines = [line for block in blocks for line in block]
        for line in (*head, *lines):
            line.truncate(width, overflow="ellipsis")
        return [*head, *lines]

    def _head(self, steps: Sequence[Row], now: float) -> Text:
        from rich.text import Text

        ended = sum(row.ended is not None for row in steps)
        seconds = f"{now - self.board.began:.1f}s"
        title = self.words("[+] Building {seconds} ({ended}/{total})", seconds=seconds, ended=ended, total=len(steps))
        return Text(title, style="bold")

    def _blocks(self, rows: Sequence[Row], now: float, width: int, *, live: bool) -> Iterator[list[Text]]:
        for cached, group in groupby(rows, key=lambda row: row.is_step and row.is_cached):
            if cached:
                yield [_cached(list(group))]
            else:
                yield from (self._block(row, now, width, live=live) for row in group)

    def _block(self, row: Row, now: float, width: int, *, live: bool) -> list[Text]:
        """A row and, of a step, why it runs, and while it does its last lines."""
        from rich.text import Text

        lines = [_line(row, now, width, self.words)]
        if row.is_step and is_news(row.causes):
            why = self.words("because {why}", why=say_causes(row.causes, self.words, longest=(width - _SENTENCE) // 2))
            lines.append(Text(f"    {why}", style="yellow"))
        if row.is_step and row.running and live:
            said = (self.words(line) if isinstance(line, Told) else line for line in row.lines)
            lines += [Text(f"    {printable(line)}", style="dim") for line in said]
        return lines


def _line(row: Row, now: float, width: int, words: Words) -> Text:
    from rich.text import Text

    style = "red" if row.failed else "" if row.running else "blue"
    mark = " => "
    tail = f" {row.seconds(now):.1f}s" if row.is_step else f" {_amount(row, width)}"
    if row.is_step:
        state = f"{row.state} " if row.failed else ""
        title = f"{mark}{state}[{row.id}] {printable(' '.join(row.text.split()))}"
    else:
        title = f"{mark}{row.id} {words(row.state or row.text)}"
    text = Text(title, style=style)
    text.truncate(max(width - len(tail), 1), overflow="ellipsis", pad=True)
    return text + Text(tail, style=style)


def _amount(row: Row, width: int) -> str:
    if not row.total or not row.running:
        return ""
    done = min(row.done or 0, row.total)
    if width < _NARROW:
        return f"{100 * done // row.total}%"
    filled = _BAR * done // row.total
    return f"{'━' * filled}{' ' * (_BAR - filled)} {human_size(done)} / {human_size(row.total)}"


def _cached(rows: Sequence[Row]) -> Text:
    from rich.text import Text

    if len(rows) == 1:
        return Text(f" => CACHED [{rows[0].id}] {' '.join(rows[0].text.split())}", style="green")
    names = ", ".join(row.id for row in rows)
    return Text(f" => CACHED {len(rows)}: {names}", style="green")


def _fitted(blocks: list[list[Text]], height: int, words: Words) -> list[list[Text]]:
    """No more lines than that: what came first goes, then output of what runs; one line says how much."""
    from rich.text import Text

    total = sum(map(len, blocks))
    hidden = 0
    while total > height - bool(hidden) and len(blocks) > 1:
        total -= len(blocks.pop(0))
        hidden += 1
    if blocks and total > height - bool(hidden):
        blocks[0] = (
            [blocks[0][0], *blocks[0][1:][-max(height - 1 - bool(hidden), 0) :]] if height > 1 else blocks[0][:1]
        )
    return [[Text(words(" … {count} above", count=hidden), style="dim")], *blocks] if hidden else blocks


class _QuietKeys:
    """Ctrl-C is not shown as `^C` for a time: it would push the picture out of its place."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def hush(self) -> None:
        """Begin."""
        try:
            self._before = termios.tcgetattr(0)
            changed = self._before[:]
            changed[3] &= ~termios.ECHOCTL
            termios.tcsetattr(0, termios.TCSANOW, changed)
        except (termios.error, OSError):  # standard input is no terminal
            self._before = None

    def restore(self) -> None:
        """As it was. Idempotent."""
        if self._before is not None:
            termios.tcsetattr(0, termios.TCSANOW, self._before)
            self._before = None
