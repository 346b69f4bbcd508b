"""`capas hub replicate`: a rule's run by hand, on the hub's machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.hub_records import place_options
from capas.cli.lazy import Command
from capas.errors import Conflict, NotFound, Unavailable, Unsupported

if TYPE_CHECKING:
    from capas.hub.app import App as HubApp
    from capas.hub.copying.replication.replicate import Tell
    from capas.hub.copying.replication.runs import Item, Run


@click.command(cls=Command, help="Copy images to or from another registry by a rule of a hub, now")
@click.argument("name")
@place_options
@pass_app
def replicate(app: App, /, *, name: str, root: Path | None, config: Path | None) -> None:
    """One line a tag that was copied or failed, and what it came to."""

    failures: list[str] = []

    def tell(item: Item) -> None:
        if item.outcome == "failed":
            failures.append(item.why)
        if item.outcome != "same":
            why = f"  {item.why}" if item.why else ""
            click.echo(f"{item.outcome:8} {item.repository}:{item.reference}{why}")

    hub = _open(app, root, config)
    try:
        run = _run(app, hub, name, tell)
    finally:
        hub.close()
    app.say(
        "{copied} copied, {same} the same already, {deleted} deleted, {failed} failed; {size} bytes sent",
        copied=run.copied, same=run.same, deleted=run.deleted, failed=run.failed, size=run.sent_bytes,
    )  # fmt: skip
    if run.error or run.failed:
        raise Unavailable(
            "the replication {name} did not get through: {why}",
            name=name, why=run.error or failures[0], hint="it is tried again by the hub, if one runs",
        )  # fmt: skip


def _open(app: App, root: Path | None, config: Path | None) -> HubApp:
    try:
        from capas.hub.app import create_app
        from capas.hub.config import read_config
    except ImportError:
        raise Unsupported("the hub needs its extra packages", hint='install them: pip install "capas[hub]"') from None
    place = root or app.settings.root / "hub"
    if not place.is_dir():
        raise NotFound("there is no hub in {root}", root=str(place), hint="name its directory: --root DIR")
    return create_app(place, config=read_config(place, config, app.settings.environ), shared=True)


def _run(app: App, hub_app: HubApp, name: str, tell: Tell) -> Run:
    from capas.hub.copying.replication.replicate import replicate as run_rule
    from capas.hub.copying.replication.rules import get_rule
    from capas.hub.copying.replication.runs import claim, enqueue, get_run

    hub = hub_app.hub
    holder = hub.new_token()
    rule = hub.database.read(lambda db: get_rule(db, name))
    number = hub.database.write(lambda db: enqueue(db, rule.number, "hand", "", hub.now_ns()))
    run = hub.database.write(lambda db: claim(db, holder, hub.now_ns(), number=number))
    if run is None:
        raise Conflict("the replication {name} is under way already", name=name, hint="its page tells how it goes")
    run_rule(hub, run, holder, app.settings, tell=tell)
    return hub.database.read(lambda db: get_run(db, number))
