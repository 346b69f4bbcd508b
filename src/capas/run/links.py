"""The host's interfaces: the bridges that containers are plugged into, and what the kernel calls links."""

from __future__ import annotations

from capas.run.bridge import BridgeSettings
from capas.run.cgroups import read_text
from capas.run.netlink import Netlink


def ensure_bridge(netlink: Netlink, bridge: BridgeSettings) -> int:
    """Its index; it is made where it is not there. Raises: OSError."""
    try:
        index = netlink.index(bridge.name)
    except OSError:
        netlink.add_bridge(bridge.name)
        index = netlink.index(bridge.name)
        netlink.set_up(index)
    netlink.set_group(index)
    try:
        netlink.add_address(index, bridge.gateway, bridge.network.prefixlen)
    except FileExistsError:
        pass
    return index


def remove_bridge(bridge: BridgeSettings) -> None:
    """Take the bridge of a network away. Idempotent."""
    delete_link(bridge.name)


def delete_link(name: str) -> None:
    """Remove an interface of the host. Idempotent."""
    netlink = Netlink()
    try:
        netlink.delete(name)
    except OSError:
        pass  # it went with its namespace
    finally:
        netlink.close()


def mtu_of(bridge: BridgeSettings) -> int:
    """What was asked for, or the MTU of the way out, so that large packets are not lost on it."""
    return bridge.mtu or _uplink_mtu()


def _uplink_mtu() -> int:
    for line in read_text("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 2 and fields[1] == "00000000":
            return int(read_text(f"/sys/class/net/{fields[0]}/mtu") or 1500)
    return 1500
