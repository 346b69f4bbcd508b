"""Joining a running container: its streams with one more client, and its terminal's size."""

from __future__ import annotations

from capas.errors import Conflict
from capas.run.containers import Container, Containers
from capas.run.control import Control
from capas.run.streams import Attached


def attach(containers: Containers, reference: str, attached: Attached) -> None:
    """Join its streams with these descriptors, of which its keeper gets copies. What came before is not seen.

    Raises: NotFound; Conflict where it does not run.
    """
    container = _running(containers, reference)
    given = {name: fd for name, fd in attached._asdict().items() if fd is not None}
    with Control(containers.live(container.record.id), container.record.name) as control:
        control.ask({"do": "attach", "streams": list(given)}, list(given.values()))


def resize(containers: Containers, reference: str, rows: int, columns: int) -> None:
    """Give its terminal another size. Raises: NotFound; Conflict where it does not run."""
    container = _running(containers, reference)
    with Control(containers.live(container.record.id), container.record.name) as control:
        control.ask({"do": "resize", "rows": rows, "columns": columns})


def _running(containers: Containers, reference: str) -> Container:
    container = containers.get(reference)
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name, id=container.record.id)
    return container
