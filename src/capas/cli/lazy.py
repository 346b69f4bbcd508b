"""Click commands that load late and speak the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from capas.cli.commands import Verb
from capas.language import translate


def language_of(context: click.Context) -> str:
    """The language of this run."""
    app = context.find_root().obj
    return getattr(app, "language", "en")


def _speak(command: click.Command, language: str) -> None:
    """Put the help of a command and of its options into this language."""
    command.help = translate(command.help or "", language)
    command.options_metavar = translate(command.options_metavar or "", language)
    if isinstance(command, click.Group):
        command.subcommand_metavar = translate(command.subcommand_metavar, language)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = translate(parameter.help, language)


class Command(click.Command):
    """A command whose help is translated when it is shown."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the reader's language."""
        _speak(self, language_of(ctx))
        super().format_help(ctx, formatter)


class LazyGroup(click.Group):
    """A group that knows its verbs from a table and imports one when it runs."""

    command_class = Command

    def __init__(self, *, table: Mapping[str, Verb], hidden: Mapping[str, Verb], **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self._table = table
        self._hidden = hidden

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A group alone shows its help, as docker's do."""
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, short forms too."""
        return sorted({*self._table, *self._hidden})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module. None for a verb that is not there."""
        verb = self._table.get(cmd_name) or self._hidden.get(cmd_name)
        if verb is None:
            return None
        command: click.Command = getattr(import_module(f"capas.cli.{verb.module}"), verb.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb asked for. Raises: UsageError, naming the verb that was perhaps meant."""
        name = args[0]
        if name not in self._table and name not in self._hidden:
            import difflib

            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            text = translate("{name!r} is not a command of {path}", language_of(ctx)).format(
                name=name, path=ctx.command_path
            )
            if near:
                text += ". " + translate("did you mean {near}?", language_of(ctx)).format(near=near[0])
            raise click.UsageError(text, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their summaries, from the table alone."""
        language = language_of(ctx)
        for title, table in (
            (translate("Commands", language), self._table),
            (translate("Short forms", language), self._hidden),
        ):
            if table:
                with formatter.section(title):
                    formatter.write_dl(
                        [(name, translate(verb.summary, language)) for name, verb in sorted(table.items())]
                    )

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the reader's language."""
        _speak(self, language_of(ctx))
        super().format_help(ctx, formatter)
