"""What is asked of a new network, docker's options among it, and the bridge that it comes to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from capas.errors import Invalid, Unsupported
from capas.run.bridge import BridgeSettings

_BRIDGE, _DRIVER = "com.docker.network.bridge.", "com.docker.network.driver."
NAME, TALKING, MASQUERADE, BINDING, MTU = (
    f"{_BRIDGE}name", f"{_BRIDGE}enable_icc", f"{_BRIDGE}enable_ip_masquerade", f"{_BRIDGE}host_binding_ipv4",
    f"{_DRIVER}mtu",
)  # fmt: skip
_OPTIONS = (NAME, TALKING, MASQUERADE, BINDING, MTU)
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", re.ASCII)
_TRUE, _FALSE = ("true", "1", "t"), ("false", "0", "f")


class NetworkRequest(NamedTuple):
    """The options of a new network. `aux` are addresses that no container gets; "" stands for any."""

    driver: str = "bridge"
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    aux: Mapping[str, str] = {}
    internal: bool = False
    attachable: bool = False
    ipv6: bool = False
    labels: Mapping[str, str] = {}
    options: Mapping[str, str] = {}


PLAIN = NetworkRequest()


def check_request(request: NetworkRequest) -> None:
    """Raises: Invalid for what cannot be; Unsupported for what Capas has not."""
    if request.driver not in ("bridge", "default", ""):
        raise Unsupported("the network driver {driver} is not supported: only bridge is", driver=request.driver[:100])
    if request.ipv6:
        raise Unsupported("networks with IPv6 are not supported", hint="leave out --ipv6")
    for name in request.options:
        if name not in _OPTIONS:
            raise Unsupported("the network option {option} is not supported", option=name[:200],
                              hint="options are: " + ", ".join(_OPTIONS))  # fmt: skip
    if request.gateway or request.ip_range or request.aux:
        _check_addresses(request)
    _read_options(request.options)


def settings_of(request: NetworkRequest, plain: BridgeSettings) -> BridgeSettings:
    """The bridge of a network that was asked for so."""
    return plain._replace(
        host=request.gateway, ip_range=request.ip_range, reserved=tuple(request.aux.values()),
        internal=request.internal, **_read_options(request.options),
    )  # fmt: skip


def parse_subnet(text: str) -> ipaddress.IPv4Network:
    """Raises: Invalid."""
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise Invalid("not a subnet: {text!r}: {why}", text=text[:100], why=str(error)) from None
    if subnet.num_addresses < 4:
        raise Invalid("the subnet {subnet} has no room for a container", subnet=str(subnet))
    return subnet


def _check_addresses(request: NetworkRequest) -> None:
    if not request.subnet:
        raise Invalid("a gateway, a range or an auxiliary address needs a subnet", hint="give --subnet too")
    subnet = parse_subnet(request.subnet)
    for what, text in (("gateway", request.gateway), *(("auxiliary address", one) for one in request.aux.values())):
        if text and _address(text) not in subnet:
            raise Invalid("no matching subnet for {what} {address}", what=what, address=text)
    if request.ip_range and not parse_range(request.ip_range).subnet_of(subnet):
        raise Invalid("no matching subnet for range {range}", range=request.ip_range)


def parse_range(text: str) -> ipaddress.IPv4Network:
    """A part of a subnet. Raises: Invalid."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise Invalid("not a range of addresses: {text!r}: {why}", text=text[:100], why=str(error)) from None


def _read_options(options: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if name := options.get(NAME, ""):
        if not _INTERFACE.fullmatch(name):
            raise Invalid("not a name for an interface: {name!r}", name=name[:100])
        found["name"] = name
    if binding := options.get(BINDING, ""):
        found["binding"] = "" if _address(binding).is_unspecified else binding
    if mtu := options.get(MTU, ""):
        if not (mtu.isdecimal() and 68 <= int(mtu) <= 65_535):
            raise Invalid("not an MTU: {text!r}", text=mtu[:100])
        found["mtu"] = int(mtu)
    return found | {"talking": _flag(options, TALKING), "masquerade": _flag(options, MASQUERADE)}


def _flag(options: Mapping[str, str], name: str) -> bool:
    value = (options.get(name) or "true").lower()
    if value not in (*_TRUE, *_FALSE):
        raise Invalid("{option} is true or false, not {value!r}", option=name, value=value[:100])
    return value in _TRUE


def _address(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise Invalid("invalid IPv4 address: {text}", text=text[:100]) from None
