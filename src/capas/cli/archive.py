"""`capas save`, `capas load`, `capas import`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import progress_option
from capas.errors import Invalid, NotFound


@click.command(cls=Command, help="Write images to an archive that docker, podman, skopeo and Capas can read")
@click.argument("images", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="Write to this file, not to standard output")
@click.option("--format", default="docker", type=click.Choice(["docker", "oci"]), help="Which manifests stand in it")
@pass_app
def save(app: App, /, *, images: tuple[str, ...], output: str | None, format: str) -> None:
    """The file appears when it is whole."""
    with writable(output) as out:
        app.engine.images.save(out, images, format=format)


@click.command(cls=Command, help="Read the images of an archive that docker, podman, skopeo or Capas wrote")
@click.option("-i", "--input", "source", metavar="FILE", help="Read this file, not standard input")
@progress_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing while reading")
@pass_app
def load(app: App, /, *, source: str | None, progress: str, quiet: bool) -> None:
    """docker's lines: Loaded image."""
    with readable(source or "-", "load") as stream, app.progress(progress, quiet=quiet) as report:
        loaded = app.engine.images.load(stream, report=report)
    for image, references in loaded:
        for reference in references:
            app.say("Loaded image: {image}", image=reference.familiar)
        if not references:
            app.say("Loaded image ID: {image}", image=str(image.id))


@click.command(
    "import", cls=Command, help="Make an image of one layer from a tar of files (FILE, URL or - for standard input)"
)
@click.argument("source", metavar="FILE|URL|-")
@click.argument("name", required=False, metavar="[REPOSITORY[:TAG]]")
@click.option(
    "-c", "--change", "changes", multiple=True, metavar="INSTRUCTION", help="A Dockerfile instruction, like 'CMD bash'"
)
@click.option("-m", "--message", default="", help="A comment for the history")
@pass_app
def import_(app: App, /, *, source: str, name: str | None, changes: tuple[str, ...], message: str) -> None:
    """Prints the image's id."""
    if source.startswith(("http://", "https://")):
        from capas.engine.fetching import open_url

        with open_url(app.settings, source) as stream:
            image = app.engine.images.import_(stream, name, changes=changes, message=message)
    else:
        with readable(source, "import") as stream:
            image = app.engine.images.import_(stream, name, changes=changes, message=message)
    click.echo(str(image.id))


@contextmanager
def readable(source: str, verb: str) -> Iterator[BinaryIO]:
    """The file called `source`, or standard input for "-". Raises: NotFound; Invalid for a terminal."""
    if source == "-":
        if sys.stdin.isatty():
            raise Invalid("standard input is a terminal: there is nothing to {verb}", verb=verb, hint="name a file")
        yield sys.stdin.buffer
        return
    path = Path(source)
    if not path.exists():
        raise NotFound("no such file: {path}", path=source)
    if path.is_dir():
        raise Invalid("{path} is a directory", path=source, hint="name the archive file")
    with path.open("rb") as stream:
        yield stream


@contextmanager
def writable(output: str | None) -> Iterator[BinaryIO]:
    """A file that takes its name once whole, or standard output. Raises: Invalid for a terminal."""
    if output is None or output == "-":
        if sys.stdout.isatty():
            raise Invalid("will not write an archive to a terminal", hint="use -o FILE, or a pipe")
        yield sys.stdout.buffer
        return
    target = Path(output)
    if target.exists() and not target.is_file():  # a device or a pipe is written as it is
        with target.open("wb") as stream:
            yield stream
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            yield stream
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
