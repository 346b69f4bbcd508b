"""Whom to tell what: which hosts belong together, which may be spoken to in the open."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_SHARED = frozenset({"ac", "co", "com", "edu", "gob", "gov", "gouv", "mil", "net", "ne", "or", "org"})


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what must be equal for credentials to be sent along."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def is_loopback(host: str) -> bool:
    """Whether a host, with or without port, is this machine by its very name."""
    name = bare_host(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_private(host: str) -> bool:
    """Whether a host is an address or a name that means something only near here."""
    name = bare_host(host)
    address = _address(name)
    if address is None:
        return is_loopback(name)
    return not address.is_global


def is_related(host: str, other: str) -> bool:
    """Whether `other` may be told the credentials of `host`: the same, below it, or a sister under one parent.

    `auth.docker.io` is a sister of `registry-1.docker.io`. No sisters under what many share, like `co.uk`.
    """
    host, other = bare_host(host), bare_host(other)
    if host == other:
        return True
    if _address(host) or _address(other):
        return False
    if other.endswith("." + host):
        return True
    labels = host.split(".")
    parent = labels[1:]
    if len(parent) < 2 or (len(parent) == 2 and len(parent[1]) == 2 and parent[0] in _SHARED):
        return False
    return other == ".".join(parent) or other.endswith("." + ".".join(parent))


def bare_host(host: str) -> str:
    """A host without port, brackets or user, in lower case."""
    return (urlsplit("//" + host).hostname or "").lower()


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
