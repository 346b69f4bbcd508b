"""What a container stands on: its image's id, layers and defaults, read without msgspec: `run` is in a hurry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from capas.engine.lookup import find_image
from capas.engine.platforms import host_platform
from capas.errors import Corrupt, Told
from capas.events import Report, Said, ignore
from capas.oci.digest import ChainID, DiffID, Digest, ImageID, chain_id
from capas.oci.platform import Platform
from capas.run.healthcheck import Check

if TYPE_CHECKING:
    from capas.engine.engine import Engine
    from capas.oci.config import Execution
    from capas.store.records import ImageRecord

_LONGEST = 4 * 1024 * 1024  # as every document (oci.document, which brings msgspec with it)


_CHECK = {
    "Interval": "interval", "Timeout": "timeout", "StartPeriod": "start_period", "StartInterval": "start_interval",
    "Retries": "retries",
}  # fmt: skip


class Defaults(NamedTuple):
    """What a container takes from an image's `config`: `oci.config.Execution`, read by the standard library."""

    user: str = ""
    exposed_ports: Mapping[str, object] | None = None
    env: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    volumes: Mapping[str, object] | None = None
    working_dir: str = ""
    labels: Mapping[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    healthcheck: Check | None = None


class Base(NamedTuple):
    """An image ready to be stood on. `parent` is None for an image without layers."""

    image_id: ImageID
    parent: ChainID | None
    execution: Execution


def get_base(
    engine: Engine, name: str, *, platform: Platform | None = None, pull: str = "missing", report: Report = ignore
) -> Base:
    """The image, pulled and unpacked where it is not yet (`pull`: "missing", "always", "never").

    Raises: NotFound; what a pull raises; Corrupt.
    """
    snapshotter = engine.snapshotter  # first of all: an ordinary user's namespace is entered before any thread starts
    if pull != "always":
        found = find_image(engine.store.records, name)
        if found and (platform is None or platform.runs(found.record.platform)):
            base = _ready(engine, found.record)
            if base.parent is None or _is_stacked(engine, base.parent):
                _warn_of_platform(found.record.platform, platform, report)
                return base
        if not found and pull == "missing":
            report(Said(Told("Unable to find image '{name}' locally", {"name": name})))
    from capas.snapshot.unpack import unpack

    image = engine.images.find_or_pull(name, platform=platform, pull=pull, report=report)
    unpack(image, snapshotter, report=report)
    record = engine.store.records.find_image(image.id)
    if record is None:
        raise Corrupt("image {image} was removed meanwhile", image=name, hint="try again")
    _warn_of_platform(record.platform, platform, report)
    return _ready(engine, record)


def read_config(engine: Engine, image_id: ImageID) -> dict[str, Any]:
    """The config document of an image as JSON values. Raises: NotFound; Corrupt."""
    with engine.store.blobs.open(image_id) as file:
        data = file.read(_LONGEST)
    if Digest.of(data) != image_id:
        raise Corrupt("the config of image {image} has other bytes: damaged or forged", image=image_id.short)
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise Corrupt("the config of image {image} is not a JSON object", image=image_id.short)
    return values


def _ready(engine: Engine, record: ImageRecord) -> Base:
    config = read_config(engine, record.image_id)
    try:
        diff_ids = [DiffID.parse(text) for text in (config.get("rootfs") or {}).get("diff_ids") or ()]
        defaults = _defaults(config.get("config") or {})
    except (TypeError, AttributeError, ValueError):
        raise Corrupt("the config of image {image} is not one of an image", image=record.image_id.short) from None
    # the run room reads nothing of an Execution but these members, by these names
    return Base(record.image_id, chain_id(diff_ids) if diff_ids else None, cast("Execution", defaults))


def _defaults(values: Mapping[str, Any]) -> Defaults:
    return Defaults(
        user=values.get("User") or "",
        exposed_ports=values.get("ExposedPorts"),
        env=_words(values.get("Env")),
        cmd=_words(values.get("Cmd")),
        entrypoint=_words(values.get("Entrypoint")),
        volumes=values.get("Volumes"),
        working_dir=values.get("WorkingDir") or "",
        labels=values.get("Labels"),
        stop_signal=values.get("StopSignal") or "",
        stop_timeout=values.get("StopTimeout"),
        healthcheck=_check(values.get("Healthcheck")),
    )


def _check(values: Mapping[str, Any] | None) -> Check | None:
    if not values:
        return None
    numbers = {field: int(values.get(name) or 0) for name, field in _CHECK.items()}
    return Check(_words(values.get("Test")) or (), **numbers)


def _words(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def _is_stacked(engine: Engine, parent: ChainID) -> bool:
    info = engine.snapshotter.stat(parent)
    return info is not None and info.kind == "committed"


def _warn_of_platform(found: Platform, wanted: Platform | None, report: Report) -> None:
    if wanted is None and not host_platform().runs(found):
        facts: dict[str, object] = {"found": found, "host": host_platform()}
        report(Said(Told("warning: the image is for {found} and this machine is {host}", facts)))
