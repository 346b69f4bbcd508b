"""`capas run` and `capas create`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capas.cli.app import App, pass_app
from capas.cli.attach import detach_keys, detach_keys_option
from capas.cli.exit_codes import docker_exit_codes
from capas.cli.lazy import Command
from capas.cli.options import platform_option
from capas.cli.run_options import container_options, request_of
from capas.errors import AlreadyExists, Invalid
from capas.run.streams import Attached

if TYPE_CHECKING:
    from capas.engine.container_request import ContainerRequest
    from capas.run.record import Record

# options end at the image's name: what follows is the container's command; -h is docker's --hostname
SETTINGS = {"allow_interspersed_args": False, "help_option_names": ["--help"]}
_STREAMS = ("stdin", "stdout", "stderr")
_pull = click.option("--pull", default="missing", type=click.Choice(["always", "missing", "never"]),
                     help="When to bring the image from its registry")  # fmt: skip
_name = click.option("--name", default="", metavar="NAME", help="Call the container so")
_cidfile = click.option("--cidfile", metavar="FILE", help="Write the container's id to this file")
_quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing of the pull")
_image = click.argument("image")
_command = click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND] [ARG]...")
_attach = click.option("-a", "--attach", "attach", multiple=True, type=click.Choice(_STREAMS, case_sensitive=False),
                       help="Join this stream: stdin, stdout, stderr")  # fmt: skip


@click.command(cls=Command, context_settings=SETTINGS, help="Create a container of IMAGE and run COMMAND in it")
@_image
@_command
@click.option("-d", "--detach", is_flag=True, help="Leave it running and print its id")
@_name
@_attach
@click.option("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to it")
@detach_keys_option
@container_options
@_pull
@platform_option
@_cidfile
@_quiet
@pass_app
def run(app: App, /, *, detach: bool, attach: tuple[str, ...], sig_proxy: bool, keys: str | None, **given: Any) -> int:
    """Exit code: the command's own; 125, 126, 127 as docker's."""
    request = request_of(given)
    if detach and attach:
        raise click.UsageError(app.words("-d and -a cannot be given together"))
    _check_terminal(request, detach=detach, attach=attach)
    with docker_exit_codes():
        record = _create(app, request, given)
        if detach:
            app.engine.containers.start(record.id)
            click.echo(record.id)
            return 0
        sys.stdout.flush()
        return app.engine.containers.start_attached(
            record.id, attached(request, attach), sig_proxy=sig_proxy, keys=detach_keys(app, keys)
        )


@click.command(cls=Command, context_settings=SETTINGS, help="Create a container of IMAGE without starting it")
@_image
@_command
@_name
@_attach
@container_options
@_pull
@platform_option
@_cidfile
@_quiet
@pass_app
def create(app: App, /, *, attach: tuple[str, ...], **given: Any) -> None:
    """Prints the id."""
    with docker_exit_codes(1):
        click.echo(_create(app, request_of(given), given).id)


def attached(request: ContainerRequest, attach: tuple[str, ...] = ()) -> Attached:
    """Our own streams, those asked for; standard input only where the container reads one."""
    wanted = set(attach) or set(_STREAMS)
    return Attached(
        0 if request.interactive and "stdin" in wanted else None,
        1 if "stdout" in wanted else None,
        2 if "stderr" in wanted else None,
    )


def _create(app: App, request: ContainerRequest, given: dict[str, Any]) -> Record:
    cidfile = given["cidfile"]
    if cidfile and os.path.exists(cidfile):
        raise AlreadyExists("the container id file {path} is there already", path=cidfile,
                            hint="remove it, once its container is not needed")  # fmt: skip
    with app.progress(quiet=given["quiet"]) as report:
        record = app.engine.containers.create(
            given["image"], given["command"], request,
            name=given["name"], platform=given["platform"], pull=given["pull"], report=report,
        )  # fmt: skip
    if cidfile:
        Path(cidfile).write_text(record.id)
    return record


def _check_terminal(request: ContainerRequest, *, detach: bool, attach: tuple[str, ...]) -> None:
    reads = request.interactive and (not attach or "stdin" in attach)
    if request.tty and reads and not detach and not sys.stdin.isatty():
        raise Invalid("standard input is not a terminal: -t with -i needs one", hint="leave out -t")
