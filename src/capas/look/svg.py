"""A scene as SVG: in light or dark as its reader likes, without a script, whatever its names hold."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from capas.look.palette import DARK, LIGHT, Palette
from capas.look.scene import LINE, LOW, Rect, Rule, Scene, Text

_FONT = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace'


def draw_svg(scene: Scene, title: str) -> str:
    """A document of its own, which may also stand in a page."""
    size = f'width="{scene.width:.0f}" height="{scene.height:.0f}" viewBox="0 0 {scene.width:.2f} {scene.height:.2f}"'
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" class="capas" role="img" {size}>',
        f"<title>{escape(title)}</title>",
        f"<style>{_style()}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        *(_rect(rect) for rect in (*scene.blocks, *scene.chips)),
        *map(_rule, scene.rules),
        *map(_text, scene.texts),
        "</svg>\n",
    ))  # fmt: skip


def _rect(rect: Rect) -> str:
    place = f'x="{rect.x:.3f}" y="{rect.y:.3f}" width="{rect.width:.3f}" height="{rect.height:.3f}"'
    edged = " edged" if rect.height >= LOW else ""
    return f'<rect class="{rect.kind}{edged}" {place}><title>{escape(rect.title)}</title></rect>'


def _rule(rule: Rule) -> str:
    return f'<line x1="{rule.x1:.2f}" y1="{rule.y1:.2f}" x2="{rule.x2:.2f}" y2="{rule.y2:.2f}"/>'


def _text(text: Text) -> str:
    return f'<text class="{text.weight}" x="{text.x:.2f}" y="{text.y:.2f}">{escape(text.text)}</text>'


def _style() -> str:
    letters = f"font: 12px/{LINE:.0f}px {_FONT}; white-space: pre;"
    parts = (f".capas text {{ {letters} }}", ".capas .strong { font-weight: 700; }", *_colours(LIGHT))
    return " ".join((*parts, "@media (prefers-color-scheme: dark) {", *_colours(DARK), "}"))


def _colours(palette: Palette) -> Iterator[str]:
    yield f".capas .paper {{ fill: {palette.paper}; }} .capas text {{ fill: {palette.ink}; }}"
    yield f".capas .soft {{ fill: {palette.soft}; }} .capas .inside {{ fill: {palette.inside}; }}"
    yield f".capas .edged {{ stroke: {palette.paper}; }}"
    yield f".capas line {{ stroke: {palette.ink}; }}"
    yield from (f".capas .{kind} {{ fill: {colour}; }}" for kind, colour in palette.kinds.items())
