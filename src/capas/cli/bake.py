"""`capas bake`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capas.cli.app import App, pass_app
from capas.cli.attest_options import attest_options, read_attestations
from capas.cli.build import say_built
from capas.cli.checks import print_checked
from capas.cli.lazy import Command
from capas.cli.options import progress_option

if TYPE_CHECKING:
    from capas.bake.resolution import Resolved
    from capas.build.request import Built
    from capas.engine.building import Wish

_HELP = "Build the targets of docker-bake.hcl, docker-bake.json or compose.yaml, all in one run"
_FLAGS = ("push", "load", "no_cache", "pull")


@click.command(cls=Command, help=_HELP)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "-f", "--file", "files", multiple=True, metavar="FILE", help="A bake file, or - for standard input; several times"
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="TARGET.FIELD=VALUE",
    help="Override a field of the targets that a pattern fits, like '*.platform=linux/arm64'; several times",
)
@click.option("--print", "show", is_flag=True, help="Print what would be built, as JSON, and build nothing")
@click.option("--check", is_flag=True, help="Check the Dockerfiles by docker's rules, and build nothing")
@click.option("--push", is_flag=True, help="Send the images to the registries of their names")
@click.option("--load", is_flag=True, help="Keep the images here")
@click.option("--no-cache", is_flag=True, help="Do every step again")
@click.option("--pull", is_flag=True, help="Ask the registry for newer base images")
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(["network.host", "security.insecure"]),
    help="Grant targets what they ask for; several times",
)
@attest_options
@click.option("--metadata-file", metavar="FILE", help="Write what was made to this file, as JSON")
@progress_option
@pass_app
def bake(app: App, /, *, targets: tuple[str, ...], files: tuple[str, ...], progress: str, **rest: Any) -> int:
    """Everything is resolved, then printed, checked or built."""
    from capas.bake.printed import print_document
    from capas.engine.baking import wishes_of

    resolved = _resolve(app, targets, files, rest)
    if rest["show"]:
        click.echo(json.dumps(print_document(resolved), indent=2, ensure_ascii=False))
        return 0
    given = any(rest[name] for name in ("attests", "sbom", "provenance"))
    wishes = wishes_of(
        resolved, allow=rest["allow"], attestations=read_attestations(rest) if given else None,
        stdout=sys.stdout.buffer,
    )  # fmt: skip
    if rest["check"]:
        return max([print_checked(app, app.engine.images.check(wishes[name].request)) for name in resolved.wanted])
    _build(app, resolved, wishes, progress, rest["metadata_file"])
    return 0


def _resolve(app: App, targets: tuple[str, ...], files: tuple[str, ...], rest: Mapping[str, Any]) -> Resolved:
    from capas.bake.override import parse_overrides
    from capas.bake.resolution import resolve
    from capas.engine.bakefiles import read_bakefiles

    environ = app.settings.environ
    flags = [f"*.{name.replace('_', '-')}=true" for name in _FLAGS if rest[name]]
    overrides = parse_overrides([*rest["sets"], *flags], environ)
    stdin = sys.stdin.buffer if "-" in files else None
    return resolve(read_bakefiles(files, Path.cwd(), environ, stdin), targets, overrides)


def _build(app: App, resolved: Resolved, wishes: Mapping[str, Wish], progress: str, metadata_file: str | None) -> None:
    from capas.store.disk import disk_errors

    with app.progress(progress) as report:
        built: Mapping[str, Built] = app.engine.images.bake(wishes, resolved.wanted, report=report)
    for name, one in built.items():
        app.say("{target}:", target=name)
        say_built(app, one)
    if metadata_file:
        document = {name: one.metadata for name, one in built.items()}
        with disk_errors(metadata_file):
            Path(metadata_file).write_text(json.dumps(document, indent=2) + "\n")
