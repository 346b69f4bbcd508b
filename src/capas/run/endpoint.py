"""A container on a network: what it asks for there, and what it has while it runs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from capas.errors import Invalid

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.ASCII)


class Endpoint(NamedTuple):
    """What a container asks for on one network. `address` and `mac` "" stand for any.

    `links` are `container:name`, names that only this container uses. Of several networks that with the highest
    `priority` has the default route.
    """

    network: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    mac: str = ""
    links: tuple[str, ...] = ()
    priority: int = 0


class Joined(NamedTuple):
    """What it has there while it runs. `names` are those by which others find it."""

    network: str
    network_id: str
    bridge: str
    endpoint_id: str
    interface: str
    address: str
    prefix: int
    gateway: str
    mac: str
    names: tuple[str, ...] = ()


def load_endpoint(values: Mapping[str, Any]) -> Endpoint:
    """The endpoint in JSON values."""
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Endpoint(**made)


def check_endpoint(endpoint: Endpoint) -> Endpoint:
    """The same, in one way of writing. Raises: Invalid for an address or a link that cannot be."""
    if endpoint.address:
        try:
            address = str(ipaddress.IPv4Address(endpoint.address))
        except ValueError:
            raise Invalid("invalid IPv4 address: {text}", text=endpoint.address[:100]) from None
        endpoint = endpoint._replace(address=address)
    mac = endpoint.mac.lower().replace("-", ":")
    if mac and (not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1):
        raise Invalid("invalid MAC address: {text}", text=endpoint.mac[:100])
    for link in endpoint.links:
        if not link.partition(":")[0]:
            raise Invalid("not a link: {text!r}", text=link[:200], hint="write it as CONTAINER:NAME")
    return endpoint._replace(mac=mac)


def endpoint_id(container_id: str, network_id: str) -> str:
    """The name of their meeting: 64 hexadecimal digits."""
    import hashlib  # what OpenSSL brings is much for those who only list

    return hashlib.sha256(f"{container_id}/{network_id}".encode()).hexdigest()
