"""`capas pull` and `capas push`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from capas.cli.app import App, pass_app
from capas.cli.batch import each
from capas.cli.lazy import Command
from capas.cli.options import platform_option, progress_option
from capas.oci.platform import Platform
from capas.reference import Reference

F = TypeVar("F", bound=Callable[..., Any])


def plan_options(function: F) -> F:
    """--plan, and its --format."""
    plan = click.option("--plan", is_flag=True, help="Only tell what would move, and how long it would take")
    form = click.option("--format", type=click.Choice(["text", "json"]), default="text", help="How to print the plan")
    return plan(form(function))


@click.command(
    cls=Command, help="Bring an image from its registry: its layers come at once and are unpacked as they arrive"
)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
@platform_option
@progress_option
@click.option("-a", "--all-tags", is_flag=True, help="Every tag of the repository")
@plan_options
@click.option("-q", "--quiet", is_flag=True, help="Print the name only")
@pass_app
def pull(
    app: App,
    /,
    *,
    name: str,
    platform: Platform | None,
    progress: str,
    all_tags: bool,
    plan: bool,
    format: str,
    quiet: bool,
) -> None:
    """docker's last lines: Digest, Status, name."""
    if plan:
        from capas.cli.plan import print_forecast

        forecast = app.engine.images.plan_pull(name, platform=platform)
        print_forecast(app, forecast, "pull", as_json=format == "json")
        return
    reference = Reference.parse(name)
    if not reference.tag and not reference.digest and not all_tags and not quiet:
        app.say("Using default tag: latest")
    names = [str(reference.with_tag(tag)) for tag in app.engine.images.remote_tags(name)] if all_tags else [name]
    for one in names:
        with app.progress(progress, quiet=quiet) as report:
            pulled = app.engine.images.pull(one, platform=platform, report=report)
        if not quiet:
            app.say("Digest: {digest}", digest=pulled.digest)
            app.say(
                "Status: Downloaded newer image for {image}" if pulled.changed
                else "Status: Image is up to date for {image}", image=pulled.reference.familiar,
            )  # fmt: skip
        click.echo(str(pulled.reference))


@click.command(cls=Command, help="Send an image to its registry: what is there already is not sent again")
@click.argument("name", metavar="NAME[:TAG]")
@progress_option
@click.option("-a", "--all-tags", is_flag=True, help="Every tag of the repository that is here")
@plan_options
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but the name")
@pass_app
def push(app: App, /, *, name: str, progress: str, all_tags: bool, plan: bool, format: str, quiet: bool) -> int:
    """docker's last line: tag, digest, size."""
    if plan:
        from capas.cli.plan import print_forecast

        print_forecast(app, app.engine.images.plan_push(name), "push", as_json=format == "json")
        return 0

    def one(text: str) -> None:
        reference = Reference.parse(text).with_default_tag()
        if not quiet:
            app.say("The push refers to repository [{name}]", name=reference.name)
        with app.progress(progress, quiet=quiet) as report:
            pushed = app.engine.images.push(text, report=report)
        size = app.engine.images.get_top(text).descriptor.size
        if quiet:
            click.echo(str(reference))
        else:
            app.say("{tag}: digest: {digest} size: {size}", tag=reference.tag, digest=pushed, size=size)

    if not all_tags:
        one(name)
        return 0
    wanted = Reference.parse(name).name
    return each(app, app.engine.images.local_tags(wanted), one)
