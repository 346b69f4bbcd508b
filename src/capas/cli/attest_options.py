"""The flags of `capas build` and `capas bake` about attestations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from capas.build.attestations.wish import Attestations

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--attest", "attests", multiple=True, metavar="type=sbom|provenance[,…]", help="Attest the image; several times"
    ),
    click.option(
        "--sbom", metavar="true|false|format=…",
        help="Put the packages in the image beside it: '--attest type=sbom'; format= is spdx (SPDX 2.3) or cyclonedx",
    ),
    click.option(
        "--provenance", metavar="true|false|mode=…",
        help="Put beside the image how it was made: '--attest type=provenance'; mode= is min or max",
    ),
)  # fmt: skip


def attest_options(function: F) -> F:
    """All of them, in this order in the help."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_attestations(given: Mapping[str, Any]) -> Attestations:
    """What the flags say. Raises: Invalid; Unsupported."""
    from capas.build.attestations.wish import parse_attestations

    return parse_attestations(given["attests"], sbom=given["sbom"], provenance=given["provenance"])
