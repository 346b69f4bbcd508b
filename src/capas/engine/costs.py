"""What the steps of an image cost: seconds where it was built here; bytes, files and waste from its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capas.image.contents import opened_tree
from capas.layer.waste import Weight, weigh
from capas.store.record import StepTime

if TYPE_CHECKING:
    from capas.engine.engine import Engine
    from capas.image.image import Image

_NOTHING = Weight(0, 0, 0)


class StepCost(NamedTuple):
    """One step. `seconds` (None: not known here) are of when it was done; `cached`: the last build found it done.

    Units: `size` and `waste` are bytes of files: what it adds, and what of that later steps delete or overwrite.
    """

    created_by: str
    seconds: float | None
    cached: bool | None
    size: int
    files: int
    waste: int


def list_costs(engine: Engine, image: Image) -> list[StepCost]:
    """A cost for every step of the history, oldest first. Raises: NotFound where a layer is not here; Corrupt."""
    folder = engine.settings.root / "cache" / "contents"
    with opened_tree(image, folder, engine.layer_files) as tree:
        weights = iter(weigh(tree, tree.bodies()))
    times = engine.store.records.list_times(image.id)
    unknown = len(image.history) - len(times)  # those of the base
    costs = []
    for number, step in enumerate(image.history):
        time = times[number - unknown] if number >= unknown else StepTime(None, None)
        weight = _NOTHING if step.empty_layer else next(weights, _NOTHING)
        costs.append(StepCost(step.created_by, *time, *weight))
    return costs
