"""Networks that somebody made: bridges of their own, whose containers know each other by name."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from capas.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound
from capas.run.network import MODES, BridgeSettings, remove_bridge
from capas.run.record import write_json
from capas.store.lock import locked

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", re.ASCII)
_POOL = ipaddress.IPv4Network("10.87.0.0/16")
_PREFIX = 24
_ENDING = ".json"
_TAKEN = frozenset({*MODES, "default"})


class Network(NamedTuple):
    """A network and its bridge. `subnet` is an IPv4 network; the host has its first address."""

    id: str
    name: str
    subnet: str
    created_ns: int = 0
    labels: Mapping[str, str] = {}

    @property
    def settings(self) -> BridgeSettings:
        """The bridge that its containers share."""
        return BridgeSettings(f"capn{self.id[:10]}", self.subnet, self.name)


class Networks:
    """The networks beneath `root`/networks."""

    def __init__(self, root: Path) -> None:
        self._root = root / "networks"

    def create(
        self, name: str, *, id: str, now_ns: int, subnet: str = "", labels: Mapping[str, str] | None = None
    ) -> Network:
        """A new network, in a free part of 10.87.0.0/16 unless told where. `id`: 64 hexadecimal digits.

        Raises: AlreadyExists; Invalid for a name or a subnet that cannot be; Conflict for one in use; Exhausted.
        """
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise Invalid("not a name for a network: {name!r}", name=name[:200])
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self._root / ".lock"):
            if self._path(name).exists():
                raise AlreadyExists("network with name {name} already exists", name=name)
            network = Network(id, name, self._choose(subnet), now_ns, dict(labels or {}))
            write_json(self._path(name), network._asdict())
        return network

    def find(self, reference: str) -> Network | None:
        """The network of this name, id, or beginning of one id. Raises: Conflict where several ids begin so."""
        known = self.list()
        named = [one for one in known if one.name == reference]
        found = named or [one for one in known if reference and one.id.startswith(reference)]
        if len(found) > 1:
            raise Conflict("{reference} is the beginning of several network ids", reference=reference)
        return found[0] if found else None

    def get(self, reference: str) -> Network:
        """The same. Raises: NotFound; Conflict."""
        found = self.find(reference)
        if found is None:
            raise NotFound("network {name} not found", name=reference[:200])
        return found

    def list(self) -> list[Network]:
        """Every one, by name."""
        try:
            names = sorted(name for name in os.listdir(self._root) if name.endswith(_ENDING) and name[0] != ".")
        except FileNotFoundError:
            return []
        return [one for one in map(self._read, names) if one is not None]

    def remove(self, reference: str, users: Sequence[str]) -> Network:
        """Remove it with its bridge. `users` are the containers that have it. Raises: NotFound; Conflict."""
        network = self.get(reference)
        if users:
            raise Conflict("network {name} is in use by {users}", name=network.name, users=", ".join(users),
                           hint="remove these containers first")  # fmt: skip
        self._path(network.name).unlink(missing_ok=True)
        remove_bridge(network.settings)
        return network

    def _choose(self, wanted: str) -> str:
        taken = [ipaddress.IPv4Network(one.subnet) for one in self.list()] + [BridgeSettings().network]
        if wanted:
            subnet = _parse(wanted)
            clash = next((one for one in taken if one.overlaps(subnet)), None)
            if clash is not None:
                raise Conflict("the subnet {subnet} overlaps with {other}, which is in use", subnet=subnet, other=clash)
            return str(subnet)
        for subnet in _POOL.subnets(new_prefix=_PREFIX):
            if not any(one.overlaps(subnet) for one in taken):
                return str(subnet)
        raise Exhausted("no subnet is left in {subnet}", subnet=str(_POOL))

    def _read(self, file: str) -> Network | None:
        try:
            return Network(**json.loads((self._root / file).read_text()))
        except (OSError, ValueError, TypeError):
            return None  # it goes away just now

    def _path(self, name: str) -> Path:
        return self._root / f"{name}{_ENDING}"


def _parse(text: str) -> ipaddress.IPv4Network:
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise Invalid("not a subnet: {text!r}: {why}", text=text[:100], why=str(error)) from None
    if subnet.num_addresses < 4:
        raise Invalid("the subnet {subnet} has no room for a container", subnet=str(subnet))
    return subnet
