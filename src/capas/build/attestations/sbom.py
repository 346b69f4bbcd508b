"""An image's bill of materials: its packages, in one of two formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capas.build.attestations import cyclonedx, spdx
from capas.build.attestations.formats import Format
from capas.build.attestations.subject import Subject
from capas.image.contents import opened_tree
from capas.image.image import Image
from capas.image.packages.inventory import take_inventory
from capas.reference import Reference

PREDICATES = {"spdx": spdx.PREDICATE, "cyclonedx": cyclonedx.PREDICATE}


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
