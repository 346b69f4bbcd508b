"""`capas hub replicate`: a rule's run by hand, on the hub's machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.hub_records import place_options
from capas.cli.hub_store import open_hub
from capas.cli.lazy import Command
from capas.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from capas.hub.copying.replication.replicate import Tell
    from capas.hub.copying.replication.runs import Item, Run
    from capas.hub.hub import Hub


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

    with open_hub(app, root, config) as hub:
        run = _run(app, hub, name, tell)
    app.say(
        "{copied} copied, {same} the same already, {deleted} deleted, {failed} failed; {size} bytes sent",
        copied=run.copied, same=run.same, deleted=run.deleted, failed=run.failed, size=run.sent_bytes,
    )  # fmt: skip
    if run.error or run.failed:
        raise Unavailable(
            "the replication {name} did not get through: {why}",
            name=name, why=run.error or failures[0], hint="it is tried again by the hub, if one runs",
        )  # fmt: skip


def _run(app: App, hub: Hub, name: str, tell: Tell) -> Run:
    from capas.hub.copying.replication.replicate import replicate as run_rule
    from capas.hub.copying.replication.rules import get_rule
    from capas.hub.copying.replication.runs import claim, enqueue, get_run

    holder = hub.new_token()
    rule = hub.database.read(lambda db: get_rule(db, name))
    number = hub.database.write(lambda db: enqueue(db, rule.number, "hand", "", hub.now_ns()))
    run = hub.database.write(lambda db: claim(db, holder, hub.now_ns(), number=number))
    if run is None:
        raise Conflict("the replication {name} is under way already", name=name, hint="its page tells how it goes")
    run_rule(hub, run, holder, app.settings, tell=tell)
    return hub.database.read(lambda db: get_run(db, number))
