"""Restart policies as docker writes them: no, on-failure[:N], unless-stopped, always."""

from __future__ import annotations

from typing import NamedTuple

from capas.errors import Invalid

_NAMES = ("no", "on-failure", "unless-stopped", "always")


class Policy(NamedTuple):
    """`most`: how often at most, 0 for no limit."""

    name: str = "no"
    most: int = 0


def parse_policy(text: str) -> Policy:
    """`always`, `on-failure:3`. Raises: Invalid."""
    name, colon, count = text.partition(":")
    policy = Policy(name or "no", int(count) if count.isdigit() else 0)
    if policy.name not in _NAMES or (colon and (name != "on-failure" or not count.isdigit())):
        raise Invalid("not a restart policy: {policy!r}", policy=text[:100],
                      hint="it is no, on-failure[:N], unless-stopped or always")  # fmt: skip
    return policy
