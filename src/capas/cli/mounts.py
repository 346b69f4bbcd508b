"""`capas builder mounts`: cache mounts carried from one machine to another."""

from __future__ import annotations

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import progress_option

_WHERE = "NAME[:TAG]|oci-layout://DIRECTORY"


@click.command(cls=Command, help="Send cache mounts (RUN --mount=type=cache) to a registry or a directory")
@click.argument("target", metavar=_WHERE)
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only the cache of this id; several times")
@progress_option
@pass_app
def export(app: App, /, *, target: str, ids: tuple[str, ...], progress: str) -> None:
    """What is there already is not sent again."""
    with app.progress(progress) as report:
        digest = app.engine.builder.export_mounts(target, ids=ids, report=report)
    app.say("Exported {target}@{digest}", target=target, digest=digest)


@click.command("import", cls=Command, help="Bring cache mounts from a registry or a directory")
@click.argument("source", metavar=_WHERE)
@click.option("--replace", "over", is_flag=True, help="Also those that are here already")
@progress_option
@pass_app
def import_(app: App, /, *, source: str, over: bool, progress: str) -> None:
    """A line a cache."""
    with app.progress(progress) as report:
        made = app.engine.builder.import_mounts(source, over=over, report=report)
    for kind in made:
        app.say("Imported the cache mount {id}", id=kind.id)
    if not made:
        app.say("Every one of them is here already")
