"""`capas exec`."""

from __future__ import annotations

import sys
from typing import Any

import click

from capas.cli.app import App, pass_app
from capas.cli.attach import detach_keys, detach_keys_option
from capas.cli.exit_codes import docker_exit_codes
from capas.cli.lazy import Command
from capas.cli.run import SETTINGS
from capas.engine.container_env import read_env
from capas.errors import Invalid
from capas.run.execution import ExecSpec
from capas.run.streams import Attached


@click.command(cls=Command, context_settings=SETTINGS, help="Run a command in a running container")
@click.argument("container")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARG]...")
@click.option("-d", "--detach", is_flag=True, help="Leave it running")
@click.option("-i", "--interactive", is_flag=True, help="Keep standard input open")
@click.option("-t", "--tty", is_flag=True, help="Give it a terminal")
@click.option("-e", "--env", multiple=True, metavar="NAME[=VALUE]", help="Set a variable")
@click.option("--env-file", multiple=True, metavar="FILE", help="Read variables from a file")
@click.option("-u", "--user", metavar="USER", help="Run as this user: name or id, with :group")
@click.option("-w", "--workdir", metavar="PATH", help="The working directory inside")
@click.option("--privileged", is_flag=True, help="With every capability")
@detach_keys_option
@pass_app
def exec_(
    app: App, /, *, container: str, interactive: bool, detach: bool, tty: bool, keys: str | None, **given: Any
) -> int:
    """Exit code: the command's own; 126 and 127 as docker's."""
    if tty and interactive and not detach and not sys.stdin.isatty():
        raise Invalid("standard input is not a terminal: -t with -i needs one", hint="leave out -t")
    env = read_env(given["env"], given["env_file"], app.settings.environ)
    spec = ExecSpec(
        args=given["command"],
        env=tuple(f"{name}={value}" for name, value in env.items()),
        user=given["user"],
        workdir=given["workdir"],
        tty=tty,
        privileged=given["privileged"],
        detach=detach,
    )
    with docker_exit_codes(1):
        ours = Attached(0 if interactive else None, 1, 2)
        return app.engine.containers.execute(container, spec, ours, keys=detach_keys(app, keys))
