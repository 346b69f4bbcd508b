"""A container's changes become a layer: `commit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from capas.engine.changes import change_execution
from capas.engine.keeping import settle
from capas.engine.lookup import get_image
from capas.engine.platforms import host_platform
from capas.engine.times import creation_time
from capas.errors import NotFound
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.record import record_image
from capas.layer.create import NewLayer
from capas.oci.config import Config, Execution, History, RootFS
from capas.oci.digest import ImageID
from capas.reference import Reference
from capas.run.changes import commit
from capas.run.record import Record
from capas.store.records import LayerRecord

if TYPE_CHECKING:
    from capas.engine.engine import Engine

_EMPTY_TAR = 1024


def commit_container(
    engine: Engine,
    container: str,
    name: str | None,
    *,
    author: str = "",
    message: str = "",
    changes: Sequence[str] = (),
) -> Image:
    """The image of a container as it is now, which may run meanwhile. Its own options become the image's defaults.

    Raises: NotFound where the container or its image is gone; Invalid for a name or a change that cannot be.
    """
    reference = Reference.parse(name).with_default_tag() if name else None
    record = engine.containers.get(container).record
    base = _base_image(engine, record)
    execution = change_execution(_execution(record, base.config.execution if base else Execution()), changes)
    epoch = engine.settings.source_date_epoch
    created = creation_time(engine.settings)
    step = History(created=created, created_by=" ".join(record.spec.command), author=author, comment=message)
    clamp_ns = None if epoch is None else epoch * 10**9
    store = engine.store
    with store.lease() as lease:
        done = commit(engine.containers.room, record.id, lease.blobs, engine.layer_files, clamp_ns=clamp_ns)
        found = done.layer.descriptor
        store.records.put_layer(
            LayerRecord(done.layer.diff_id, found.digest, found.media_type, found.size, done.layer.uncompressed_size)
        )
        config = _config(base, execution, step, done.layer)
        layers = (*(base.manifest.layers if base else ()), *(() if config.steps[-1].empty_layer else (found,)))
        image = assemble(lease.blobs, config, layers)
        record_image(store, image, reference=reference, parent=base.id if base else None)
    settle(engine, image)
    return image


def _base_image(engine: Engine, record: Record) -> Image | None:
    if not record.image_id:
        return None
    try:
        return engine.images.open(get_image(engine.store.records, record.image_id).record)
    except NotFound:
        raise NotFound(
            "the image of container {container} is not here any more: {image}",
            container=record.name,
            image=ImageID(record.image_id).short,
            hint="pull it again, or use `capas export`",
        ) from None


def _execution(record: Record, base: Execution) -> Execution:
    """The image's `config` with what the container was told to do otherwise."""
    spec = record.spec
    stop_signal = spec.stop_signal or ""
    return msgspec.structs.replace(
        base,
        user=spec.user or "",
        env=tuple(f"{key}={value}" for key, value in spec.env.items()) or None,
        cmd=spec.args or None,
        entrypoint=spec.entrypoint or None,
        working_dir="" if spec.workdir == "/" and not base.working_dir else spec.workdir or "",
        exposed_ports={port if "/" in port else f"{port}/tcp": {} for port in spec.exposed} or None,
        labels=dict(spec.labels) or None,
        stop_signal=base.stop_signal if stop_signal == "SIGTERM" and not base.stop_signal else stop_signal,
        stop_timeout=spec.stop_timeout,
    )


def _config(base: Image | None, execution: Execution, step: History, layer: NewLayer) -> Config:
    before = base.config if base else _blank()
    empty = layer.uncompressed_size <= _EMPTY_TAR
    diff_ids = before.rootfs.diff_ids if empty else (*before.rootfs.diff_ids, layer.diff_id)
    return msgspec.structs.replace(
        before,
        created=step.created,
        author=step.author or before.author,
        config=execution,
        rootfs=RootFS(diff_ids=diff_ids),
        history=(*before.steps, msgspec.structs.replace(step, empty_layer=empty)),
    )


def _blank() -> Config:
    platform = host_platform()
    return Config(architecture=platform.architecture, variant=platform.variant, os=platform.os)
