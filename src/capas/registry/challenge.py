"""Challenges: what a registry's WWW-Authenticate asks for.

Spec: RFC 9110, section 11.3; distribution's "Token Authentication Specification".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_LONGEST = 8192
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_PARAMETER = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+.^_`|~0-9A-Za-z:/?=-]+))", re.ASCII
)
_BETWEEN = re.compile(r"[ \t,]*")


class Challenge(NamedTuple):
    """One scheme ("bearer", "basic") with its parameters, names in lower case."""

    scheme: str
    parameters: Mapping[str, str]

    def get(self, name: str) -> str:
        """The parameter, empty where it is not there."""
        return self.parameters.get(name, "")


def parse_challenges(text: str) -> list[Challenge]:
    """The challenges in a header, in order; what cannot be read ends the list.

    >>> parse_challenges('Basic realm="x", Bearer realm="https://a/t",service="s"')[1].get("service")
    's'
    """
    found: list[tuple[str, dict[str, str]]] = []
    position, end = 0, min(len(text), _LONGEST)
    while position < end:
        position = _skip(text, position)
        parameter = _PARAMETER.match(text, position, end)
        if parameter and found:
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            position = parameter.end()
            continue
        scheme = _TOKEN.match(text, position, end)
        if scheme is None:
            break
        found.append((scheme[0].lower(), {}))
        position = scheme.end()
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position
