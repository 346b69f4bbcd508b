"""Networks as docker's flags write them: `--network NAME`, `--network name=NAME,alias=DB,ip=10.0.0.9`."""

from __future__ import annotations

from collections.abc import Sequence

from capas.errors import Invalid
from capas.run.endpoint import Endpoint

_KEYS = "name, alias, ip, mac-address, gw-priority"


def read_networks(given: str | Sequence[str], common: Endpoint) -> tuple[str, tuple[Endpoint, ...]]:
    """The mode, and what is asked for on each network. `common` is what other flags say of the first.

    Raises: Invalid.
    """
    texts = [given] if isinstance(given, str) else list(given)
    asked = [_read(text) for text in texts if text and text != "default"]
    mode = asked[0].network if asked else ""
    says = common._replace(network="") != Endpoint("")
    if says:
        first = asked[0] if asked else Endpoint("bridge")
        asked[:1] = [_with(first, common)]
    plain = len(asked) == 1 and asked[0] == Endpoint(mode)
    return mode, () if plain else tuple(asked)


def _with(first: Endpoint, common: Endpoint) -> Endpoint:
    for flag, one, other in (("--ip", first.address, common.address), ("--mac-address", first.mac, common.mac),
                             ("--network-alias", first.aliases, common.aliases)):  # fmt: skip
        if one and other:
            raise Invalid("conflicting options: cannot specify both {flag} and per-network options", flag=flag)
    return first._replace(
        aliases=first.aliases or common.aliases, address=first.address or common.address, mac=first.mac or common.mac,
        links=common.links,
    )  # fmt: skip


def _read(text: str) -> Endpoint:
    if "=" not in text:
        return Endpoint(text)
    endpoint = Endpoint("")
    for part in text.split(","):
        key, _, value = part.partition("=")
        endpoint = _read_part(endpoint, key.strip().lower(), value.strip(), text)
    if not endpoint.network:
        raise Invalid("network name is empty in {text!r}", text=text[:200])
    return endpoint


def _read_part(endpoint: Endpoint, key: str, value: str, text: str) -> Endpoint:
    if key == "name":
        return endpoint._replace(network=value)
    if key == "alias":
        return endpoint._replace(aliases=(*endpoint.aliases, value))
    if key == "ip":
        return endpoint._replace(address=value)
    if key == "mac-address":
        return endpoint._replace(mac=value)
    if key == "gw-priority" and value.removeprefix("-").isdecimal():
        return endpoint._replace(priority=int(value))
    raise Invalid(
        "invalid field {key} in --network {text!r}", key=key[:100], text=text[:200], hint="fields are: " + _KEYS
    )
