"""What a bridge is to be, and which addresses containers can have on it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import Invalid


def built_in_id(name: str) -> str:
    """The id of a network that is always there."""
    return name.encode().hex().ljust(64, "0")


class BridgeSettings(NamedTuple):
    """A network's bridge. `title` is the network's name; names of containers are known on those that were made only.

    `host` is the host's own address, "" for the first; `ip_range` where addresses are taken from, "" for the whole
    subnet; `binding` where ports are published that name no address; `mtu` 0 is that of the way out.
    """

    name: str = "capas0"
    subnet: str = "10.86.0.0/16"
    title: str = "bridge"
    id: str = built_in_id("bridge")
    host: str = ""
    ip_range: str = ""
    reserved: tuple[str, ...] = ()
    internal: bool = False
    masquerade: bool = True
    talking: bool = True  # its containers reach each other
    mtu: int = 0
    binding: str = ""

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The subnet."""
        return ipaddress.IPv4Network(self.subnet)

    @property
    def gateway(self) -> str:
        """The host's own address on it."""
        return self.host or str(self.network[1])

    @property
    def room(self) -> Iterator[ipaddress.IPv4Address]:
        """The addresses that containers are given, in order."""
        if not self.ip_range:
            return iter(self.network.hosts())
        ends = {self.network.network_address, self.network.broadcast_address}
        return (host for host in ipaddress.IPv4Network(self.ip_range) if host not in ends)

    @property
    def named(self) -> bool:
        """Whether its containers find each other by name: not on the default one, as docker's."""
        return self.title != "bridge"

    def check_address(self, address: str) -> None:
        """Raises: Invalid for one that no container can have here."""
        if not self.named:
            raise Invalid("user specified IP address is supported on user defined networks only")
        parsed, network = ipaddress.IPv4Address(address), self.network
        if parsed not in network or parsed in (network.network_address, network.broadcast_address):
            raise Invalid("invalid endpoint settings: no configured subnet contains IP address {address}",
                          address=address)  # fmt: skip


DEFAULT = BridgeSettings()
