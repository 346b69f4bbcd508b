"""The table of what the steps of an image cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from capas.cli.table import Column, Row, print_rows, spoken
from capas.language import Words
from capas.printable import human_size

if TYPE_CHECKING:
    from capas.engine.costs import StepCost

_COLUMNS = (
    Column("Seconds", "SECONDS"),
    Column("Cached", "CACHED"),
    Column("Size", "ADDED"),
    Column("Files", "FILES"),
    Column("Waste", "WASTED"),
    Column("CreatedBy", "STEP"),
)
_LONGEST_STEP = 45


def print_costs(
    costs: Sequence[StepCost], words: Words, *, format: str | None = None, human: bool = True, whole: bool = False
) -> None:
    """A row a step, in the order given; without a format a last one for all of them."""
    rows = [_row(cost, human=human, whole=whole) for cost in costs]
    if format is None:
        rows.append({
            "Seconds": f"{sum(cost.seconds or 0 for cost in costs):.1f}", "Cached": "",
            "Size": _bytes(sum(cost.size for cost in costs), human), "Files": str(sum(cost.files for cost in costs)),
            "Waste": _bytes(sum(cost.waste for cost in costs), human), "CreatedBy": "",
        })  # fmt: skip
    print_rows(rows, spoken(_COLUMNS, words), format)


def _row(cost: StepCost, *, human: bool, whole: bool) -> Row:
    step = cost.created_by if whole else " ".join(cost.created_by.split())
    return {
        "Seconds": "" if cost.seconds is None else f"{cost.seconds:.1f}",
        "Cached": "" if cost.cached is None else "yes" if cost.cached else "no",
        "Size": _bytes(cost.size, human),
        "Files": str(cost.files),
        "Waste": _bytes(cost.waste, human),
        "CreatedBy": step if whole or len(step) <= _LONGEST_STEP else step[: _LONGEST_STEP - 1] + "…",
    }


def _bytes(size: int, human: bool) -> str:
    return human_size(size) if human else str(size)
