"""A scene as PNG, by Pillow (the extra `capas[png]`)."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from capas.look.palette import LIGHT
from capas.look.scene import LETTER, LOW, Scene, Text, Weight

_SCALE = 2  # pixels for each unit of the scene, for sharp letters
_SIZE = 12
_PLAIN = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf", "Menlo.ttc", "consola.ttf")
_BOLD = ("DejaVuSansMono-Bold.ttf", "LiberationMono-Bold.ttf", "Menlo.ttc", "consolab.ttf")


def draw_png(scene: Scene, title: str) -> bytes:
    """The picture in light, two pixels for each unit."""
    size = (round(scene.width * _SCALE), round(scene.height * _SCALE))
    picture = Image.new("RGB", size, LIGHT.paper)
    pen = ImageDraw.Draw(picture)
    for rect in (*scene.blocks, *scene.chips):
        left, top = rect.x * _SCALE, rect.y * _SCALE
        right, bottom = left + rect.width * _SCALE - 1, top + rect.height * _SCALE - 1
        if bottom >= top:
            pen.rectangle(
                (left, top, right, bottom), LIGHT.kinds[rect.kind], LIGHT.paper if rect.height >= LOW else None
            )
    for rule in scene.rules:
        pen.line([value * _SCALE for value in rule], fill=LIGHT.ink, width=_SCALE)
    plain, bold = _font(_PLAIN), _font(_BOLD)
    for text in scene.texts:
        _write(pen, text, bold if text.weight == "strong" else plain)
    file = io.BytesIO()
    picture.save(file, "png", title=title)
    return file.getvalue()


def _write(pen: ImageDraw.ImageDraw, text: Text, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    """Letter by letter: the columns hold with any font."""
    for number, letter in enumerate(text.text):
        pen.text(((text.x + number * LETTER) * _SCALE, text.y * _SCALE), letter, _colour(text.weight), font, "ls")


def _colour(weight: Weight) -> str:
    return {"soft": LIGHT.soft, "inside": LIGHT.inside}.get(weight, LIGHT.ink)


def _font(names: tuple[str, ...]) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in names:
        try:
            return ImageFont.truetype(name, _SIZE * _SCALE)
        except OSError:
            continue
    return ImageFont.load_default(_SIZE * _SCALE)
