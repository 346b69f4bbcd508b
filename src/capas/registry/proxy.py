"""Proxies: which one, if any, a request goes through.

Spec: the variables as curl and Go read them; `no_proxy` has hosts, domains, addresses, networks, with port or without.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from capas.errors import Invalid, Unsupported
from capas.registry.trust import bare_host, is_loopback, origin


def find_proxy(url: str, proxies: Mapping[str, str]) -> str | None:
    """The proxy's address for `url`; never one for this machine itself. Raises: Unsupported; Invalid."""
    scheme, host, port = origin(url)
    address = proxies.get(f"{scheme}_proxy") or proxies.get("all_proxy")
    if not address or is_loopback(host) or _is_exempt(host, port, proxies.get("no_proxy", "")):
        return None
    address = address if "://" in address else f"http://{address}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise Unsupported(
            "a proxy of kind {kind} cannot be used", kind=parts.scheme, hint="only http and https proxies"
        )
    if not parts.hostname:
        raise Invalid("the variable {name}_proxy is not an address", name=scheme)
    return address


def without_login(address: str) -> tuple[str, str | None]:
    """A proxy's address without user and password, and these as `user:password`."""
    parts = urlsplit(address)
    login, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl(), login if at else None


def _is_exempt(host: str, port: int, words: str) -> bool:
    return any(_matches(host, port, word) for word in words.replace(",", " ").lower().split())


def _matches(host: str, port: int, word: str) -> bool:
    if word == "*":
        return True
    if "/" in word:
        return _in_network(host, word)
    name, colon, number = word.rpartition(":")
    if colon and number.isdigit() and ("]" in name or ":" not in name):
        if int(number) != port:
            return False
        word = name
    word = word.strip("[]").removeprefix("*").removeprefix(".")
    return host == word or (host.endswith("." + word) and bare_host(word) == word)


def _in_network(host: str, word: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
