"""A container plugged into one network: an address of it, and an interface in the container's namespace."""

from __future__ import annotations

from pathlib import Path

from capas.run.bridge import BridgeSettings, delete_link, ensure_bridge, mtu_of
from capas.run.endpoint import Endpoint, Joined, endpoint_id
from capas.run.leases import Leases
from capas.run.netlink import Netlink, format_mac, mac_of
from capas.run.record import Record


class Plug:
    """One interface, until it is pulled. `namespace` is a descriptor, `inside` speaks to it.

    `live` is the directory that the container has while it runs. Raises: OSError.
    """

    def __init__(
        self, record: Record, endpoint: Endpoint, bridge: BridgeSettings, number: int,
        *, live: Path, namespace: int, inside: Netlink,
    ) -> None:  # fmt: skip
        self.bridge, self.endpoint = bridge, endpoint
        self._live, self._leases, self._inside = live, Leases(bridge), inside
        self._outer = f"v{number}{record.short}"  # an interface's name has 15 characters at most
        names = names_of(record, endpoint)
        lease = self._leases.take(live, names if bridge.named else (), endpoint.address)
        mac = endpoint.mac or format_mac(mac_of(lease.address))
        self.joined = Joined(
            bridge.title, bridge.id, bridge.name, endpoint_id(record.id, bridge.id), f"eth{number}", lease.address,
            bridge.network.prefixlen, "" if bridge.internal else bridge.gateway, mac, names,
        )  # fmt: skip
        try:
            self._plug_in(namespace)
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
        self._leases.drop(self._live)

    def _plug_in(self, namespace: int) -> None:
        outer = Netlink()
        try:
            with self._leases.locked():
                bridge = ensure_bridge(outer, self.bridge)
            self._add_pair(outer, bridge, namespace)
            if not self.bridge.talking:
                outer.isolate_port(outer.index(self._outer))
        finally:
            outer.close()
        index = self._inside.index(self.joined.interface)
        self._inside.add_address(index, self.joined.address, self.joined.prefix)
        self._inside.set_up(index)

    def _add_pair(self, outer: Netlink, bridge: int, namespace: int) -> None:
        mac, mtu = bytes.fromhex(self.joined.mac.replace(":", "")), mtu_of(self.bridge)
        try:
            outer.add_veth(self._outer, self.joined.interface, namespace, mac=mac, mtu=mtu, master=bridge)
        except FileExistsError:  # that of its last start, which the kernel has not cleared up yet
            delete_link(self._outer)
            outer.add_veth(self._outer, self.joined.interface, namespace, mac=mac, mtu=mtu, master=bridge)


def names_of(record: Record, endpoint: Endpoint) -> tuple[str, ...]:
    """The names by which others on the network find a container, docker's `DNSNames`."""
    return tuple(dict.fromkeys((record.name, *endpoint.aliases, record.short, record.hostname)))
