"""How a request came: by which scheme, to which host, from which address, also where a proxy stands before the hub.

What a proxy says (X-Forwarded-For, -Proto, -Host) counts only from the networks that the keeper names:

    [server]
    public_url = "https://hub.example"      # how clients reach it; else what each request says
    proxies = ["10.0.0.0/8"]                # whose X-Forwarded-… headers are believed
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from capas.errors import Invalid

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)


class Origin(NamedTuple):
    """Scheme and host as the client sees them, and the client's address ("" where it is not known)."""

    scheme: str
    host: str
    address: str

    @property
    def url(self) -> str:
        """Without a path. Spec: RFC 6454."""
        return f"{self.scheme}://{self.host}"


class Origins:
    """Finds them, as the keeper configured it. Raises: Invalid for a configuration that cannot be right."""

    def __init__(self, public_url: str, proxies: Sequence[str]) -> None:
        self._public = _parse_url(public_url) if public_url else None
        self._proxies = [_parse_network(text) for text in proxies]

    def find(self, scope: MutableMapping[str, Any]) -> Origin:
        """The origin of a request. Raises: Invalid for a Host that no host has."""
        headers = _headers(scope)
        host = headers.get(b"host", "")
        if self._public is not None:
            host = self._public[1]
        elif self._is_proxy(_peer(scope)):
            host = headers.get(b"x-forwarded-host", "").rpartition(",")[2].strip() or host
        if not _HOST.fullmatch(host):
            raise Invalid("the request does not say a host that can be: {host}", host=host[:100])
        return Origin(self.find_scheme(scope), host, self.find_address(scope))

    def find_scheme(self, scope: MutableMapping[str, Any]) -> str:
        """`http` or `https`."""
        if self._public is not None:
            return self._public[0]
        said = ""
        if self._is_proxy(_peer(scope)):
            said = _headers(scope).get(b"x-forwarded-proto", "").rpartition(",")[2].strip()
        return said if said in ("http", "https") else str(scope.get("scheme", "http"))

    def find_address(self, scope: MutableMapping[str, Any]) -> str:
        """The client's address."""
        peer = _peer(scope)
        if not self._is_proxy(peer):
            return peer
        return self._behind(_headers(scope).get(b"x-forwarded-for", ""), peer)

    def _behind(self, forwarded: str, address: str) -> str:
        """The last address that no proxy of ours has: what stands before it anybody may have written."""
        for one in reversed([text.strip() for text in forwarded.split(",") if text.strip()]):
            try:
                address = str(ip_address(one))
            except ValueError:
                break
            if not self._is_proxy(address):
                break
        return address

    def _is_proxy(self, address: str) -> bool:
        if not self._proxies or not address:
            return False
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def _peer(scope: MutableMapping[str, Any]) -> str:
    """Who holds the other end of the connection."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _headers(scope: MutableMapping[str, Any]) -> dict[bytes, str]:
    """By name; of those that came several times, all in one, as lists are."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _parse_url(text: str) -> tuple[str, str]:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or parts.path not in ("", "/"):
        raise Invalid("public_url cannot be {url}", url=text, hint="write it as https://hub.example")
    return parts.scheme, parts.netloc


def _parse_network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Invalid("{text} is not a network: {why}", text=text, why=str(error)) from None
