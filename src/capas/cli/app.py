"""What every command is handed: the engine, the words and the two streams."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

import click

from capas.language import words_in
from capas.settings import Settings, load_settings

if TYPE_CHECKING:
    from capas.cli.listener import Progress
    from capas.engine.engine import Engine


class App:
    """One run of the command line."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process. Raises: Invalid."""
        return self._settings or load_settings()

    @property
    def language(self) -> str:
        """The reader's language."""
        return self.settings.language

    @cached_property
    def engine(self) -> Engine:
        """The engine, made when a verb first asks for it."""
        from capas.engine.engine import Engine

        return Engine(self.settings)

    def words(self, text: str, /, **facts: object) -> str:
        """The text in the reader's language, with its facts."""
        return words_in(self.language)(text, **facts)

    def say(self, text: str, **facts: object) -> None:
        """A sentence to standard output."""
        click.echo(self.words(text, **facts))

    def warn(self, text: str, **facts: object) -> None:
        """A sentence to standard error."""
        click.echo(self.words(text, **facts), err=True)

    def confirm(self, text: str) -> bool:
        """Ask before something is lost. No terminal, no answer: no."""
        return click.confirm(self.words(text), default=False, err=True) if sys.stdin.isatty() else False

    def progress(self, mode: str = "", *, quiet: bool = False) -> Progress:
        """A listener for events, to be used in a `with` block: "auto", "tty", "plain", "rawjson", "quiet".

        Without a mode it is the setting's.
        """
        from capas.cli.progress import open_progress

        return open_progress(mode or self.settings.progress, quiet=quiet, words=self.words)


pass_app = click.make_pass_decorator(App)
