"""A scene as a page of its own: nothing is fetched, nothing runs."""

from __future__ import annotations

from html import escape

from capas.look.scene import Scene
from capas.look.svg import draw_svg

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ margin: 0; }} main {{ overflow-x: auto; }}</style>
</head>
<body>
<main>
{picture}</main>
</body>
</html>
"""


def draw_page(scene: Scene, title: str, language: str) -> str:
    """The picture in a page, as wide as it is."""
    return _PAGE.format(language=language, title=escape(title), picture=draw_svg(scene, title))
