"""A container on bridges: its namespace, an interface for each network, its way out and its published ports."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capas.errors import Conflict, Unsupported
from capas.run.book import NetworkBook
from capas.run.bridge import BridgeSettings
from capas.run.cgroups import read_text
from capas.run.connection import Connection, is_shared
from capas.run.endpoint import Endpoint
from capas.run.firewall import Firewall
from capas.run.naming import edit_hosts, replace_resolv_conf
from capas.run.netlink import Netlink
from capas.run.plug import Namespace, Plug
from capas.run.ports import Port, parse_exposed
from capas.run.proxy import Proxy
from capas.run.record import Record
from capas.run.resolver import ADDRESS, Resolver
from capas.snapshot.namespaces import in_thread
from capas.snapshot.syscalls import CLONE_NEWNET, unshare


class Bridged(Connection):
    """The connection of a container on these networks; others can be joined and left while it runs."""

    def __init__(
        self, record: Record, run_root: Path, mode: str, wanted: Sequence[tuple[Endpoint, BridgeSettings]]
    ) -> None:
        self._record = record
        self._live = run_root / "containers" / record.id
        self._firewall, self._lock = Firewall(), threading.Lock()
        self._plugs: dict[str, Plug] = {}
        self._way_out: Plug | None = None
        self._ports, self._proxy = _wanted_ports(record), None
        self._book = NetworkBook(record)
        self._resolver: Resolver | None = None
        fd, inside = in_thread(_new_namespace)
        self._place = Namespace(fd, inside, self._firewall, self._live)
        super().__init__(mode, f"/proc/{os.getpid()}/fd/{fd}")
        try:
            for endpoint, bridge in wanted:
                self._plug_in(endpoint, bridge)
            self._steer()
        except BaseException:
            self.close()
            raise

    _proxy: Proxy | None

    @property
    def gateway(self) -> str:  # type: ignore[override]
        """The host's address on its way out, else on the first of its networks."""
        first = self._way_out or next(iter(self._plugs.values()), None)
        return first.bridge.gateway if first else ""

    @property
    def addresses(self) -> Sequence[str]:  # type: ignore[override]
        """Its own."""
        return [plug.joined.address for plug in self._plugs.values()]

    @property
    def resolver(self) -> str:  # type: ignore[override]
        """Ours, on networks that somebody made."""
        return ADDRESS if self._resolver else ""

    def facts(self) -> dict[str, Any]:
        with self._lock:
            ports = tuple(tuple(port) for port in self._ports) if self._proxy else ()
            return {"network": self.mode, "joined": tuple(plug.joined for plug in self._plugs.values()), "ports": ports}

    def join(self, endpoint: Endpoint, bridge: BridgeSettings) -> None:
        """One more network, while it runs. Raises: Conflict; Invalid; Exhausted; Unsupported."""
        with self._lock:
            if bridge.title in self._plugs:
                raise Conflict("endpoint with name {container} already exists in network {network}",
                               container=self._record.name, network=bridge.title)  # fmt: skip
            resolved = self.resolver
            try:
                plug = self._plug_in(endpoint, bridge)
                edit_hosts(self._live / "hosts", plug.joined.address, self._record.hostname)
                if self.resolver != resolved:
                    replace_resolv_conf(self._live / "resolv.conf", self.resolver)
                self._steer()
            except BaseException:
                self._unplug(bridge.title)
                raise

    def leave(self, network: str) -> None:
        """One less. Raises: Conflict where it is not on it."""
        with self._lock:
            if network not in self._plugs:
                raise Conflict("container {container} is not connected to network {network}",
                               container=self._record.name, network=network)  # fmt: skip
            self._unplug(network)

    def _unplug(self, network: str) -> None:
        plug = self._plugs.pop(network, None)
        if plug is not None:
            self._tell_book()
            edit_hosts(self._live / "hosts", plug.joined.address, "")
            if plug is self._way_out:
                self._unpublish()
                self._way_out = None
            plug.pull()
        self._steer()

    def _tell_book(self) -> None:
        self._book.tell([(each.endpoint, each.bridge) for each in self._plugs.values()])

    def close(self) -> None:
        if self._resolver is not None:
            self._resolver.close()
        self._unpublish()
        shared = is_shared(self._live)
        for plug in self._plugs.values():
            plug.pull() if shared else plug.forget()
        self._plugs.clear()
        if self._place.fd >= 0:
            self._place.inside.close()
            os.close(self._place.fd)
            self._place = self._place._replace(fd=-1)

    def _plug_in(self, endpoint: Endpoint, bridge: BridgeSettings) -> Plug:
        taken = {plug.joined.interface for plug in self._plugs.values()}
        number = next(n for n in range(len(taken) + 1) if f"eth{n}" not in taken)
        try:
            plug = Plug(self._record, endpoint, bridge, number, self._place)
        except OSError as error:
            raise Unsupported("cannot make the container's network: {error}", error=error.strerror or str(error),
                              hint="use --network=host or none") from None  # fmt: skip
        self._plugs[bridge.title] = plug
        self._tell_book()
        if bridge.named and self._resolver is None:
            self._resolver = Resolver(self._place.fd, self._firewall, self._book)
        return plug

    def _steer(self) -> None:
        """The default route goes by the first of the networks that lead out, and ports come in there."""
        leading = [plug for plug in self._plugs.values() if not plug.bridge.internal]
        way_out = min(leading, key=lambda plug: plug.rank, default=None)
        if way_out is self._way_out:
            return
        self._unpublish()
        self._way_out = way_out
        if way_out is not None:
            self._place.inside.set_default_route(way_out.bridge.gateway)
            self._publish(way_out)

    def _publish(self, plug: Plug) -> None:
        binding = plug.bridge.binding
        ports = [port._replace(address=port.address or binding) for port in self._ports]
        self._proxy = Proxy(ports, plug.joined.address)
        self._ports = self._proxy.ports
        self._firewall.publish(self._record.short, plug.joined.address, self._ports)
        if read_text("/proc/sys/net/ipv4/ip_forward") != "1":
            _write("/proc/sys/net/ipv4/ip_forward", "1")

    def _unpublish(self) -> None:
        if self._proxy is not None and self._way_out is not None:
            self._firewall.unpublish(self._record.short, self._way_out.joined.address, self._ports)
            self._proxy.close()
            self._proxy = None


def _wanted_ports(record: Record) -> list[Port]:
    ports = list(record.spec.ports)
    if record.spec.publish_all:
        taken = {(port.container_port, port.protocol) for port in ports}
        exposed = [each for text in record.spec.exposed for each in parse_exposed(text) if each not in taken]
        ports += [Port(number, protocol) for number, protocol in exposed if protocol != "sctp"]
    return ports


def _new_namespace() -> tuple[int, Netlink]:
    unshare(CLONE_NEWNET)
    inside = Netlink()
    inside.set_up(inside.index("lo"))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), inside


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        raise Unsupported("cannot set {path}: containers would not reach beyond this machine", path=path) from None
