"""`capas hub collect` and `capas hub fsck`: what a hub stores, for its keeper; the hub may be running meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.findings import line_of
from capas.cli.hub_records import find_hub, place_options
from capas.cli.lazy import Command
from capas.cli.options import progress_option
from capas.cli.template_functions import to_json
from capas.language import count_of
from capas.printable import human_size

if TYPE_CHECKING:
    from capas.hub.hub import Hub


@contextmanager
def open_hub(app: App, root: Path | None, config: Path | None) -> Iterator[Hub]:
    """The parts of a hub, beside the processes that serve it. Raises: as `find_hub`."""
    place, chosen = find_hub(app, root, config)
    from capas.hub.app import create_app
    from capas.hub.hub import Options

    grace, stale = chosen.collect.grace_seconds, chosen.collect.stale_seconds
    options = Options(delete=chosen.server.delete, grace_seconds=grace, stale_seconds=stale)
    hub = create_app(place, options=options, config=chosen, shared=True)
    try:
        yield hub.hub
    finally:
        hub.close()


@click.command(
    cls=Command, help="Free the blobs that no image of a hub needs, while it runs; it does so by itself too ([collect])"
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and delete nothing")
@place_options
@pass_app
def collect(app: App, /, *, dry_run: bool, root: Path | None, config: Path | None) -> None:
    """Safe beside pushes."""
    from capas.hub.keeping.collect import collect as collect_hub
    from capas.hub.keeping.collect import foresee

    with open_hub(app, root, config) as hub:
        found = foresee(hub) if dry_run else collect_hub(hub)
    blobs, size = count_of("{count} blob", "{count} blobs", found.blobs), human_size(found.size)
    if dry_run:
        app.say("Would free {blobs}, {size}", blobs=blobs, size=size)
    else:
        app.say(
            "Freed {blobs}, {size}, and dropped {uploads}",
            blobs=blobs,
            size=size,
            uploads=count_of(
                "{count} upload that nobody went on with", "{count} uploads that nobody went on with", found.uploads
            ),
        )


@click.command(cls=Command, help="Read all that a hub stores, and tell what is missing or damaged; it may be running")
@click.option(
    "--repair", is_flag=True, help="Mend what can be; what is damaged is deleted, so that a push brings it again"
)
@click.option("--quick", is_flag=True, help="Compare sizes alone, and do not read every blob")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", help="A line or a document each")
@progress_option
@place_options
@pass_app
def fsck(
    app: App,
    /,
    *,
    repair: bool,
    quick: bool,
    format: str,
    progress: str,
    root: Path | None,
    config: Path | None,
) -> int:
    """A line a finding; exit code 1 where something is still wrong."""
    from capas.hub.keeping.fsck import check

    with open_hub(app, root, config) as hub, app.progress(progress) as report:
        findings = list(check(hub, repair=repair, read=not quick, report=report))
    for finding in findings:
        if format == "json":
            click.echo(to_json(finding._asdict()))
        else:
            click.echo(line_of(finding, app.words))
    if not findings and format == "text":
        app.say("Everything is whole")
    return int(any(not finding.repaired for finding in findings))
