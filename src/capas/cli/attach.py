"""`capas attach`, and the detach keys of whoever is joined to a container."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from capas.cli.app import App, pass_app
from capas.cli.exit_codes import docker_exit_codes
from capas.cli.lazy import Command
from capas.run.keys import DEFAULT
from capas.run.streams import Attached

F = TypeVar("F", bound=Callable[..., Any])


def detach_keys_option(function: F) -> F:
    """--detach-keys."""
    return click.option("--detach-keys", "keys", metavar="KEYS", help="The keys by which you leave it, and it goes on")(
        function
    )


def detach_keys(app: App, given: str | None) -> str:
    """Those that were given, or docker's own setting of them (`detachKeys` in its config.json), or docker's default."""
    if given is not None:
        return given
    try:
        config = json.loads(app.settings.docker_config.read_bytes())
    except (OSError, ValueError):
        return DEFAULT
    return str(config.get("detachKeys") or DEFAULT) if isinstance(config, dict) else DEFAULT


@click.command(cls=Command, help="Join the terminal or the streams of a running container")
@click.argument("container")
@detach_keys_option
@click.option("--no-stdin", is_flag=True, help="Do not join its standard input")
@click.option("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to it")
@pass_app
def attach(app: App, /, *, container: str, keys: str | None, no_stdin: bool, sig_proxy: bool) -> int:
    """Exit code: the container's; 1 for who leaves it."""
    with docker_exit_codes(1):
        ours = Attached(None if no_stdin else 0, 1, 2)
        return app.engine.containers.attend(container, ours, sig_proxy=sig_proxy, keys=detach_keys(app, keys))
