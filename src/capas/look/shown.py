"""An image that a notebook shows."""

from __future__ import annotations

from capas.image.image import Image
from capas.look.forest import Flag, grow, stack_image
from capas.look.picture import Picture


class ShownImage(Image):
    """An image that draws itself: its layers by the bytes that a pull of them fetches."""

    def __init__(self, image: Image, name: str = "") -> None:
        super().__init__(image.source, image.manifest_bytes, image.media_type)
        self._name = name

    @property
    def picture(self) -> Picture:
        """Its layers, to scale."""
        names = (self._name,) if self._name else ()
        stack = stack_image(self, Flag(names, self.id.short), lambda layer: layer.descriptor.size)
        return Picture(grow([stack]), self._name or self.id.short)

    def _repr_svg_(self) -> str:
        return self.picture._repr_svg_()

    def _repr_html_(self) -> str:
        return self.picture._repr_html_()
