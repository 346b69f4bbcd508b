"""What `capas pull --plan` and `capas push --plan` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from capas.cli.app import App
from capas.cli.table import Column, print_rows, spoken
from capas.cli.template_functions import to_json
from capas.printable import human_size

if TYPE_CHECKING:
    from capas.engine.planning import Forecast
    from capas.registry.plan import State

_COLUMNS = (
    Column("Kind", "PART"),
    Column("Digest", "DIGEST"),
    Column("Size", "SIZE"),
    Column("Transfer", "TO MOVE"),
    Column("State", "STATE"),
)


def print_forecast(app: App, forecast: Forecast, verb: Literal["pull", "push"], *, as_json: bool) -> None:
    """A row a part, then the sums; or one JSON document, in bytes and seconds."""
    if as_json:
        click.echo(to_json(_document(forecast)))
        return
    rows = [
        {
            "Kind": app.words(move.kind),
            "Digest": move.digest.short,
            "Size": human_size(move.size),
            "Transfer": human_size(move.transfer),
            "State": _state(app, move.state),
        }
        for move in forecast.plan.moves
    ]
    print_rows(rows, spoken(_COLUMNS, app.words))
    _say_sums(app, forecast, verb)


def _state(app: App, state: State) -> str:
    return {
        "missing": app.words("to move"),
        "partial": app.words("partly there"),
        "here": app.words("already there"),
        "awaited": app.words("on its way by another process"),
        "mounted": app.words("mounted from another repository"),
    }[state]


def _say_sums(app: App, forecast: Forecast, verb: Literal["pull", "push"]) -> None:
    plan = forecast.plan
    sizes = {"size": human_size(plan.transfer), "whole": human_size(sum(move.size for move in plan.moves))}
    if verb == "pull":
        app.say("To fetch: {size} of {whole}", **sizes)
        app.say(
            "Disk: about {disk} more, {free} are free", disk=human_size(forecast.disk), free=human_size(forecast.free)
        )
    else:
        app.say("To send: {size} of {whole}", **sizes)
    if forecast.rate is None or forecast.seconds is None:
        app.say(
            "Time: not known, nothing large has moved between here and {registry} yet", registry=plan.reference.domain
        )
        return
    app.say(
        "Time: about {seconds} s at {rate}/s, as earlier between here and {registry}",
        seconds=f"{forecast.seconds:.1f}", rate=human_size(forecast.rate), registry=plan.reference.domain,
    )  # fmt: skip


def _document(forecast: Forecast) -> dict[str, object]:
    plan = forecast.plan
    parts = [
        {"Kind": move.kind, "Digest": move.digest, "Size": move.size, "Transfer": move.transfer, "State": move.state}
        for move in plan.moves
    ]
    return {
        "Reference": str(plan.reference),
        "Transfer": plan.transfer,
        "Disk": forecast.disk,
        "Free": forecast.free,
        "Rate": forecast.rate,
        "Seconds": forecast.seconds,
        "Parts": parts,
    }
