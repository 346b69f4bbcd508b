"""What `container ls` lists: one row a container, filtered as docker filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from capas.clock import now_ns
from capas.engine.container_summary import ContainerSummary
from capas.engine.lookup import find_image
from capas.errors import CapasError
from capas.oci.digest import ImageID
from capas.run.containers import Container, Containers
from capas.run.health import read_health
from capas.run.inspection import describe_age, status_of
from capas.run.network_inspection import published

if TYPE_CHECKING:
    from capas.engine.engine import Engine


def list_containers(
    engine: Engine,
    containers: Containers,
    *,
    every: bool = False,
    limit: int | None = None,
    filters: Sequence[str] = (),
) -> list[ContainerSummary]:
    """Newest first: those that run; `every` one; the `limit` newest. Raises: Invalid for an unknown filter."""
    from capas.engine.container_filters import compile_filters

    if not (engine.settings.root / "containers").is_dir():  # an ordinary user's namespace is not entered for nothing
        return []
    now = now_ns()
    named = cache(partial(_image_name, engine))  # many containers of few images
    rows = [_row(named, containers, container, now) for container in containers.iterate()]
    chosen = compile_filters(filters, rows, engine)
    shown = [row for row in rows if (every or limit is not None or chosen.any_state or row.alive) and chosen.fits(row)]
    return shown if limit is None or limit < 0 else shown[:limit]


def _row(named: Callable[[str, str], str], containers: Containers, container: Container, now: int) -> ContainerSummary:
    record, state = container
    spec = record.spec
    return ContainerSummary(
        id=record.id,
        name=record.name,
        image=named(spec.image, record.image_id),
        image_id=ImageID(record.image_id),
        command=" ".join(f"'{word}'" if " " in word else word for word in spec.command),
        created_ns=record.created_ns,
        state=status_of(state),
        status=describe_age(container, now, _health(containers, container)),
        exit_code=state.exit_code,
        ports=tuple(published(state)) if container.running else (),
        exposed=tuple(text if "/" in text else f"{text}/tcp" for text in spec.exposed),
        labels=spec.labels,
        mounts=tuple(mount.source for mount in spec.mounts if mount.source),
        targets=tuple(mount.target for mount in spec.mounts),
        networks=tuple(one.network for one in spec.endpoints) or (state.network or spec.network or "default",),
        container=container,
    )


def _health(containers: Containers, container: Container) -> str:
    """What its check says of one that runs, empty where there is none."""
    if not container.running or not container.record.spec.check.runs:
        return ""
    found = read_health(containers.folder(container.record.id))
    return str(found["Status"]) if found else ""


def _image_name(engine: Engine, name: str, image_id: str) -> str:
    try:
        found = find_image(engine.store.records, name)
    except CapasError:
        found = None
    if found is not None and found.record.image_id == image_id:
        return name
    return ImageID(image_id).short if image_id else name
