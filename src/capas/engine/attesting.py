"""What is said about an image: its bill of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capas.build.attestations.formats import find_format
from capas.build.attestations.reading import find_predicate
from capas.build.attestations.sbom import PREDICATES, make_sbom
from capas.engine.lookup import get_image
from capas.release import capas_version

if TYPE_CHECKING:
    from capas.engine.engine import Engine


def sbom_of(engine: Engine, text: str, *, format: str) -> dict[str, Any]:
    """The bill of materials that was built with an image, or one made now. Raises: NotFound; Corrupt; Invalid."""
    kind = find_format(format)
    image = engine.images.get(text)
    found = find_predicate(engine.images.get_top(text), image, PREDICATES[kind])
    if found is not None:
        return found
    contents = engine.settings.root / "cache" / "contents"
    reference = get_image(engine.store.records, text).reference
    return make_sbom(image, reference, format=kind, contents=contents, version=capas_version())
