"""Where a registry is: its addresses, its mirrors, and which of them may be spoken to in plain http."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from capas.errors import Invalid
from capas.registry.trust import is_loopback
from capas.settings import Settings

_HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"


class Endpoint(NamedTuple):
    """One place that serves a registry's repositories. `bases` are tried in turn until one speaks our language."""

    domain: str  # whose login is used here
    bases: tuple[str, ...]
    mirror: bool = False

    @property
    def host(self) -> str:
        """Host and port, for words."""
        return urlsplit(self.bases[0]).netloc


def origin_of(domain: str, settings: Settings) -> Endpoint:
    """The registry itself. Raises: Invalid for a name that is no host."""
    host = HUB_HOST if domain == _HUB else domain
    return Endpoint(domain, tuple(f"{scheme}://{host}" for scheme in _schemes(domain, settings)))


def mirrors_of(domain: str, settings: Settings) -> list[Endpoint]:
    """The mirrors that the settings name for it, in their order. Raises: Invalid."""
    return [_mirror(address, domain, settings) for address in settings.registry(domain).mirrors]


def _schemes(host: str, settings: Settings) -> tuple[str, ...]:
    """Plain http is for this machine and for registries named insecure, never a silent second try elsewhere."""
    if is_loopback(host):
        return ("http", "https")
    return ("https", "http") if settings.registry(host).insecure else ("https",)


def _mirror(address: str, domain: str, settings: Settings) -> Endpoint:
    scheme, separator, rest = address.rpartition("://")
    rest = rest.rstrip("/").removesuffix("/v2")
    host = rest.partition("/")[0]
    valid = host and rest.isprintable() and not set(rest) & set("@?# ") and scheme in ("", "http", "https")
    if not valid:
        raise Invalid(
            "the mirror {mirror!r} of {domain} is not an address", mirror=address[:200], domain=domain,
            hint="write it as http://localhost:5000",
        )  # fmt: skip
    schemes = (scheme,) if separator else _schemes(host, settings)
    return Endpoint(host, tuple(f"{scheme}://{rest}" for scheme in schemes), mirror=True)
