"""What a pull or a push would move, leave on the disk and take, before anything moves."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

from capas.engine.lookup import get_named
from capas.engine.platforms import host_platform
from capas.engine.rates import Direction, find_rate
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.arrival import Here
from capas.registry.plan import Plan, plan_pull, plan_push

if TYPE_CHECKING:
    from capas.engine.engine import Engine

_USUAL_RATIO = 2.6  # of unpacked to packed bytes, where no layer is here to ask


class Forecast(NamedTuple):
    """A plan, and what follows from it. `rate` is None where nothing was measured yet.

    Units: bytes; `disk` is what would be taken of it, about, and `free` what is free now; `rate` is bytes a second.
    """

    plan: Plan
    disk: int
    free: int
    rate: int | None

    @property
    def seconds(self) -> float | None:
        """How long the bytes would take."""
        return None if self.rate is None else self.plan.transfer / self.rate


def forecast_pull(engine: Engine, name: str, platform: Platform | None) -> Forecast:
    """Raises: as a pull, up to the config."""
    reference = Reference.parse(name).with_default_tag()
    receiver = None if engine.settings.keep == "compressed" else engine.snapshotter
    here = Here(engine.store.blobs, engine.store.records, receiver)
    plan = plan_pull(engine.client.repository(reference), reference, here, platform or host_platform())
    return _forecast(engine, plan, "pull", _disk(engine, plan))


def forecast_push(engine: Engine, name: str) -> Forecast:
    """Raises: NotFound for a name that is not here; as a push, up to its first blob."""
    records = engine.store.records
    reference = get_named(records, name)
    repository = engine.client.repository(reference)
    plan = plan_push(repository, reference, engine.images.get_top(name), records.list_sources)
    return _forecast(engine, plan, "push", disk=0)


def _forecast(engine: Engine, plan: Plan, direction: Direction, disk: int) -> Forecast:
    root = engine.settings.root
    there = next(path for path in (root, *root.parents) if path.exists())
    return Forecast(plan, disk, shutil.disk_usage(there).free, find_rate(root, direction, plan.reference.domain))


def _disk(engine: Engine, plan: Plan) -> int:
    """Packed bytes as far as they are kept, and unpacked ones: by the ratio of the layers here where not known."""
    unpack = plan.unpack
    if unpack is None:
        unpack = round(plan.packed * _ratio(engine))
    spared = engine.settings.keep == "layer" and engine.layer_files is not None
    return unpack if spared else unpack + plan.transfer


def _ratio(engine: Engine) -> float:
    layers = list(engine.store.records.iter_layers())
    packed = sum(layer.size for layer in layers)
    return sum(layer.uncompressed_size for layer in layers) / packed if packed else _USUAL_RATIO
