"""The image that is spoken of, in the words that SBOMs and provenance use for it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from urllib.parse import quote

from capas.image.created import format_created, parse_created
from capas.image.image import Image
from capas.image.packages.package import Inventory, Package
from capas.oci.digest import Digest
from capas.reference import Reference


class Subject(NamedTuple):
    """An image, one of its names (None where it has none), and the packages in it."""

    image: Image
    reference: Reference | None
    inventory: Inventory

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.reference.familiar if self.reference else self.image.id.short

    @property
    def created(self) -> str:
        """When the image was made, to the second: what is said of it is as old as itself, so that it stays the same."""
        nanoseconds = parse_created(self.image.config.created)
        return format_created(nanoseconds // 1_000_000_000 * 1_000_000_000)

    def layer_of(self, package: Package) -> str:
        """The diff_id of the layer that brought a package."""
        return str(self.image.layers[package.layer].diff_id)

    def unique_id(self, kind: str) -> str:
        """A UUID for a document about it: the same image, the same UUID. Spec: RFC 9562, version 8."""
        digits = hashlib.sha256(f"capas {kind} {self.image.digest}".encode()).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def image_url(reference: Reference, platform: str, digest: Digest | None = None) -> str:
    """The package URL of an image, as BuildKit writes it: `pkg:docker/name@tag?platform=os%2Farchitecture`."""
    name = quote(reference.familiar_name, safe="/")
    version = f"@{quote(reference.tag, safe='')}" if reference.tag else f"@{digest}" if digest else ""
    said = {"digest": str(digest) if digest else "", "platform": platform}
    pairs = [f"{key}={quote(value, safe=':')}" for key, value in said.items() if value]
    return f"pkg:docker/{name}{version}?{'&'.join(pairs)}"
