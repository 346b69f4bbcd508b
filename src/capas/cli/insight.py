"""What a build tells beside its image: why steps are done again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from capas.cli.app import App
from capas.cli.causes import say_cause
from capas.cli.listener import Progress
from capas.cli.printable import last_lines
from capas.errors import CapasError, Invalid
from capas.language import count_of

if TYPE_CHECKING:
    from capas.build.difference import Difference
    from capas.build.forecast import Verdict
    from capas.build.request import BuildRequest

_MOST_FILES = 20
_ONE_LINE = 100


def explain_cache(app: App, request: BuildRequest, progress: str) -> None:
    """A line a step, and under those that would be done again every cause; JSON lines where progress is JSON."""
    with app.progress(progress) as report:
        verdicts = app.engine.images.forecast(request, report=report)
    if (progress or app.settings.progress) == "rawjson":
        _print_json(verdicts)
        return
    for verdict in verdicts:
        title = " ".join(verdict.title.split())
        title = title if len(title) <= _ONE_LINE else title[: _ONE_LINE - 1] + "…"
        click.echo(f"{'CACHED' if verdict.cached else 'RUNS  '} [{verdict.step}] {title}")
        for cause in verdict.causes[:_MOST_FILES]:
            click.echo("         " + app.words("because {why}", why=say_cause(cause, app.words, longest=_ONE_LINE)))
        if len(verdict.causes) > _MOST_FILES:
            click.echo("         " + app.words("and {count} more", count=len(verdict.causes) - _MOST_FILES))
    again = sum(not verdict.cached for verdict in verdicts)
    steps = count_of("{count} step", "{count} steps", len(verdicts))
    app.say("{again} of {steps} would be done again", again=again, steps=steps)


class ShellVisitor:
    """A person at our terminal who looks round where a RUN failed. Raises: Invalid where there is no terminal."""

    def __init__(self, app: App, progress: Progress) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise Invalid("--on-error=shell needs a terminal", hint="leave it out, or run capas at a terminal")
        self._app, self._progress = app, progress

    def enters(self, error: CapasError) -> None:
        """Say what happened and where we are."""
        self._progress.close()
        for line in last_lines(error):
            click.echo(line, err=True)
        command, code = error.facts.get("command"), error.facts.get("exit_code")
        self._app.warn("{command} failed with exit code {exit_code}", command=command, exit_code=code)
        self._app.warn("Here is a shell as it was before it: leave it with `exit`")

    def is_kept_out(self, reason: CapasError) -> None:
        """Say why there is no shell."""
        self._app.warn("There is no shell: {reason}", reason=reason)


def say_reproducible(app: App, difference: Difference | None) -> int:
    """Say whether two builds gave the same, and else what differs first; the exit code."""
    if difference is None:
        app.warn("Reproducible: a second build, in other conditions, gave the same bytes")
        return 0
    app.warn("Not reproducible: {where}", where=" ".join(difference.where.split()))
    absent = app.words("not there")
    app.warn(
        "{path}: {attribute} is {old}, and {new} in the second build",
        path=difference.path or "-", attribute=difference.attribute,
        old=absent if difference.old is None else difference.old,
        new=absent if difference.new is None else difference.new,
    )  # fmt: skip
    return 1


def _print_json(verdicts: Sequence[Verdict]) -> None:
    from capas.cli.template_functions import to_json

    for verdict in verdicts:
        causes = [cause._asdict() for cause in verdict.causes]
        click.echo(to_json({"step": verdict.step, "name": verdict.title, "cached": verdict.cached, "causes": causes}))
