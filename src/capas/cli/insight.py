"""What a build tells beside its image: why steps are done again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from capas.cli.app import App
from capas.cli.causes import say_cause

if TYPE_CHECKING:
    from capas.build.forecast import Verdict
    from capas.build.request import BuildRequest

_MOST_FILES = 20
_ONE_LINE = 100


def explain_cache(app: App, request: BuildRequest, progress: str) -> None:
    """A line a step, and under those that would be done again every cause; JSON lines where progress is JSON."""
    with app.progress(progress) as report:
        verdicts = app.engine.images.forecast(request, report=report)
    if progress == "rawjson":
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
    app.say("{again} of {steps} steps would be done again", again=again, steps=len(verdicts))


def _print_json(verdicts: Sequence[Verdict]) -> None:
    from capas.cli.template_functions import to_json

    for verdict in verdicts:
        causes = [cause._asdict() for cause in verdict.causes]
        click.echo(to_json({"step": verdict.step, "name": verdict.title, "cached": verdict.cached, "causes": causes}))
