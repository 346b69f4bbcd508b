"""A container plugged into one network: an address of it, and an interface in the container's namespace."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from capas.run.bridge import BridgeSettings
from capas.run.endpoint import Endpoint, Joined, endpoint_id
from capas.run.firewall import Firewall
from capas.run.leases import Leases
from capas.run.links import delete_link, ensure_bridge, mtu_of
from capas.run.netlink import Netlink, format_mac, mac_of
from capas.run.record import Record, names_of


class Namespace(NamedTuple):
    """A container's network namespace: a descriptor of it, what speaks to it, and the host's packet filter.

    `live` is the directory that the container has while it runs.
    """

    fd: int
    inside: Netlink
    firewall: Firewall
    live: Path


class Plug:
    """One interface, `eth<number>`, until it is pulled. Raises: OSError."""

    def __init__(
        self, record: Record, endpoint: Endpoint, bridge: BridgeSettings, number: int, namespace: Namespace
    ) -> None:
        self.bridge, self.endpoint = bridge, endpoint
        self._namespace, self._leases, self._outer = namespace, Leases(bridge), outer_name(record.id, f"eth{number}")
        names = names_of(record, endpoint)
        lease = self._leases.take(namespace.live, names if bridge.named else (), endpoint.address)
        mac = endpoint.mac or format_mac(mac_of(lease.address))
        self.joined = Joined(
            bridge.title, bridge.id, bridge.name, endpoint_id(record.id, bridge.id), f"eth{number}", lease.address,
            bridge.network.prefixlen, "" if bridge.internal else bridge.gateway, mac, names,
        )  # fmt: skip
        try:
            self._plug_in()
        except BaseException:
            self.pull()
            raise

    @property
    def rank(self) -> tuple[int, str]:
        """Of those that lead out, the one with the smallest rank has the default route."""
        return -self.endpoint.priority, self.bridge.title

    def pull(self) -> None:
        """Take the interface away and give the address back. Idempotent."""
        delete_link(self._outer)
        self.forget()

    def forget(self) -> None:
        """Give the address back; the interface goes with its namespace, without anybody waiting for it. Idempotent."""
        self._leases.drop(self._namespace.live)

    def _plug_in(self) -> None:
        outer, inside = Netlink(), self._namespace.inside
        try:
            with self._leases.locked():
                bridge = ensure_bridge(outer, self.bridge)
                self._namespace.firewall.open(self.bridge)
            self._add_pair(outer, bridge)
            index = inside.index(self.joined.interface)
            inside.add_address(index, self.joined.address, self.joined.prefix)
            inside.set_up(index)
            outer.open_port(outer.index(self._outer), isolated=not self.bridge.talking)
        finally:
            outer.close()

    def _add_pair(self, outer: Netlink, bridge: int) -> None:
        namespace = self._namespace.fd
        mac, mtu = bytes.fromhex(self.joined.mac.replace(":", "")), mtu_of(self.bridge)
        try:
            outer.add_veth(self._outer, self.joined.interface, namespace, mac=mac, mtu=mtu, master=bridge)
        except FileExistsError:  # that of its last start, which the kernel has not cleared up yet
            delete_link(self._outer)
            outer.add_veth(self._outer, self.joined.interface, namespace, mac=mac, mtu=mtu, master=bridge)


def outer_name(container_id: str, interface: str) -> str:
    """The host's end of a container's interface. A name of one has 15 characters at most."""
    return f"v{interface.removeprefix('eth')}{container_id[:12]}"
