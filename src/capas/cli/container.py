"""`capas container` …: start, stop, kill, wait, rename, rm, prune, logs, inspect."""

from __future__ import annotations

import sys

import click

from capas.cli.app import App, pass_app
from capas.cli.attach import detach_keys, detach_keys_option
from capas.cli.batch import each
from capas.cli.exit_codes import docker_exit_codes
from capas.cli.lazy import Command
from capas.errors import Conflict, Invalid
from capas.printable import human_size
from capas.run.streams import Attached

_several = click.argument("containers", nargs=-1, required=True)
_one = click.argument("container")
_signal = click.option("-s", "--signal", metavar="SIGNAL", help="Send this signal")


@click.command(cls=Command, help="Start stopped containers")
@_several
@click.option("-a", "--attach", is_flag=True, help="Join its output and wait for its end")
@click.option("-i", "--interactive", is_flag=True, help="Join its standard input too")
@click.option("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to it")
@detach_keys_option
@pass_app
def start(
    app: App, /, *, containers: tuple[str, ...], attach: bool, interactive: bool, sig_proxy: bool, keys: str | None
) -> int:
    """Prints the names as they were given. With -a: the exit code of the container."""
    verbs = app.engine.containers
    if not (attach or interactive):

        def one(name: str) -> None:
            if not verbs.get(name).running:  # as docker: one that runs is no error
                verbs.start(name)
            click.echo(name)

        return each(app, containers, one)
    if len(containers) > 1:
        raise Conflict("only one container can be joined at once", hint="leave out -a and -i")
    with docker_exit_codes(1):
        ours = Attached(0 if interactive else None, 1, 2)
        return verbs.start_attached(containers[0], ours, sig_proxy=sig_proxy, keys=detach_keys(app, keys))


@click.command(cls=Command, help="Stop running containers: their stop signal, then, after a while, KILL")
@_several
@click.option("-t", "--timeout", "--time", type=int, metavar="SECONDS", help="Patience before KILL; -1 for ever")
@_signal
@pass_app
def stop(app: App, /, *, containers: tuple[str, ...], timeout: int | None, signal: str | None) -> int:
    """Prints the names as they were given."""

    def one(name: str) -> None:
        app.engine.containers.stop(name, timeout=timeout, signal=signal)
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Send running containers a signal, KILL when none is named")
@_several
@_signal
@pass_app
def kill(app: App, /, *, containers: tuple[str, ...], signal: str | None) -> int:
    """Prints the names as they were given."""

    def one(name: str) -> None:
        app.engine.containers.kill(name, signal or "KILL")
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Wait until containers have ended, and print their exit codes")
@_several
@pass_app
def wait(app: App, /, *, containers: tuple[str, ...]) -> int:
    """A line a container."""
    return each(app, containers, lambda name: click.echo(app.engine.containers.wait(name)))


@click.command(cls=Command, help="Give a container another name")
@_one
@click.argument("name")
@pass_app
def rename(app: App, /, *, container: str, name: str) -> None:
    """Says nothing."""
    app.engine.containers.rename(container, name)


@click.command(cls=Command, help="Remove containers, with what they changed and their unnamed volumes")
@_several
@click.option("-f", "--force", is_flag=True, help="Also running ones: they are killed first")
@click.option("-v", "--volumes", is_flag=True, help="Their unnamed volumes too (Capas never leaves them)")
@pass_app
def rm(app: App, /, *, containers: tuple[str, ...], force: bool, volumes: bool) -> int:
    """Prints the names as they were given."""

    def one(name: str) -> None:
        app.engine.containers.remove(name, force=force)
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Remove every container that does not run")
@click.option("-f", "--force", is_flag=True, help="Do not ask")
@click.option("--filter", "filters", multiple=True, metavar="KEY=VALUE", help="Keep only what fits: label, until")
@pass_app
def prune(app: App, /, *, force: bool, filters: tuple[str, ...]) -> int:
    """Ask first, unless told not to."""
    if not force and not app.confirm("Remove every container that does not run?"):
        app.warn("nothing removed: say yes, or use --force")
        return 1
    removed = app.engine.containers.prune(filters=filters)
    if removed.deleted:
        app.say("Deleted Containers:")
        for container_id in removed.deleted:
            click.echo(container_id)
        click.echo("")
    app.say("Total reclaimed space: {size}", size=human_size(removed.size))
    return 0


@click.command(cls=Command, help="Show what a container printed")
@_one
@click.option("-f", "--follow", is_flag=True, help="Go on while it runs")
@click.option("-n", "--tail", default="all", metavar="NUMBER", help="Only so many of the last lines")
@click.option("--since", default="", metavar="TIME", help="Only later lines: 2026-11-24T10:00:00Z, or 10m")
@click.option("--until", default="", metavar="TIME", help="Only earlier lines")
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with its time")
@pass_app
def logs(app: App, /, *, container: str, follow: bool, tail: str, since: str, until: str, timestamps: bool) -> None:
    """Each stream on its own."""
    from capas.run.times import format_time

    lines = app.engine.containers.logs(container, tail=_count(tail), since=since, until=until, follow=follow)
    for line in lines:
        text = f"{format_time(line.time_ns)} {line.text}" if timestamps else line.text
        stream = sys.stderr if line.stream == "stderr" else sys.stdout
        stream.buffer.write(text.encode("utf-8", "surrogateescape"))
        if follow:
            stream.buffer.flush()
    sys.stdout.buffer.flush()


def _count(text: str) -> int | None:
    if text == "all" or text.startswith("-"):
        return None
    if not text.isdecimal():
        raise Invalid("--tail {text!r} is neither a number nor 'all'", text=text[:50])
    return int(text)


@click.command(cls=Command, help="Show everything about containers, as JSON")
@_several
@click.option("-f", "--format", metavar="TEMPLATE", help="Print by a Go template, or 'json'")
@click.option("-s", "--size", is_flag=True, help="Show how much they changed")
@pass_app
def inspect(app: App, /, *, containers: tuple[str, ...], format: str | None, size: bool) -> int:
    """docker's fields."""
    from capas.cli.documents import print_documents

    return print_documents(app, containers, lambda name: app.engine.containers.inspect(name, size=size), format)
