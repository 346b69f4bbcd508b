"""Running containers held still and let go on, and given other limits."""

from __future__ import annotations

from capas.errors import Conflict
from capas.run.cgroups import read_cgroups
from capas.run.containers import Container, Containers
from capas.run.control import Control
from capas.run.limits import Limits, check_limits, resources_of
from capas.run.policy import parse_policy
from capas.run.record import write_record, write_state


def pause(containers: Containers, reference: str) -> None:
    """Hold all its processes still. Raises: NotFound; Conflict where it does not run, or is held already."""
    container = containers.get(reference)
    if container.state.paused:
        raise Conflict("container {container} is already paused", container=container.record.name,
                       id=container.record.id)  # fmt: skip
    _freeze(containers, container, "pause")


def unpause(containers: Containers, reference: str) -> None:
    """Let it go on. Raises: NotFound; Conflict where it is not held."""
    container = containers.get(reference)
    if not container.state.paused:
        raise Conflict("container {container} is not paused", container=container.record.name, id=container.record.id)
    _freeze(containers, container, "resume")


def update(containers: Containers, reference: str, limits: Limits, restart: str = "") -> None:
    """Other limits, for the processes that run and for the next start, and another restart policy ("" for the same).

    Raises: NotFound; Invalid; Conflict for a policy of one that is removed at its end; Unsupported.
    """
    container = containers.get(reference)
    before = container.record.spec
    if restart and parse_policy(restart).name != "no" and before.auto_remove:
        raise Conflict("container {container} is removed at its end: it has no restart policy",
                       container=container.record.name)  # fmt: skip
    if limits != before.limits:
        check_limits(limits, read_cgroups())
        if container.running:
            _ask(containers, container, {"do": "update", "resources": resources_of(limits)})
    spec = before._replace(limits=limits, restart=restart or before.restart)
    write_record(containers.folder(container.record.id), container.record._replace(spec=spec))


def _freeze(containers: Containers, container: Container, verb: str) -> None:
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name, id=container.record.id)
    _ask(containers, container, {"do": verb})
    write_state(containers.folder(container.record.id), container.state._replace(paused=verb == "pause"))


def _ask(containers: Containers, container: Container, request: dict[str, object]) -> None:
    with Control(containers.live(container.record.id), container.record.name) as control:
        control.ask(request)
