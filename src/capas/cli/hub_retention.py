"""`capas hub retention`: what the rules of a hub make of its repositories, for its keeper; the hub may be running."""

from __future__ import annotations

from pathlib import Path

import click

from capas.cli.app import App, pass_app
from capas.cli.hub_records import by_keeper, place_options
from capas.cli.hub_store import open_hub
from capas.cli.lazy import Command
from capas.cli.options import format_option
from capas.cli.table import Column, print_rows, spoken

_COLUMNS = (
    Column("Repository", "REPOSITORY"),
    Column("Tag", "TAG"),
    Column("Digest", "DIGEST"),
    Column("Stays", "STAYS"),
    Column("Why", "WHY"),
)


@click.command(
    cls=Command, help="Keep to the retention rules of a hub now; it does so by itself too, once a day ([retention])"
)
@click.argument("repository", required=False)
@click.option("--dry-run", is_flag=True, help="Say of each tag why it stays or goes, and delete nothing")
@place_options
@format_option
@pass_app
def retention(
    app: App,
    /,
    *,
    repository: str | None,
    dry_run: bool,
    root: Path | None,
    config: Path | None,
    format: str | None,
) -> None:
    """All repositories with rules, or one. Without --dry-run what went is listed."""
    from capas.hub.keeping.retention import list_ruled, preview, sweep

    with open_hub(app, root, config) as hub:
        names = [repository] if repository else hub.database.read(list_ruled)
        plans = [(name, preview(hub, name) if dry_run else sweep(hub, name, by_keeper())) for name in names]
    rows = [
        {
            "Repository": name,
            "Tag": one.tag or "<none>",
            "Digest": one.digest.removeprefix("sha256:")[:12],
            "Stays": "yes" if one.stays else "no",
            "Why": "; ".join(app.words(why.template, **why.facts) for why in one.reasons),
        }
        for name, plan in plans
        for one in ((*plan.tags, *plan.untagged) if dry_run else plan.going)
    ]
    print_rows(rows, spoken(_COLUMNS, app.words), format)
