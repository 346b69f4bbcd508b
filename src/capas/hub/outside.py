"""Where the hub may connect to when somebody who uses it says where: webhooks, replication, upstreams.

A name is resolved once, each of its addresses is judged, and the connection goes to an address that was judged, so no
later answer of a name server counts (DNS rebinding). This happens at each new connection, redirects included. Open are
the public addresses, and the networks that the keeper names:

    [outside]
    networks = ["10.20.0.0/16", "127.0.0.1/32"]
"""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from capas.errors import Denied, Invalid, Unavailable

if TYPE_CHECKING:
    from urllib3 import PoolManager

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_WEB_PORTS = (80, 443)
_FIRST_FREE_PORT = 1024  # below it live mail, names, remote shells: nothing that takes HTTP, save the two above
_SPECIAL_IPV4 = IPv4Network("192.0.0.0/24")  # among them a cloud's metadata; older Pythons call most of it global
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_CONNECT_SECONDS = 10.0


class OutsideConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the keeper opens beside the public addresses: networks, each with all of its ports."""

    networks: list[str] = []


class Outside:
    """The rule, and connections that keep to it. `resolve` gives the addresses of a name.

    Raises: Invalid for a network that is none.
    """

    def __init__(self, config: OutsideConfig, resolve: Resolve | None = None) -> None:
        self._networks = [_network(text) for text in config.networks]
        self._resolve = resolve or _resolve
        self._named: tuple[str, int] | None = None

    def except_for(self, host: str, port: int) -> Outside:
        """The same rule, but this one place is open, wherever it is: the hub's keeper named it."""
        made = copy.copy(self)
        made._named = (host, port)
        return made

    def check_url(self, url: str) -> None:
        """Whether this may be asked for at all; where a name leads is seen when connecting. Raises: Invalid, Denied."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host or not url.isascii() or any(c <= " " for c in url):
            raise Invalid("not an address: {url}", url=url[:200], hint="write https://host/path")
        if parts.username is not None or parts.password is not None:
            raise Invalid("the address must not hold a name or a password")
        try:
            literal = ip_address(host)
        except ValueError:
            return
        self._judge(literal, host, port or (443 if parts.scheme == "https" else 80))

    def connect(self, host: str, port: int, timeout: float = _CONNECT_SECONDS) -> socket.socket:
        """A connection to one of the addresses that the name has now. Raises: Denied, Unavailable."""
        try:
            addresses = [ip_address(text) for text in self._resolve(host, port)]
        except OSError:
            raise Unavailable("there is no host {host}", host=host) from None
        for address in addresses if (host, port) != self._named else ():  # one that is closed shuts the name out
            self._judge(address, host, port)
        why = "no address"
        for address in addresses:
            try:
                return socket.create_connection((str(address), port), timeout)
            except OSError as error:
                why = (error.strerror or str(error)).lower()
        raise Unavailable("cannot connect to {host}:{port}: {why}", host=host, port=port, why=why)

    def manager(self, *, limit_seconds: float | None = None, **options: Any) -> PoolManager:
        """urllib3's manager over such connections. `limit_seconds`: each is cut so long after it began."""
        return _manager(self, limit_seconds, options)

    def _judge(self, address: Address, host: str, port: int) -> None:
        if any(address in network for network in self._networks):
            return
        if not _is_public(address):
            raise Denied(
                "{host} is not on the public internet",
                host=host, hint="the hub's keeper can name its network in hub.toml: [outside] networks",
            )  # fmt: skip
        if port not in _WEB_PORTS and port < _FIRST_FREE_PORT:
            raise Denied("port {port} of {host} is closed to the hub", port=port, host=host)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address not in _SPECIAL_IPV4
    inner = _inner(address)
    if inner is not None:
        return _is_public(inner)
    return address in _GLOBAL_IPV6 and address.is_global and not address.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one stands for, where it does (mapped, 6to4, Teredo, NAT64)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Invalid("{text} is not a network: {why}", text=text, why=str(error)) from None


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


def _manager(outside: Outside, limit_seconds: float | None, options: dict[str, Any]) -> PoolManager:
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        _limit: _Limit | None = None

        def _new_conn(self) -> socket.socket:
            made = outside.connect(self._dns_host, self.port, _seconds(self.timeout))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._limit = _Limit(made, limit_seconds) if limit_seconds is not None else None
            return made

        def close(self) -> None:
            if self._limit is not None:
                self._limit.lift()
            super().close()

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    manager = PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return manager


class _Limit:
    """Ends a connection from outside, whatever the other side does meanwhile: a byte now and then resets no clock."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._handle = connection.dup()  # TLS takes the original over
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def lift(self) -> None:
        self._timer.cancel()
        self._handle.close()

    def _cut(self) -> None:
        try:
            self._handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended


def _seconds(timeout: Any) -> float:
    return float(timeout) if isinstance(timeout, int | float) else _CONNECT_SECONDS
