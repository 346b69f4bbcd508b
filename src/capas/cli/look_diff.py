"""`capas image diff`: what differs between two images, the summary first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import platform_option
from capas.language import count_of
from capas.oci.platform import Platform
from capas.printable import human_size, printable, shortened, shown_name

if TYPE_CHECKING:
    from capas.look.difference import FileChange, ImageDiff, Side
    from capas.look.packages import PackageChange

_MOST = 10
_LONGEST = 120


@click.command(cls=Command, help="Show what differs between two images: files by content, packages, config, history")
@click.argument("old")
@click.argument("new")
@click.option("--exit-code", is_flag=True, help="Leave with 1 if anything differs")
@click.option("--files", "pattern", default="", metavar="GLOB", help="List the files that fit, as '*' or '/etc/*'")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", help="For people, or all of it as JSON")
@platform_option
@pass_app
def diff(
    app: App, /, *, old: str, new: str, exit_code: bool, pattern: str, format: str, platform: Platform | None
) -> int:
    """1 for a difference, where that was asked for."""
    with app.progress() as report:
        found = app.engine.look.diff(old, new, platform=platform, report=report)
    fits = re.compile(translate(pattern or "*")).match
    files = [one for one in found.files if fits(one.path)]
    if format == "json":
        _print_json(found, files)
    else:
        page = _Page(app, found)
        page.print((old, new))
        page.files(files if pattern else sorted(files, key=lambda one: -abs(one.growth)), None if pattern else _MOST)
    return int(exit_code and not found.is_nothing)


class _Page:
    """What a person reads."""

    def __init__(self, app: App, found: ImageDiff) -> None:
        self._app, self._found = app, found

    def print(self, names: tuple[str, str]) -> None:
        found = self._found
        self._side("-", names[0], found.old)
        self._side("+", names[1], found.new)
        self._app.say("Layers in both: {count}", count=found.shared_layers)
        if found.is_nothing:
            self._app.say("No file, package, setting or step differs")
            return
        self._summary()
        self._list(self._app.words("Packages"), map(_package, found.packages))
        self._list(self._app.words("Config"), (
            f"{self._sign(one.old, one.new)} {one.what} {printable(one.name)}".rstrip() + self._values(one.old, one.new)
            for one in found.config
        ))  # fmt: skip
        self._list(self._app.words("History"), (f"{one.sign} {shortened(one.step, _LONGEST)}" for one in found.history))
        self._list(self._app.words("Could not be read"), map(printable, found.notes))

    def files(self, files: Sequence[FileChange], most: int | None) -> None:
        """The files, or the first of them."""
        self._list(self._app.words("Files"), map(self._file, files[:most]))
        if most and len(files) > most:
            self._app.say("  and {count} more: --files '*' lists them all", count=len(files) - most)

    def _side(self, sign: str, name: str, side: Side) -> None:
        self._app.say(
            "{sign} {name} ({id}): {packed} to pull, {size} in {files}, {layers}", sign=sign,
            name=printable(name), id=side.image_id.short, packed=human_size(side.packed), size=human_size(side.size),
            files=count_of("{count} file", "{count} files", side.files),
            layers=count_of("{count} layer", "{count} layers", side.layers),
        )  # fmt: skip

    def _summary(self) -> None:
        files = self._found.files
        added = [one for one in files if one.old is None]
        removed = [one for one in files if one.new is None]
        both = [one for one in files if one.what]
        changed = [one for one in both if {"kind", "content", "target", "device"} & {*one.what}]
        click.echo("")
        self._app.say(
            "Files: {added} added ({more}), {removed} removed ({less}), {changed} changed ({growth}), "
            "{others} with another mode, owner or attribute",
            added=len(added), more=_growth(added), removed=len(removed), less=_growth(removed), changed=len(changed),
            growth=_growth(changed), others=len(both) - len(changed),
        )  # fmt: skip
        turns = [one.turn for one in self._found.packages]
        self._app.say(
            "Packages: {new} new, {removed} removed, {up} newer, {down} older",
            new=turns.count("new"), removed=turns.count("removed"), up=turns.count("up"), down=turns.count("down"),
        )  # fmt: skip

    def _list(self, title: str, lines: Iterable[str]) -> None:
        lines = list(lines)
        if lines:
            click.echo("\n".join(["", title, *(f"  {line}" for line in lines)]))

    def _sign(self, old: object, new: object) -> str:
        return "+" if old is None else "-" if new is None else "~"

    def _values(self, old: str | None, new: str | None) -> str:
        shown = [shortened(value, _LONGEST) or '""' for value in (old, new) if value is not None]
        return ": " + " → ".join(shown) if any(value != '""' for value in shown) else ""

    def _file(self, one: FileChange) -> str:
        path = shown_name(one.path)
        if one.old is None or one.new is None:
            there = one.new or one.old
            return f"{self._sign(one.old, one.new)} {path}" + (f" {human_size(there.size)}" if there else "")
        told = {
            "kind": (one.old.kind, one.new.kind), "mode": (f"{one.old.mode:04o}", f"{one.new.mode:04o}"),
            "content": (human_size(one.old.size), human_size(one.new.size)),
            "target": (shown_name(one.old.target), shown_name(one.new.target)),
            "owner": (f"{one.old.uid}:{one.old.gid}", f"{one.new.uid}:{one.new.gid}"),
        }  # fmt: skip
        words = [f"{what} {' → '.join(told[what])}" if what in told else what for what in one.what]
        return f"~ {path} {', '.join(words)}"


def _package(one: PackageChange) -> str:
    sign = {"new": "+", "removed": "-", "up": "↑", "down": "↓"}[one.turn]
    versions = " → ".join(version for version in (one.old, one.new) if version)
    return printable(" ".join(word for word in (sign, one.kind, one.name, one.architecture, versions) if word))


def _growth(files: Sequence[FileChange]) -> str:
    growth = sum(one.growth for one in files)
    return ("-" if growth < 0 else "+") + human_size(abs(growth))


def _print_json(found: ImageDiff, files: Sequence[FileChange]) -> None:
    """All of it, in ASCII: names that are no UTF-8 have surrogates, as `os.fsdecode` gives them."""
    import json

    from capas.cli.look_files import document_of

    document = {
        "Old": _titled(found.old), "New": _titled(found.new), "SharedLayers": found.shared_layers,
        "Files": [
            {"Path": one.path, "What": one.what, "Old": one.old and document_of(one.old),
             "New": one.new and document_of(one.new)}
            for one in files
        ],
        "Packages": [_titled(one) for one in found.packages], "Config": [_titled(one) for one in found.config],
        "History": [_titled(one) for one in found.history], "Notes": found.notes,
    }  # fmt: skip
    click.echo(json.dumps(document, indent=2))


def _titled(one: tuple[object, ...]) -> dict[str, object]:
    fields = one._asdict()  # type: ignore[attr-defined]
    return {"".join(part.capitalize() for part in name.split("_")): value for name, value in fields.items()}
