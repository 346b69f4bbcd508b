"""Ports: what -p publishes, read and written as docker does."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from capas.errors import Invalid

_PROTOCOLS = ("tcp", "udp")
_HINT = "write it as [[address:]host-port:]container-port[/protocol]"


class Port(NamedTuple):
    """A published port. `host_port` 0 is any free one; `address` "" is every address of the host."""

    container_port: int
    protocol: str = "tcp"
    address: str = ""
    host_port: int = 0

    @property
    def host(self) -> str:
        """Where it is reached: `0.0.0.0:8080`."""
        shown = self.address or "0.0.0.0"
        return f"{f'[{shown}]' if ':' in shown else shown}:{self.host_port}"

    def __str__(self) -> str:
        return f"{self.host}->{self.container_port}/{self.protocol}"


def parse_ports(text: str) -> list[Port]:
    """`8080:80`, `127.0.0.1:8080:80/tcp`, `80`, `8000-8003:80-83`. Raises: Invalid."""
    spec, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in _PROTOCOLS:
        raise Invalid("port {text!r}: the protocol is tcp or udp", text=text[:100])
    head, _, inner = spec.rpartition(":")
    address, outer = _split_address(head, text)
    inside = _range(inner, text)
    outside = _range(outer, text, lowest=0) if outer else [0] * len(inside)
    if len(outside) != len(inside):
        raise Invalid("port {text!r}: both ranges must be of one length", text=text[:100])
    return [Port(to, protocol, address, at) for to, at in zip(inside, outside, strict=True)]


def parse_exposed(text: str) -> list[tuple[int, str]]:
    """`80`, `53/udp`, `8000-8010` of EXPOSE and --expose, as (port, protocol). Raises: Invalid."""
    ports, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in (*_PROTOCOLS, "sctp"):
        raise Invalid("port {text!r}: the protocol is tcp or udp", text=text[:100])
    return [(port, protocol) for port in _range(ports, text)]


def check_ports(ports: Iterable[Port]) -> None:
    """Raises: Invalid where two of them want the same port of the host."""
    seen: set[tuple[str, str, int]] = set()
    for port in ports:
        key = (port.address, port.protocol, port.host_port)
        if port.host_port and key in seen:
            raise Invalid("port {port} of the host is published twice", port=port.host_port)
        seen.add(key)


def _split_address(head: str, whole: str) -> tuple[str, str]:
    address, colon, port = head.rpartition(":")
    if not colon:
        return ("", head) if head.replace("-", "").isdigit() or not head else (_address(head, whole), "")
    return (_address(address, whole) if address else ""), port


def _address(text: str, whole: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise Invalid("port {text!r}: {address!r} is not an address", text=whole[:100], address=text[:100],
                      hint=_HINT) from None  # fmt: skip


def _range(text: str, whole: str, lowest: int = 1) -> list[int]:
    first, dash, last = text.partition("-")
    found = [_number(first, whole, lowest)]
    if dash:
        found = list(range(found[0], _number(last, whole, lowest) + 1))
    if not found:
        raise Invalid("port {text!r}: a range goes upwards", text=whole[:100])
    return found


def _number(text: str, whole: str, lowest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and lowest <= int(text) <= 65_535):
        raise Invalid("not a port: {text!r}", text=whole[:100], hint=_HINT)
    return int(text)
