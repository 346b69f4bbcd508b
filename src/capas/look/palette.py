"""The colours of pictures: of each kind of step, in light and in dark."""

from __future__ import annotations

from types import MappingProxyType as Map
from typing import NamedTuple


class Palette(NamedTuple):
    """Colours as `#rrggbb`. `inside` is for words on a block."""

    paper: str
    ink: str
    soft: str
    inside: str
    kinds: Map[str, str]


LIGHT = Palette(
    "#ffffff", "#1d2528", "#5b666b", "#ffffff",
    Map({"base": "#5d6873", "run": "#1f6f67", "copy": "#9a5f14", "other": "#6d5090", "written": "#a23b4a"}),
)  # fmt: skip
DARK = Palette(
    "#15191b", "#e6ebea", "#9aa6aa", "#15191b",
    Map({"base": "#8794a1", "run": "#3fa99d", "copy": "#d99a4a", "other": "#a78bc9", "written": "#e08893"}),
)  # fmt: skip
