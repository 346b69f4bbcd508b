"""The formats of a bill of materials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from capas.errors import Invalid

Format = Literal["spdx", "cyclonedx"]
FORMATS: Mapping[str, Format] = {"spdx": "spdx", "cyclonedx": "cyclonedx"}


def find_format(text: str) -> Format:
    """The format of this name. Raises: Invalid."""
    found = FORMATS.get(text)
    if found is None:
        raise Invalid("no such format of an SBOM: {format!r}", format=text[:100], hint="spdx or cyclonedx")
    return found
