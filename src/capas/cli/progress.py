"""One stream of events, three renderings: a picture on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from capas.cli.listener import Progress
from capas.errors import Invalid
from capas.events import ignore

if TYPE_CHECKING:
    from capas.cli.causes import Words

MODES = ("auto", "tty", "plain", "rawjson", "quiet")


def open_progress(mode: str, *, quiet: bool, words: Words) -> Progress:
    """The renderer for `mode`; "auto" is a picture where standard error is a terminal, else plain lines."""
    if mode not in MODES:
        raise Invalid("there is no progress mode {mode!r}", mode=mode, hint="choose one of: " + ", ".join(MODES))
    if quiet or mode == "quiet":
        return Progress(ignore, lambda: None)
    if mode == "rawjson":
        from capas.cli.progress_json import JsonProgress
        from capas.clock import now_ns

        lines = JsonProgress(now_ns)
        return Progress(lines.report, lines.close)
    if mode == "tty" or (mode == "auto" and sys.stderr.isatty()):
        from capas.cli.progress_terminal import TerminalProgress

        picture = TerminalProgress(words)
        return Progress(picture.report, picture.close)
    from capas.cli.progress_plain import PlainProgress

    plain = PlainProgress(words)
    return Progress(plain.report, plain.close)
