"""An image's bill of materials: its packages, in one of two formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from capas.build.attestations import cyclonedx, spdx
from capas.build.attestations.subject import Subject
from capas.errors import Invalid
from capas.image.contents import opened_tree
from capas.image.image import Image
from capas.image.packages.inventory import take_inventory
from capas.reference import Reference

Format = Literal["spdx", "cyclonedx"]
FORMATS: Mapping[str, Format] = {
    "spdx": "spdx",
    "spdx-json": "spdx",
    "cyclonedx": "cyclonedx",
    "cyclonedx-json": "cyclonedx",
}
PREDICATES = {"spdx": spdx.PREDICATE, "cyclonedx": cyclonedx.PREDICATE}


def find_format(text: str) -> Format:
    """The format of this name. Raises: Invalid."""
    found = FORMATS.get(text)
    if found is None:
        raise Invalid("no such format of an SBOM: {format!r}", format=text[:100], hint="spdx or cyclonedx")
    return found


def make_sbom(
    image: Image, reference: Reference | None, *, format: Format, contents: Path, version: str
) -> dict[str, Any]:
    """The document about an image. `contents` keeps layers' tables of contents, `version` is that of Capas.

    Order: the same image gives the same document. Raises: NotFound for a blob that is not here; Corrupt.
    """
    with opened_tree(image, contents) as tree:
        subject = Subject(image, reference, take_inventory(tree))
    make = spdx.spdx_document if format == "spdx" else cyclonedx.cyclonedx_document
    return make(subject, version)
