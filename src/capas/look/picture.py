"""A forest as a file: the kind of picture is the ending of its name."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from capas.errors import Invalid, Unsupported
from capas.language import words_in
from capas.look.forest import Branch
from capas.look.graph import draw_dot, draw_mermaid
from capas.look.page import draw_page
from capas.look.scene import lay_out
from capas.look.svg import draw_svg

_Draw = Callable[[Branch, str, str], bytes]


def draw(root: Branch, kind: str, *, title: str, language: str = "en") -> bytes:
    """A picture of this kind: svg, png, html, mmd (Mermaid) or dot (Graphviz). Raises: Invalid; Unsupported."""
    found = _KINDS.get(kind)
    if found is None:
        raise Invalid(
            "pictures are not made as {kind!r}", kind=kind, hint="name a file that ends in one of: " + ", ".join(_KINDS)
        )
    return found(root, title, language)


def _svg(root: Branch, title: str, language: str) -> bytes:
    return draw_svg(lay_out(root, words_in(language)), title).encode()


def _html(root: Branch, title: str, language: str) -> bytes:
    return draw_page(lay_out(root, words_in(language)), title, language).encode()


def _png(root: Branch, title: str, language: str) -> bytes:
    try:
        from capas.look.png import draw_png
    except ImportError:
        raise Unsupported(
            "a PNG needs one more package", hint='install it: pip install "capas[png]", or draw an SVG'
        ) from None
    return draw_png(lay_out(root, words_in(language)), title)


_KINDS: MappingProxyType[str, _Draw] = MappingProxyType({
    "svg": _svg,
    "png": _png,
    "html": _html,
    "mmd": lambda root, title, language: draw_mermaid(root).encode(),
    "dot": lambda root, title, language: draw_dot(root).encode(),
})  # fmt: skip
