"""`capas completion SHELL`: the script that makes Tab work."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from capas.cli.lazy import Command


@click.command(cls=Command, help='Print the completion script of a shell: eval "$(capas completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, *, shell: str) -> None:
    """Click's own script for the shell."""
    kind = get_completion_class(shell)
    assert kind is not None  # the choice above names only shells that click knows
    click.echo(kind(ctx.find_root().command, {}, "capas", "_CAPAS_COMPLETE").source())
