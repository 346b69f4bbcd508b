"""What people write as NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterable

from capas.errors import Invalid


def parse_pairs(texts: Iterable[str], flag: str, *, bare: bool = False) -> dict[str, str | None]:
    """NAME=VALUE pairs; `bare` names without a value are None. Raises: Invalid, naming the flag."""
    found: dict[str, str | None] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not (equals or bare):
            raise Invalid("{flag} {text!r} is not NAME=VALUE", flag=flag, text=text[:200])
        found[name] = value if equals else None
    return found
