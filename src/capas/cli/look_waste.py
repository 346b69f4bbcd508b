"""`capas image waste`: the bytes of an image that are of no use, and the lines that would save them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import platform_option
from capas.cli.table import Column, print_rows, spoken
from capas.errors import Invalid
from capas.language import count_of
from capas.oci.platform import Platform
from capas.printable import human_size, printable, shortened, shown_name

if TYPE_CHECKING:
    from capas.cli.causes import Words
    from capas.look.mending import Mend
    from capas.look.waste import Waste, Why

_MOST = 10
_LONGEST_STEP = 60
_LIMIT = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)\s*(%|[kMGT]?B?)", re.ASCII)
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_STEPS = (
    Column("Layer", "LAYER"), Column("Size", "ADDED"), Column("Lost", "LOST"), Column("Left", "LEFT OVER"),
    Column("Hides", "HIDES"), Column("Step", "STEP"),
)  # fmt: skip


@click.command(cls=Command, help="Show what later layers hide, tools left behind, and is there twice; and the mend")
@click.argument("image")
@click.option("--fail-above", metavar="LIMIT", help="Leave with 1 if more is wasted: 5% of all bytes, or 20MB")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", help="For people, or all of it as JSON")
@platform_option
@pass_app
def waste(app: App, /, *, image: str, fail_above: str | None, format: str, platform: Platform | None) -> int:
    """The exit code says whether it is too much."""
    from capas.look.mending import list_mends

    limit = None if fail_above is None else _parse_limit(fail_above)
    with app.progress() as report:
        found = app.engine.look.waste(image, platform=platform, report=report)
    if format == "json":
        _print_json(found, list_mends(found))
    else:
        _Page(app, found).print(list_mends(found))
    if limit is None or found.wasted <= limit[0] + limit[1] * found.size:
        return 0
    app.warn("{size} are wasted, which is more than {limit}", size=human_size(found.wasted), limit=fail_above)
    return 1


def _parse_limit(text: str) -> tuple[float, float]:
    """The limit as bytes, and as a share of all bytes. Raises: Invalid."""
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise Invalid("--fail-above {text!r}: this is no limit", text=text[:100], hint="as 5% or 20MB")
    number = float(match[1])
    return (0, number / 100) if match[2] == "%" else (number * _UNITS[match[2].rstrip("B")], 0)


class _Page:
    """What a person reads."""

    def __init__(self, app: App, found: Waste) -> None:
        self._app, self._found = app, found

    def print(self, mends: Sequence[Mend]) -> None:
        found = self._found
        self._app.say(
            "Efficiency: {percent}: of {size} in {layers}, {lost} are hidden by later layers, {left} left over",
            percent=f"{found.efficiency:.1%}", size=human_size(found.size),
            layers=count_of("{count} layer", "{count} layers", len(found.steps)),
            lost=human_size(found.lost), left=human_size(found.left),
        )  # fmt: skip
        click.echo("")
        self._steps()
        lost = Counter[tuple[object, ...]]()
        for one in found.losses:
            lost[_say_why(one.why, self._app.words), f"{one.layer} → {one.by}", shown_name(one.root)] += one.size
        self._list(self._app.words("Hidden by later layers"), lost.most_common())
        left = Counter[tuple[object, ...]]()
        for other in found.leftovers:
            left[str(other.layer), _say_kind(other.kind, self._app.words)] += other.size
        self._list(self._app.words("Left over"), left.most_common())
        self._list(self._app.words("There more than once (not counted above)"), [
            ((f"{len(one.paths)} ×", *map(shown_name, one.paths[:2])), one.wasted) for one in found.duplicates
        ])  # fmt: skip
        self._mends(mends)

    def _steps(self) -> None:
        rows = [
            {
                "Layer": str(one.layer), "Size": human_size(one.size), "Lost": human_size(one.lost),
                "Left": human_size(one.left), "Hides": human_size(one.hides),
                "Step": shortened(one.step.words, _LONGEST_STEP),
            }
            for one in self._found.steps
        ]  # fmt: skip
        print_rows(rows, spoken(_STEPS, self._app.words))

    def _list(self, title: str, items: Sequence[tuple[Iterable[object], int]]) -> None:
        items = [item for item in items if item[1]]
        if not items:
            return
        click.echo(f"\n{title}")
        for words, size in items[:_MOST]:
            click.echo(f"  {human_size(size):>7}  " + "  ".join(map(str, words)))
        if len(items) > _MOST:
            rest = sum(size for _, size in items[_MOST:])
            click.echo("  " + self._app.words("and {count} more, of {size}", count=len(items) - _MOST,
                                              size=human_size(rest)))  # fmt: skip

    def _mends(self, mends: Sequence[Mend]) -> None:
        if mends:
            click.echo("")
            self._app.say("What would save it")
        for mend in mends[:_MOST]:
            click.echo(f"  {_say_how(mend, self._app.words)}")
            for line in mend.line.split("\n"):
                click.echo(f"      {printable(line)}")
            if mend.check:
                click.echo(f"    {_say_check(mend, self._app.words)}")
            for step in mend.check:
                click.echo(f"      {shortened(step, _LONGEST_STEP)}")


def _say_why(why: Why, words: Words) -> str:
    return {"deleted": words("deleted"), "overwritten": words("overwritten"), "repeated": words("repeated")}[why]


def _say_kind(kind: str, words: Words) -> str:
    """The names of tools are the same in all languages."""
    known = {"logs": words("logs"), "temporary files": words("temporary files"), "apt lists": words("apt lists")}
    tool, _, _ = kind.rpartition(" ")
    return known.get(kind) or (words("{tool} cache", tool=tool) if kind.endswith(" cache") else kind)


def _say_check(mend: Mend, words: Words) -> str:
    """What only the author knows."""
    if mend.how == "join":
        return words("but only if none of these needs what one of the two makes, nor one of the two what these do:")
    return words("but only if none of these needs it:")


def _say_how(mend: Mend, words: Words) -> str:
    facts = {"layer": mend.layer, "by": mend.by}
    said = {
        "clean": words("remove in layer {layer} what its tools leave", **facts),
        "join": words(
            "join layers {layer} to {by}: the last one takes away what the first one brought"
            if mend.by > mend.layer + 1 and not mend.check
            else "join layers {layer} and {by}: the later one takes away what the earlier one brought",
            **facts,
        ),
        "bind": words("show the file to layer {by} instead of copying it in layer {layer}", **facts),
        "flag": words("give the files of layer {layer} their mode or owner as they are copied", **facts),
        "ignore": words("leave it out of the context of layer {layer}, in .dockerignore", **facts),
        "drop": words("leave out in layer {layer} what layer {by} takes away", **facts),
    }[mend.how]
    return words("{change}, which saves {size}:", change=said, size=human_size(mend.saves))


def _print_json(found: Waste, mends: Sequence[Mend]) -> None:
    """All of it, in ASCII: names that are no UTF-8 have surrogates, as `os.fsdecode` gives them."""
    import json

    steps = [
        {"Layer": one.layer, "Step": one.step.words, "Size": one.size,
         "Lost": one.lost, "Left": one.left, "Hides": one.hides}
        for one in found.steps
    ]  # fmt: skip
    document = {
        "Size": found.size, "Wasted": found.wasted, "Lost": found.lost, "Left": found.left,
        "Duplicated": sum(one.wasted for one in found.duplicates), "Efficiency": found.efficiency, "Steps": steps,
        "Losses": [_titled(one) for one in found.losses], "Leftovers": [_titled(one) for one in found.leftovers],
        "Duplicates": [_titled(one) for one in found.duplicates], "Mends": [_titled(one) for one in mends],
    }  # fmt: skip
    click.echo(json.dumps(document, indent=2))


def _titled(one: tuple[object, ...]) -> dict[str, object]:
    return {name.capitalize(): value for name, value in one._asdict().items()}  # type: ignore[attr-defined]
