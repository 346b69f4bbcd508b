"""The way in: parse, run the verb, and turn what went wrong into one clear line and an exit code."""

from __future__ import annotations

import errno
import os
import sys

import click

from capas.cli.app import App
from capas.cli.commands import MAIN, SHORT
from capas.cli.lazy import LazyGroup
from capas.errors import CapasError, Exhausted, Unavailable
from capas.language import say, teach_gettext, translate

# docker's: 125 when the tool itself cannot do what the flags ask, 130 after Ctrl-C
USAGE, INTERRUPTED, FAILED = 125, 130, 1


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from capas.cli.version import version_line

        click.echo(version_line())
        ctx.exit()


program = LazyGroup(
    name="capas",
    help="Container images: find, pull, look inside, build, push, share and run them, with no daemon",
    table=MAIN,
    hidden=SHORT,
    params=[
        click.Option(["-v", "--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
                     help="Print the version and leave"),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    app = App()
    teach_gettext(_language(app))
    sys.exit(run(app, arguments))


def run(app: App, arguments: list[str] | None = None) -> int:
    """Run one command. The exit code: docker's."""
    try:
        code = program.main(arguments, prog_name="capas", standalone_mode=False, obj=app)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        return _usage(app, error)
    except click.ClickException as error:
        return _fail(error.format_message(), "", FAILED)
    except CapasError as error:
        return _capas(app, error)
    except (KeyboardInterrupt, click.Abort):
        return _fail(translate("interrupted", _language(app)), "", INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has left: nothing to say, and nothing for Python to flush when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        return _capas(app, _from_system(error), getattr(error, "exit_code", FAILED))


def _language(app: App) -> str:
    try:
        return app.language
    except CapasError:
        return "en"


def _capas(app: App, error: CapasError, code: int = FAILED) -> int:
    from capas.cli.printable import last_lines

    language = _language(app)
    hint = say(error.hint_template, error.facts, language)
    output = last_lines(error)
    if output:
        click.echo("\n".join([translate("the last lines of its output:", language), *output]), err=True)
    return _fail(say(error.message, error.facts, language), hint, getattr(error, "exit_code", code))


def _usage(app: App, error: click.UsageError) -> int:
    path = error.ctx.command_path if error.ctx else "capas"
    return _fail(error.format_message(), app.words("see `{path} --help`", path=path), USAGE)


def _fail(text: str, hint: str, code: int) -> int:
    sys.stdout.flush()
    click.echo("capas: " + _fitted(_printable(text)), err=True)
    if hint:
        click.echo("  → " + _printable(hint), err=True)
    return code


def _printable(text: str) -> str:
    """Names of strangers' files stand in errors: none of them commands the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def _fitted(text: str) -> str:
    """An error for a terminal: its sentence whole, the lines of a file that it shows cut where the terminal ends."""
    if not sys.stderr.isatty():
        return text
    from shutil import get_terminal_size

    from capas.printable import cut

    width = get_terminal_size().columns
    first, *shown = text.split("\n")
    return "\n".join([first, *(cut(line, width) for line in shown)])


def _from_system(error: OSError) -> CapasError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Exhausted("no space left on the disk of {path}", path=error.filename or "the store")
    return Unavailable("{reason}: {path}", reason=error.strerror or str(error), path=_name(error))


def _name(error: OSError) -> str:
    name = error.filename
    return os.fsdecode(name) if isinstance(name, str | bytes) else "the system"
