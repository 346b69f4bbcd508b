"""The verbs about networks: the three that are always there, and bridges that somebody made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from capas.chance import token
from capas.clock import now_ns
from capas.errors import Conflict, Invalid
from capas.run.network import BridgeSettings
from capas.run.networks import Network
from capas.run.times import format_time

if TYPE_CHECKING:
    from capas.engine.container_summary import ContainerSummary
    from capas.engine.engine import Engine

_DRIVERS = {"bridge": "bridge", "host": "host", "none": "null"}
FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")


class Networks:
    """`engine.networks`. A network is named by its name, its id, or the beginning of its id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, *, subnet: str = "", labels: Mapping[str, str] | None = None) -> Network:
        """A bridge whose containers know each other by name. Raises: AlreadyExists; Invalid; Conflict; Exhausted."""
        room = self._engine.containers.room.networks
        return room.create(name, id=token(), now_ns=now_ns(), subnet=subnet, labels=labels)

    def list(self, *, filters: Sequence[str] = ()) -> Sequence[dict[str, Any]]:
        """docker's JSON fields of each that docker's filters leave. Raises: Invalid."""
        running = self._engine.containers.list()
        known = [*map(_built_in, _DRIVERS), *self._engine.containers.room.networks.list()]
        found = [_describe(one, running) for one in known]
        return [one for one in found if all(_fits(one, text) for text in filters)]

    def inspect(self, reference: str) -> dict[str, Any]:
        """docker's JSON fields. Raises: NotFound; Conflict."""
        built_in = next((one for one in map(_built_in, _DRIVERS) if reference in (one.name, one.id)), None)
        network = built_in or self._engine.containers.room.networks.get(reference)
        return _describe(network, self._engine.containers.list())

    def remove(self, reference: str) -> Network:
        """Remove one that somebody made. Raises: NotFound; Conflict while a container has it."""
        if any(reference in (one.name, one.id) for one in map(_built_in, _DRIVERS)):
            raise Conflict("{name} is a pre-defined network and cannot be removed", name=reference)
        room = self._engine.containers.room.networks
        network = room.get(reference)
        users = [one.name for one in self._engine.containers.list(every=True) if one.network == network.name]
        return room.remove(network.name, users)

    def prune(self) -> Sequence[str]:
        """Remove those that no container has; their names."""
        gone = []
        for network in self._engine.containers.room.networks.list():
            try:
                gone.append(self.remove(network.name).name)
            except Conflict:
                continue
        return gone


def _describe(network: Network, running: Sequence[ContainerSummary]) -> dict[str, Any]:
    members = [one for one in running if one.network == network.name]
    config = []
    if network.subnet:
        config = [{"Subnet": network.subnet, "Gateway": BridgeSettings(subnet=network.subnet).gateway}]
    return {
        "Name": network.name, "Id": network.id, "Created": format_time(network.created_ns), "Scope": "local",
        "Driver": _DRIVERS.get(network.name, "bridge"), "EnableIPv4": True, "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": {}, "Config": config}, "Internal": False, "Attachable": False,
        "Ingress": False, "ConfigFrom": {"Network": ""}, "ConfigOnly": False, "Options": {},
        "Containers": {one.id: {"Name": one.name, "EndpointID": one.id} for one in members},
        "Labels": dict(network.labels),
    }  # fmt: skip


def _built_in(name: str) -> Network:
    return Network(name.encode().hex().ljust(64, "0"), name, BridgeSettings().subnet if name == "bridge" else "")


def _fits(network: Mapping[str, Any], text: str) -> bool:
    key, equals, value = text.partition("=")
    if not equals or key not in FILTERS:
        raise Invalid("not a network filter: {filter!r}", filter=text[:200], hint="filters are: " + ", ".join(FILTERS))
    built_in = network["Name"] in _DRIVERS
    if key == "label":
        name, has_value, wanted = value.partition("=")
        return name in network["Labels"] and (not has_value or bool(network["Labels"][name] == wanted))
    answers: dict[str, bool] = {
        "name": value in network["Name"], "driver": value == network["Driver"], "scope": value == "local",
        "id": network["Id"].startswith(value), "type": built_in == (value == "builtin"),
        "dangling": (not built_in and not network["Containers"]) == (value in ("true", "1")),
    }  # fmt: skip
    return answers[key]
