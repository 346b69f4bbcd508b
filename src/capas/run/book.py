"""The names that a container can ask for: those of others on its networks, looked up afresh each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from capas.run.bridge import BridgeSettings
from capas.run.endpoint import Endpoint
from capas.run.leases import Lease, Leases
from capas.run.naming import resolvers
from capas.run.record import Record

Place = tuple[Endpoint, BridgeSettings]


class NetworkBook:
    """What a `Resolver` of this container knows."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._places: Sequence[Place] = ()
        self._turns = count()

    def tell(self, places: Sequence[Place]) -> None:
        """It is on these networks now."""
        self._places = places

    def find_addresses(self, name: str) -> Sequence[str]:
        """By name or alias, `name.network`, or one of the container's own links; in turn a different one first."""
        found = [lease.address for place, lease in self._others() if _fits(name, place, lease.names)]
        turn = next(self._turns) % len(found) if found else 0
        return found[turn:] + found[:turn]

    def find_name(self, address: str) -> str:
        """`name.network` of the container there, "" for none."""
        return next((f"{one.names[0]}.{bridge.title}" for (_, bridge), one in self._others()
                     if one.address == address and one.names), "")  # fmt: skip

    def upstream(self) -> Sequence[str]:
        """The host's resolvers, or those asked for; none where no network leads out."""
        if all(bridge.internal for _, bridge in self._places):
            return ()
        return self._record.spec.dns or resolvers()

    def _others(self) -> Iterator[tuple[Place, Lease]]:
        for place in self._places:
            if place[1].named:
                yield from ((place, lease) for lease in Leases(place[1]).list())


def _fits(name: str, place: Place, names: Sequence[str]) -> bool:
    endpoint, bridge = place
    known = [one.lower() for one in names]
    links = dict(_link(text) for text in endpoint.links)
    wanted = links.get(name, name)
    return wanted in known or any(wanted == f"{one}.{bridge.title.lower()}" for one in known)


def _link(text: str) -> tuple[str, str]:
    """(name, container) of a link."""
    container, _, name = text.partition(":")
    return (name or container).lower(), container.lower()
