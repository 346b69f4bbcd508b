"""Networks: the host's, none, and as root a bridge with an address for each container."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from capas.errors import CapasError, Exhausted, Unsupported
from capas.run.cgroups import read_text
from capas.run.claims import is_held
from capas.run.firewall import Firewall
from capas.run.netlink import Netlink, format_mac, mac_of
from capas.run.peers import Lease, forget, introduced, list_leases, locked_leases, write_lease
from capas.run.ports import Port, parse_exposed
from capas.run.proxy import Proxy
from capas.run.record import Record
from capas.snapshot.namespaces import in_thread
from capas.snapshot.syscalls import unshare

_CLONE_NEWNET = 0x40000000
MODES = ("host", "none", "bridge")


class BridgeSettings(NamedTuple):
    """The bridge that the containers of a network share. Those of the default one do not know each other's names."""

    name: str = "capas0"
    subnet: str = "10.86.0.0/16"
    title: str = "bridge"

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The subnet."""
        return ipaddress.IPv4Network(self.subnet)

    @property
    def gateway(self) -> str:
        """The host's own address on it."""
        return str(self.network[1])


class Connection:
    """How a container is connected. `namespace` is "host", "none" or the path of a network namespace."""

    namespace = "none"
    address = ""
    gateway = ""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def facts(self) -> dict[str, Any]:
        """What its state remembers."""
        return {"network": self.namespace}

    @contextmanager
    def introduced(self) -> Iterator[list[tuple[str, str]]]:
        """Others on its network as (name, address), while nobody comes or goes: in the block hosts is written."""
        yield []

    def close(self) -> None:
        """Leave nothing of it. Idempotent."""


class BridgeConnection(Connection):
    """A container on the bridge."""

    def __init__(self, record: Record, leases: Path, bridge: BridgeSettings) -> None:
        super().__init__(bridge.title)
        self._key, self._leases, self._bridge = record.short, leases, bridge
        self._live = leases.parent.parent / "containers"
        self.gateway = bridge.gateway
        self._firewall = Firewall()
        self._proxy: Proxy | None = None
        self._namespace = -1
        self._lease = _take_lease(leases, record, bridge)
        self.address = self._lease.address
        try:
            self._connect()
            self._publish(record)
        except BaseException:
            self.close()
            raise

    def facts(self) -> dict[str, Any]:
        ports = tuple(tuple(port) for port in self._ports)
        return {"network": self._bridge.title, "address": self.address, "gateway": self.gateway, "ports": ports,
                "prefix": self._bridge.network.prefixlen, "mac": format_mac(mac_of(self.address))}  # fmt: skip

    def close(self) -> None:
        if self._proxy is not None:
            self._firewall.close(self._key, self.address, self._ports)
            self._proxy.close()
            self._proxy = None
        if self._namespace >= 0:
            os.close(self._namespace)  # the link goes with its namespace, without anybody waiting for it
            self._namespace = -1
        forget(self._leases, self._live, self._lease)

    @contextmanager
    def introduced(self) -> Iterator[list[tuple[str, str]]]:
        """Those of the same network by name; the default one's do not know each other, as docker's."""
        if not self._lease.names:
            yield []
            return
        with introduced(self._leases, self._live, self._lease) as others:
            yield others

    @property
    def _ports(self) -> list[Port]:
        return self._proxy.ports if self._proxy is not None else []

    def _connect(self) -> None:
        try:
            self._namespace, inner = in_thread(_new_namespace)
            self.namespace = f"/proc/{os.getpid()}/fd/{self._namespace}"
            outer = Netlink()
            try:
                with locked_leases(self._leases):
                    bridge = _ensure_bridge(outer, self._bridge)
                self._plug(outer, bridge)
                inside = inner.index("eth0")
                inner.add_address(inside, self.address, self._bridge.network.prefixlen)
                inner.set_up(inside)
                inner.add_default_route(self.gateway)
            finally:
                inner.close()
                outer.close()
        except OSError as error:
            raise Unsupported("cannot make the container's network: {error}", error=error.strerror or str(error),
                              hint="use --network=host or none") from None  # fmt: skip

    def _plug(self, outer: Netlink, bridge: int) -> None:
        name, mac, mtu = _link_name(self._key), mac_of(self.address), _uplink_mtu()
        try:
            outer.add_veth(name, "eth0", self._namespace, mac=mac, mtu=mtu, master=bridge)
        except FileExistsError:  # that of its last start, which the kernel has not cleared up yet
            _delete_link(name)
            outer.add_veth(name, "eth0", self._namespace, mac=mac, mtu=mtu, master=bridge)

    def _publish(self, record: Record) -> None:
        ports = list(record.spec.ports)
        if record.spec.publish_all:
            taken = {(port.container_port, port.protocol) for port in ports}
            exposed = [each for text in record.spec.exposed for each in parse_exposed(text) if each not in taken]
            ports += [Port(number, protocol) for number, protocol in exposed if protocol != "sctp"]
        self._proxy = Proxy(ports, self.address)
        self._firewall.open(self._key, self._bridge.subnet, self.address, self._ports)
        if read_text("/proc/sys/net/ipv4/ip_forward") != "1":
            _write("/proc/sys/net/ipv4/ip_forward", "1")


def choose_network(wanted: str, *, ports: bool) -> str:
    """The mode of a container: the one wanted, or a bridge for root where one can be made, else the host's network.

    A name that is none of these modes is that of a network somebody made.
    Raises: Unsupported for a bridge without root, or ports without a bridge.
    """
    mode = {"default": "", "private": "bridge"}.get(wanted, wanted)
    if not mode:
        mode = "bridge" if _can_bridge() else "host"
        if ports and mode == "host":
            raise Unsupported(
                "ports can be published by root only", hint="use --network=host: ports are then the host's"
            )
    if mode not in ("host", "none") and not _is_root():
        raise Unsupported("a bridge network needs root", hint="use --network=host or none")
    return mode


def connect(record: Record, run_root: Path, bridge: BridgeSettings) -> Connection:
    """Connect a container that is about to start. Raises: Unsupported; Conflict for a port in use; Exhausted."""
    mode = choose_network(record.spec.network, ports=bool(record.spec.ports))
    if mode in ("host", "none"):
        return Connection(mode)
    leases = run_root / "network" / bridge.name
    leases.mkdir(parents=True, exist_ok=True, mode=0o700)
    return BridgeConnection(record, leases, bridge)


def disconnect_dead(container_id: str, run_root: Path, bridge: BridgeSettings, ports: list[Port]) -> None:
    """Clear up the network of a container whose keeper was killed. Idempotent."""
    leases = run_root / "network" / bridge.name
    for lease in list_leases(leases):
        if lease.container_id == container_id:
            _delete_link(_link_name(container_id[:12]))
            try:
                Firewall().close(container_id[:12], lease.address, ports)
            except CapasError:
                pass
            forget(leases, run_root / "containers", lease)


def remove_bridge(bridge: BridgeSettings) -> None:
    """Take the bridge of a network away. Idempotent."""
    _delete_link(bridge.name)


def _new_namespace() -> tuple[int, Netlink]:
    unshare(_CLONE_NEWNET)
    inside = Netlink()
    inside.set_up(inside.index("lo"))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), inside


def _ensure_bridge(netlink: Netlink, bridge: BridgeSettings) -> int:
    try:
        return netlink.index(bridge.name)
    except OSError:
        netlink.add_bridge(bridge.name)
    index = netlink.index(bridge.name)
    netlink.add_address(index, bridge.gateway, bridge.network.prefixlen)
    netlink.set_up(index)
    return index


def _take_lease(leases: Path, record: Record, bridge: BridgeSettings) -> Lease:
    live = leases.parent.parent / "containers"
    known = (record.name, record.short, record.hostname, *record.spec.aliases)
    names = tuple(dict.fromkeys(known)) if bridge.title != "bridge" else ()
    with locked_leases(leases):
        taken = {lease.address: lease.container_id for lease in list_leases(leases)}
        for host in bridge.network.hosts():
            address = str(host)
            owner = taken.get(address)
            if address == bridge.gateway or (owner and is_held(live / owner)):
                continue
            lease = Lease(address, record.id, names)
            write_lease(leases, lease)
            return lease
    raise Exhausted("no address is left in {subnet}", subnet=bridge.subnet)


def _link_name(key: str) -> str:
    return f"cap{key}"  # an interface's name has 15 characters at most


def _delete_link(name: str) -> None:
    netlink = Netlink()
    try:
        netlink.delete(name)
    except OSError:
        pass  # it went with its namespace
    finally:
        netlink.close()


def _uplink_mtu() -> int:
    """The MTU of the way out, so that large packets are not lost on it."""
    for line in read_text("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 2 and fields[1] == "00000000":
            return int(read_text(f"/sys/class/net/{fields[0]}/mtu") or 1500)
    return 1500


def _is_root() -> bool:
    return os.geteuid() == 0 and read_text("/proc/self/uid_map").split() == ["0", "0", "4294967295"]


def _can_bridge() -> bool:
    if not _is_root():
        return False
    try:
        Firewall()
    except CapasError:
        return False
    return True


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        raise Unsupported("cannot set {path}: containers would not reach beyond this machine", path=path) from None
