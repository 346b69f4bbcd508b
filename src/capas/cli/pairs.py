"""What people write as NAME=VALUE and NAME:ADDRESS."""

from __future__ import annotations

from collections.abc import Iterable

from capas.errors import Invalid

HOST_GATEWAY = "host-gateway"


def parse_pairs(texts: Iterable[str], flag: str, *, bare: bool = False) -> dict[str, str | None]:
    """NAME=VALUE pairs; `bare` names without a value are None. Raises: Invalid, naming the flag."""
    found: dict[str, str | None] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not (equals or bare):
            raise Invalid("{flag} {text!r} is not NAME=VALUE", flag=flag, text=text[:200])
        found[name] = value if equals else None
    return found


def parse_hosts(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """NAME:ADDRESS (or NAME=ADDRESS) pairs; IPv6 may stand in brackets, host-gateway for this host. Raises: Invalid."""
    return tuple(map(_host, texts))


def _host(text: str) -> tuple[str, str]:
    import ipaddress  # only where a host is given

    name, _, address = text.partition("=" if "=" in text else ":")
    bare = address.removeprefix("[").removesuffix("]")
    if name and bare == HOST_GATEWAY:
        return name, bare
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        raise Invalid("--add-host {text!r} is not NAME:ADDRESS", text=text[:200]) from None
    if not name:
        raise Invalid("--add-host {text!r} is not NAME:ADDRESS", text=text[:200])
    return name, bare
