"""The verbs about networks: the three that are always there, and bridges that somebody made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from capas.chance import token
from capas.clock import now_ns
from capas.engine.network_documents import BUILT_IN, describe, fits, known_networks
from capas.errors import Conflict, Denied
from capas.run.containers import Container
from capas.run.endpoint import Endpoint
from capas.run.network_options import PLAIN, NetworkRequest
from capas.run.networks import Network

if TYPE_CHECKING:
    from capas.engine.engine import Engine


class Networks:
    """`engine.networks`. A network is named by its name, its id, or the beginning of its id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, request: NetworkRequest = PLAIN) -> Network:
        """A bridge whose containers know each other by name. Raises: AlreadyExists; Invalid; Conflict; Exhausted."""
        return self._engine.containers.room.networks.create(name, request, id=token(), now_ns=now_ns())

    def connect(self, reference: str, container: str, endpoint: Endpoint | None = None) -> Container:
        """Connect a container to one more network, at once where it runs. `endpoint` is what it asks for there.

        Raises: NotFound; Conflict; Denied; Invalid; Exhausted.
        """
        from capas.run.joining import connect

        return connect(self._engine.containers.room, container, (endpoint or Endpoint(""))._replace(network=reference))

    def disconnect(self, reference: str, container: str, *, force: bool = False) -> Container:
        """Take a container from a network, at once where it runs. Raises: NotFound; Denied where it is not on it."""
        from capas.run.joining import disconnect

        return disconnect(self._engine.containers.room, container, reference, force=force)

    def list(self, *, filters: Sequence[str] = ()) -> Sequence[dict[str, Any]]:
        """docker's JSON fields of each that docker's filters leave. Raises: Invalid."""
        room = self._engine.containers.room
        running = [one for one in room.iterate() if one.running]
        found = [describe(one, running) for one in known_networks(room)]
        return [one for one in found if fits(one, filters)]

    def inspect(self, reference: str) -> dict[str, Any]:
        """docker's JSON fields. Raises: NotFound; Conflict."""
        room = self._engine.containers.room
        found = next((one for one in known_networks(room) if reference in (one.name, one.id)), None)
        network = found or room.networks.get(reference)
        return describe(network, [one for one in room.iterate() if one.running])

    def remove(self, reference: str) -> Network:
        """Remove one that somebody made. Raises: NotFound; Denied; Conflict while a container is on it."""
        room = self._engine.containers.room
        known = next((one for one in known_networks(room) if reference in (one.name, one.id)), None)
        if known is not None and known.name in BUILT_IN:
            raise Denied("{name} is a pre-defined network and cannot be removed", name=reference)
        network = room.networks.get(reference)
        users = [(one.record.name, one.record.id) for one in room.iterate()
                 if one.running and any(joined.network == network.name for joined in one.state.joined)]  # fmt: skip
        return room.networks.remove(network.name, users)

    def prune(self, *, filters: Sequence[str] = ()) -> Sequence[str]:
        """Remove those that no container is on; their names. Filters: docker's `until=` and `label=`."""
        from capas.engine.network_documents import prunable

        gone = []
        for network in prunable(self._engine.containers.room, filters, now_ns()):
            try:
                gone.append(self.remove(network.name).name)
            except Conflict:
                continue
        return gone
