"""`capas pause`, `unpause`, `restart`, `update`, `port`: docker's other verbs of a container's life."""

from __future__ import annotations

from typing import Any

import click

from capas.cli.app import App, pass_app
from capas.cli.batch import each
from capas.cli.lazy import Command
from capas.errors import NotFound
from capas.run.network_inspection import published

_several = click.argument("containers", nargs=-1, required=True)


@click.command(cls=Command, help="Hold all processes of containers still")
@_several
@pass_app
def pause(app: App, /, *, containers: tuple[str, ...]) -> int:
    """Prints the names as they were given."""

    def one(name: str) -> None:
        app.engine.containers.pause(name)
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Let paused containers go on")
@_several
@pass_app
def unpause(app: App, /, *, containers: tuple[str, ...]) -> int:
    """Prints the names as they were given."""

    def one(name: str) -> None:
        app.engine.containers.unpause(name)
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Stop containers that run, and start them, also those that did not run")
@_several
@click.option("-t", "--timeout", "--time", type=int, metavar="SECONDS", help="Patience before KILL; -1 for ever")
@click.option("-s", "--signal", metavar="SIGNAL", help="Send this signal")
@pass_app
def restart(app: App, /, *, containers: tuple[str, ...], timeout: int | None, signal: str | None) -> int:
    """Prints the names as they were given."""

    def one(name: str) -> None:
        app.engine.containers.restart(name, timeout=timeout, signal=signal)
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Give containers other limits or another restart policy, also while they run")
@_several
@click.option("-m", "--memory", default="", metavar="SIZE", help="Memory limit")
@click.option(
    "--memory-swap", default="", metavar="SIZE", help="Limit of memory and swap together; -1 for no limit of swap"
)
@click.option("--memory-reservation", default="", metavar="SIZE", help="Soft limit of memory")
@click.option("--cpus", default="", metavar="NUMBER", help="How many processors it may use")
@click.option("-c", "--cpu-shares", type=int, default=0, metavar="WEIGHT", help="Its weight against others")
@click.option("--cpuset-cpus", default="", metavar="LIST", help="On which processors")
@click.option(
    "--pids-limit", type=int, default=0, metavar="NUMBER", help="How many processes it may have; -1 for no limit"
)
@click.option("--restart", default="", metavar="POLICY",
              help="When to start it again: no, on-failure[:N], unless-stopped, always")  # fmt: skip
@pass_app
def update(app: App, /, *, containers: tuple[str, ...], restart: str, **given: Any) -> int:
    """Prints the names as they were given. What is not named stays as it is."""
    from capas.engine.container_request import ContainerRequest, changed_limits

    request = ContainerRequest(**given)

    def one(name: str) -> None:
        before = app.engine.containers.get(name).record.spec.limits
        app.engine.containers.update(name, changed_limits(before, request), restart)
        click.echo(name)

    return each(app, containers, one)


@click.command(cls=Command, help="Show where a container's ports are published")
@click.argument("container")
@click.argument("private", required=False, default="", metavar="[PRIVATE_PORT[/PROTO]]")
@pass_app
def port(app: App, /, *, container: str, private: str) -> None:
    """A line an address: `80/tcp -> 0.0.0.0:8080`; of one port, only the address."""
    found = published(app.engine.containers.get(container).state)
    addresses = [(f"{one.container_port}/{one.protocol}", one.host) for one in found]
    if not private:
        for inner, address in sorted(addresses):
            click.echo(f"{inner} -> {address}")
        return
    wanted = private if "/" in private else f"{private}/tcp"
    here = [address for inner, address in addresses if inner == wanted]
    if not here:
        raise NotFound("no public port {port!r} published for {container}", port=private[:50], container=container)
    for address in here:
        click.echo(address)
