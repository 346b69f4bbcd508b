"""What is said about an image: its bill of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capas.build.attestations.sbom import find_format, make_sbom
from capas.engine.lookup import get_image
from capas.engine.release import capas_version

if TYPE_CHECKING:
    from capas.engine.engine import Engine


def sbom_of(engine: Engine, text: str, *, format: str) -> dict[str, Any]:
    """The bill of materials of an image here. Raises: NotFound; Corrupt; Invalid for a format that there is not."""
    kind = find_format(format)
    found = get_image(engine.store.records, text)
    image = engine.images.open(found.record)
    contents = engine.settings.root / "cache" / "contents"
    return make_sbom(image, found.reference, format=kind, contents=contents, version=capas_version())
