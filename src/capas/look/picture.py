"""A picture of images: a value that a notebook shows, and that goes into a file of the kind that its name ends in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from capas.errors import Invalid, Unavailable, Unsupported
from capas.language import words_in
from capas.look.forest import Branch
from capas.look.graph import draw_dot, draw_mermaid
from capas.look.notebook import frame
from capas.look.page import draw_page
from capas.look.scene import Scene, lay_out
from capas.look.svg import draw_svg


class Picture(NamedTuple):
    """The forest of some images. In files it is to scale: the area of a layer is its bytes."""

    root: Branch
    title: str
    language: str = "en"

    @property
    def scene(self) -> Scene:
        """Where everything is."""
        return lay_out(self.root, words_in(self.language))

    def draw(self, kind: str) -> bytes:
        """As svg, png, html, mmd (Mermaid) or dot (Graphviz). Raises: Invalid; Unsupported where Pillow is missing."""
        draw = _KINDS.get(kind)
        if draw is None:
            raise Invalid(
                "pictures are not made as {kind!r}", kind=kind,
                hint="name a file that ends in one of: " + ", ".join(_KINDS),
            )  # fmt: skip
        return draw(self)

    def save(self, path: str | Path) -> None:
        """Into a file; the ending of its name says which kind. Raises: as `draw`; Unavailable."""
        path = Path(path)
        picture = self.draw(path.suffix.removeprefix(".").lower())
        try:
            path.write_bytes(picture)
        except OSError as error:
            raise Unavailable("cannot write {path}: {why}", path=str(path), why=error.strerror or str(error)) from error

    def _repr_svg_(self) -> str:
        return draw_svg(self.scene, self.title)

    def _repr_html_(self) -> str:
        return frame(self._repr_svg_())


def _png(picture: Picture) -> bytes:
    try:
        from capas.look.png import draw_png
    except ImportError:
        raise Unsupported(
            "a PNG needs one more package", hint='install it: pip install "capas[png]", or draw an SVG'
        ) from None
    return draw_png(picture.scene, picture.title)


_KINDS: MappingProxyType[str, Callable[[Picture], bytes]] = MappingProxyType({
    "svg": lambda picture: draw_svg(picture.scene, picture.title).encode(),
    "png": _png,
    "html": lambda picture: draw_page(picture.scene, picture.title, picture.language).encode(),
    "mmd": lambda picture: draw_mermaid(picture.root).encode(),
    "dot": lambda picture: draw_dot(picture.root).encode(),
})  # fmt: skip
