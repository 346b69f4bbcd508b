"""`capas image` …: ls, tag, rm, prune, inspect, history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.batch import each
from capas.cli.lazy import Command
from capas.cli.options import filter_option, format_option
from capas.cli.table import Column, Row, print_rows
from capas.cli.units import ago, iso
from capas.clock import now_ns
from capas.printable import human_size

if TYPE_CHECKING:
    from capas.engine.listing import ImageSummary
    from capas.engine.removal import Removed

_COLUMNS = (
    Column("Repository", "REPOSITORY"),
    Column("Tag", "TAG"),
    Column("Digest", "DIGEST", False),
    Column("ID", "IMAGE ID"),
    Column("CreatedSince", "CREATED"),
    Column("Size", "SIZE"),
    Column("CreatedAt", "CREATED AT", False),
    Column("Platform", "PLATFORM", False),
)
_HISTORY = (
    Column("ID", "IMAGE"),
    Column("CreatedSince", "CREATED"),
    Column("CreatedBy", "CREATED BY"),
    Column("Size", "SIZE"),
    Column("Comment", "COMMENT"),
    Column("CreatedAt", "CREATED AT", False),
)
_LONGEST_STEP = 45


@click.command(cls=Command, help="List images, newest first")
@click.argument("name", required=False, metavar="[REPOSITORY[:TAG]]")
@click.option("-a", "--all", "every", is_flag=True, help="Show all images (Capas keeps no intermediate ones)")
@click.option("--digests", is_flag=True, help="Show digests")
@filter_option
@format_option
@click.option("--no-trunc", is_flag=True, help="Do not shorten ids")
@click.option("-q", "--quiet", is_flag=True, help="Print ids only")
@pass_app
def ls(
    app: App,
    /,
    *,
    name: str | None,
    every: bool,
    digests: bool,
    filters: tuple[str, ...],
    format: str | None,
    no_trunc: bool,
    quiet: bool,
) -> None:
    """One row a name."""
    images = app.engine.images.list(name, filters=filters)
    whole, now = no_trunc, now_ns()
    if quiet:
        for line in dict.fromkeys(str(image.image_id) if whole else image.image_id.short for image in images):
            click.echo(line)
        return
    columns = [column._replace(shown=True) if digests and column.field == "Digest" else column for column in _COLUMNS]
    print_rows([_row(image, whole, now) for image in images], columns, format)


def _row(image: ImageSummary, whole: bool, now: int) -> Row:
    return {
        "Repository": image.repository or "<none>",
        "Tag": image.tag or "<none>",
        "Digest": image.digest or "<none>",
        "ID": str(image.image_id) if whole else image.image_id.short,
        "CreatedSince": ago(image.created_ns, now),
        "CreatedAt": iso(image.created_ns),
        "Size": human_size(image.size),
        "Platform": str(image.platform),
    }


@click.command(cls=Command, help="Give the image SOURCE another name, TARGET. Nothing is copied")
@click.argument("source")
@click.argument("target")
@pass_app
def tag(app: App, /, *, source: str, target: str) -> None:
    """A name more."""
    app.engine.images.tag(source, target)


@click.command(cls=Command, help="Remove images: a name is untagged, and with its last name an image is deleted")
@click.argument("images", nargs=-1, required=True)
@click.option("-f", "--force", is_flag=True, help="Also images with several names or with stopped containers")
@click.option("--no-prune", is_flag=True, hidden=True)
@pass_app
def rm(app: App, /, *, images: tuple[str, ...], force: bool, no_prune: bool) -> int:
    """Each on its own: what cannot go does not keep the others."""
    return each(app, images, lambda name: _say_removed(app, app.engine.images.remove(name, force=force)))


def _say_removed(app: App, removed: Removed) -> None:
    for name in removed.untagged:
        app.say("Untagged: {name}", name=name)
    for name in removed.deleted:
        app.say("Deleted: {name}", name=name)


@click.command(cls=Command, help="Remove images without a name, or (-a) all that no container uses")
@click.option("-a", "--all", "every", is_flag=True, help="Every image that no container uses")
@click.option("-f", "--force", is_flag=True, help="Do not ask")
@click.option("--filter", "filters", multiple=True, metavar="KEY=VALUE", help="Keep only what fits")
@pass_app
def prune(app: App, /, *, every: bool, force: bool, filters: tuple[str, ...]) -> int:
    """Ask first, unless told not to."""
    if not force and not app.confirm("Remove these images for good?"):
        app.warn("nothing removed: say yes, or use --force")
        return 1
    removed = app.engine.images.prune(every=every, filters=filters)
    if removed.untagged or removed.deleted:
        app.say("Deleted Images:")
        _say_removed(app, removed)
        click.echo("")
    app.say("Total reclaimed space: {size}", size=human_size(removed.size))
    return 0


@click.command(cls=Command, help="Show everything about images, as JSON")
@click.argument("images", nargs=-1, required=True)
@click.option("-f", "--format", metavar="TEMPLATE", help="Print by a Go template, or 'json'")
@pass_app
def inspect(app: App, /, *, images: tuple[str, ...], format: str | None) -> int:
    """docker's fields."""
    from capas.cli.documents import print_documents

    return print_documents(app, images, app.engine.images.inspect, format)


@click.command(cls=Command, help="Show how an image came to be, newest step first")
@click.argument("image")
@format_option
@click.option("--cost", is_flag=True, help="Show what each step took, added and wasted")
@click.option("-H", "--human/--no-human", default=True, help="Sizes and dates for people")
@click.option("--no-trunc", is_flag=True, help="Do not shorten anything")
@click.option("-q", "--quiet", is_flag=True, help="Print ids only")
@pass_app
def history(
    app: App, /, *, image: str, format: str | None, cost: bool, human: bool, no_trunc: bool, quiet: bool
) -> None:
    """One row a step."""
    from capas.image.created import parse_created

    if cost:
        from capas.cli.costs import print_costs

        print_costs(app.engine.images.costs(image)[::-1], app.words, format=format, human=human, whole=no_trunc)
        return
    now, rows = now_ns(), []
    for step in app.engine.images.history(image):
        created = parse_created(step.created)
        id = "<missing>" if step.image_id is None else str(step.image_id) if no_trunc else step.image_id.short
        created_by = " ".join(step.created_by.split()) if not no_trunc else step.created_by
        short = created_by if no_trunc or len(created_by) <= _LONGEST_STEP else created_by[: _LONGEST_STEP - 1] + "…"
        rows.append({
            "ID": id,
            "CreatedSince": ago(created, now) if human else step.created,
            "CreatedAt": step.created,
            "CreatedBy": short,
            "Size": human_size(step.size) if human else str(step.size),
            "Comment": step.comment,
        })  # fmt: skip
    if quiet:
        for row in rows:
            click.echo(row["ID"])
        return
    print_rows(rows, _HISTORY, format)
