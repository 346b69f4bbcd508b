"""`capas hub collect` and `capas hub fsck`: what a hub stores, for its keeper; the hub may be running meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.hub_records import place_options
from capas.cli.lazy import Command
from capas.cli.units import human_size
from capas.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from capas.hub.hub import Hub


@contextmanager
def open_hub(app: App, root: Path | None, config: Path | None) -> Iterator[Hub]:
    """The parts of a hub, beside the processes that serve it. Raises: NotFound where no hub was ever served."""
    try:
        from capas.hub.app import create_app
        from capas.hub.config import read_config
        from capas.hub.hub import Options
    except ImportError:
        raise Unsupported("the hub needs its extra packages", hint='install them: pip install "capas[hub]"') from None
    place = root or app.settings.root / "hub"
    if not place.is_dir():
        raise NotFound("there is no hub in {root}", root=str(place), hint="name its directory: --root DIR")
    chosen = read_config(place, config, app.settings.environ)
    grace, stale = chosen.collect.grace_seconds, chosen.collect.stale_seconds
    hub = create_app(place, options=Options(grace_seconds=grace, stale_seconds=stale), config=chosen, shared=True)
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
    blobs, size = found.blobs, human_size(found.size)
    if dry_run:
        app.say("Would free {blobs} blobs, {size}", blobs=blobs, size=size)
    else:
        app.say(
            "Freed {blobs} blobs, {size}, and dropped {uploads} uploads that nobody went on with",
            blobs=blobs,
            size=size,
            uploads=found.uploads,
        )
