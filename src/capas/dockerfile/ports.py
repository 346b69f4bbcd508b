"""Ports of EXPOSE: `80`, `53/udp`, `8000-8010/tcp`."""

from __future__ import annotations

import re

from capas.dockerfile.source import suggest
from capas.errors import Invalid

_PORT = re.compile(
    r"(?:(?:\[[0-9a-fA-F:.]*\]|[0-9.]*):)?(?:[0-9-]*:)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(.*))?", re.ASCII
)
_PROTOCOLS = ("tcp", "udp", "sctp")


def list_ports(word: str) -> list[str]:
    """The ports that a word of EXPOSE names, each as `port/protocol`. A host's address and port mean nothing here.

    Raises: Invalid.

    >>> list_ports("8000-8002")
    ['8000/tcp', '8001/tcp', '8002/tcp']
    """
    found = _PORT.fullmatch(word)
    if found is None:
        raise _invalid(word)
    first, last = int(found[1]), int(found[2] or found[1])
    protocol = _PROTOCOLS[0] if found[3] is None else found[3].lower()
    if protocol not in _PROTOCOLS:
        meant = suggest(protocol, _PROTOCOLS)
        raise Invalid(
            "unknown protocol {protocol!r} of port {first}", protocol=protocol[:20], first=first, meant=meant,
            hint="did you mean {meant}?" if meant else "it is tcp, udp or sctp",
        )  # fmt: skip
    if not first <= last <= 65535:
        raise _invalid(word)
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def _invalid(word: str) -> Invalid:
    return Invalid(
        "not a port: {word!r}", word=word[:60], hint="write it as 80, 53/udp or 8000-8010/tcp, at most 65535"
    )
