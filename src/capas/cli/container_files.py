"""`capas diff`, `commit`, `cp`, `export`: the files of a container."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from capas.cli.app import App, pass_app
from capas.cli.archive import writable
from capas.cli.lazy import Command
from capas.errors import Invalid


@click.command(cls=Command, help="Show what a container added (A), changed (C) and deleted (D)")
@click.argument("container")
@pass_app
def diff(app: App, /, *, container: str) -> None:
    """A line a path."""
    for change in app.engine.containers.diff(container):
        click.echo(f"{change.kind} ".encode() + change.path)


@click.command(cls=Command, help="Make an image of a container's changes")
@click.argument("container")
@click.argument("name", required=False, metavar="[REPOSITORY[:TAG]]")
@click.option("-a", "--author", default="", metavar="AUTHOR", help="Who made it")
@click.option("-m", "--message", default="", metavar="TEXT", help="A comment for the history")
@click.option(
    "-c", "--change", "changes", multiple=True, metavar="INSTRUCTION", help="A Dockerfile instruction, like 'CMD bash'"
)
@click.option("-p/-P", "--pause/--no-pause", default=True, hidden=True)  # nothing needs to stand still for it
@pass_app
def commit(
    app: App,
    /,
    *,
    container: str,
    name: str | None,
    author: str,
    message: str,
    changes: tuple[str, ...],
    pause: bool,
) -> None:
    """Prints the image's id."""
    image = app.engine.containers.commit(container, name, author=author, message=message, changes=changes)
    click.echo(str(image.id))


@click.command(cls=Command, help="Write a container's files as a tar")
@click.argument("container")
@click.option("-o", "--output", metavar="FILE", help="Write to this file, not to standard output")
@pass_app
def export(app: App, /, *, container: str, output: str | None) -> None:
    """The file appears when it is whole."""
    with writable(output) as out:
        app.engine.containers.export(container, out.write)


@click.command(
    cls=Command, help="Copy files between a container (CONTAINER:PATH) and here; - is a tar on a standard stream"
)
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.option("-a", "--archive", is_flag=True, help="Keep owners")
@click.option("-L", "--follow-link", "follow", is_flag=True, help="Copy what a link points at")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing")
@pass_app
def cp(app: App, /, *, source: str, target: str, archive: bool, follow: bool, quiet: bool) -> None:
    """One side is a container's."""
    container, path = _place(source)
    other, other_path = _place(target)
    verbs = app.engine.containers
    if container and other:
        raise Invalid("cannot copy from one container to another", hint="copy to a directory here in between")
    if container:
        if target == "-":
            with writable("-") as out:
                verbs.read_archive(container, path, out.write, follow=follow)
            return
        verbs.copy_out(container, path, Path(target), keep_owner=archive, follow=follow)
        what = f"{source} to {target}"
    elif other:
        if source == "-":
            verbs.write_archive(other, other_path, sys.stdin.buffer)
            return
        verbs.copy_in(other, Path(source), other_path, keep_owner=archive, follow=follow)
        what = f"{source} to {target}"
    else:
        raise Invalid("neither side is in a container", hint="name one as CONTAINER:PATH")
    if not quiet and sys.stderr.isatty():
        app.warn("Successfully copied {what}", what=what)


def _place(text: str) -> tuple[str, str]:
    """The container and the path in it; no container for a path here, which may hold a colon after / or ."""
    name, colon, path = text.partition(":")
    if not colon or not name or text.startswith(("/", ".")):
        return "", text
    if not path:
        raise Invalid("{text!r} names no path in the container", text=text[:200], hint="write it as CONTAINER:PATH")
    return name, path if path.startswith("/") else "/" + path
