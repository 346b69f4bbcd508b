"""The networks of a running container, changed by its keeper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from capas.run.bridge import BridgeSettings
from capas.run.connection import Connection
from capas.run.endpoint import load_endpoint
from capas.run.record import read_state, write_state


class Membership:
    """Joins and leaves for those who ask the keeper, and writes down how it is then."""

    def __init__(self, connection: Connection, find_bridge: Callable[[str], BridgeSettings], folder: Path) -> None:
        self._connection, self._find_bridge, self._folder = connection, find_bridge, folder

    def change(self, verb: str, values: Mapping[str, Any]) -> None:
        """`join` one network more, or `leave` one: that of an `Endpoint` with these values.

        Raises: NotFound; Conflict; Invalid; Exhausted.
        """
        endpoint = load_endpoint(values)
        if verb == "join":
            self._connection.join(endpoint, self._find_bridge(endpoint.network))
        else:
            self._connection.leave(endpoint.network)
        state = read_state(self._folder)
        if state.status == "running":
            write_state(self._folder, state._replace(**self._connection.facts()))
