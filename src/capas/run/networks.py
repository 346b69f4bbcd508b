"""Networks that somebody made: bridges of their own, whose containers know each other by name."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from capas.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound, Unsupported
from capas.run.bridge import DEFAULT, BridgeSettings
from capas.run.cgroups import read_text
from capas.run.leases import Leases, one_at_a_time
from capas.run.network import MODES, SHARED, is_root
from capas.run.network_options import PLAIN, NetworkRequest, check_request, parse_subnet, settings_of
from capas.run.record import write_json
from capas.store.lock import locked

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", re.ASCII)
_ENDING = ".json"
_TAKEN = frozenset({*MODES, "default"})
Pool = tuple[str, int]  # where subnets are taken from, and the length of their prefix
POOLS: tuple[Pool, ...] = (("10.87.0.0/16", 24), ("10.88.0.0/14", 20))


class Network(NamedTuple):
    """A network as it was asked for, and the subnet that it got."""

    id: str
    name: str
    subnet: str
    created_ns: int = 0
    request: NetworkRequest = PLAIN

    @property
    def settings(self) -> BridgeSettings:
        """The bridge that its containers share."""
        plain = BridgeSettings(f"capn{self.id[:10]}", self.subnet, self.name, self.id)
        return settings_of(self.request, plain)


class Networks:
    """The networks beneath `root`/networks. `default` is the bridge of those who ask for none."""

    def __init__(self, root: Path, *, default: BridgeSettings = DEFAULT, pools: Sequence[Pool] = POOLS) -> None:
        self._root, self._default, self._pools = root / "networks", default, pools

    def create(
        self, name: str, request: NetworkRequest = PLAIN, *, id: str, now_ns: int, build: bool = True
    ) -> Network:
        """A new network, in a free part of the pools unless told where. `id`: 64 hexadecimal digits.

        `build` its bridge on the host, at once: others see there that its subnet is taken.
        Raises: AlreadyExists; Invalid for what cannot be; Unsupported for what Capas has not; Conflict; Exhausted.
        """
        if not _NAME.fullmatch(name) or name in _TAKEN or name.startswith(SHARED):
            raise Invalid("not a name for a network: {name!r}", name=name[:200])
        check_request(request)
        if build and not is_root():
            raise Unsupported("a bridge network needs root", hint="use --network=host or none")
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self._root / ".lock"), one_at_a_time() if build else nullcontext():
            if self._path(name).exists():
                raise AlreadyExists("network with name {name} already exists", name=name)
            network = Network(id, name, self._choose(request.subnet), now_ns, request)
            self._check_bridge(network)
            if build:
                _build(network)
            write_json(self._path(name), network._asdict() | {"request": request._asdict()})
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

    def bridge_of(self, network: str) -> BridgeSettings:
        """The bridge of a network: that which was made under this name, or the default one. Raises: NotFound."""
        if network in ("bridge", "default", "private", self._default.id):
            return self._default
        return self.get(network).settings

    def list(self) -> list[Network]:
        """Every one, by name."""
        try:
            names = sorted(name for name in os.listdir(self._root) if name.endswith(_ENDING) and name[0] != ".")
        except FileNotFoundError:
            return []
        return [one for one in map(self._read, names) if one is not None]

    def remove(self, reference: str, users: Sequence[tuple[str, str]] = ()) -> Network:
        """Remove it with its bridge. `users`: (name, id) of those who are on it. Raises: NotFound; Conflict."""
        network = self.get(reference)
        if users:
            shown = ", ".join(f'name:"{name}" id:"{id[:12]}"' for name, id in users)
            raise Conflict("error while removing network: network {name} has active endpoints ({users})",
                           name=network.name, users=shown)  # fmt: skip
        if is_root():
            _take_down(network)
        self._path(network.name).unlink(missing_ok=True)
        return network

    def _choose(self, wanted: str) -> str:
        taken = [ipaddress.IPv4Network(one.subnet) for one in self.list()] + [self._default.network]
        if wanted:
            subnet = parse_subnet(wanted)
            clash = next((one for one in taken if one.overlaps(subnet)), None)
            if clash is not None:
                raise Conflict("invalid pool request: Pool overlaps with other one on this address space",
                               subnet=subnet, other=clash, hint="{subnet} overlaps with {other}")  # fmt: skip
            return str(subnet)
        taken += _routed()
        for base, prefix in self._pools:
            for subnet in ipaddress.IPv4Network(base).subnets(new_prefix=prefix):
                if not any(one.overlaps(subnet) for one in taken):
                    return str(subnet)
        raise Exhausted("all predefined address pools have been fully subnetted",
                        hint="give a --subnet, or set network.pools in the settings")  # fmt: skip

    def _check_bridge(self, network: Network) -> None:
        wanted = network.settings.name
        if any(wanted == other.name for other in (self._default, *(one.settings for one in self.list()))):
            raise Conflict("bridge name {bridge} is used by another network already", bridge=wanted)

    def _read(self, file: str) -> Network | None:
        try:
            values = json.loads((self._root / file).read_text())
            return Network(**{**values, "request": NetworkRequest(**values["request"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None  # it goes away just now

    def _path(self, name: str) -> Path:
        return self._root / f"{name}{_ENDING}"


def _routed() -> Iterator[ipaddress.IPv4Network]:
    """Where the host sends packets already; its default route is not among it."""
    for line in read_text("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] != "00000000":
            address, mask = (int.from_bytes(bytes.fromhex(field), "little") for field in (fields[1], fields[7]))
            yield ipaddress.IPv4Network((address, mask.bit_count()), strict=False)


def _build(network: Network) -> None:
    from capas.run.links import ensure_bridge, remove_bridge
    from capas.run.netlink import Netlink

    bridge = network.settings
    if Path(f"/sys/class/net/{bridge.name}").exists():
        raise Conflict("the interface {name} is there already", name=bridge.name)
    netlink = Netlink()
    try:
        ensure_bridge(netlink, bridge)
    except OSError as error:
        remove_bridge(bridge)
        raise Unsupported("cannot make the network's bridge: {error}", error=error.strerror or str(error)) from None
    finally:
        netlink.close()


def _take_down(network: Network) -> None:
    from capas.run.firewall import Firewall
    from capas.run.links import remove_bridge

    leases = Leases(network.settings)
    with leases.locked():  # nobody plugs into it meanwhile
        if leases.list():
            raise Conflict("network {name} is in use by a container that starts", name=network.name)
        Firewall().close(network.settings)
        remove_bridge(network.settings)
        leases.forget()
