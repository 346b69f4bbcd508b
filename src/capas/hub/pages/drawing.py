"""Pictures: layers to scale, and a count by day, as SVG that needs neither script nor style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 1000.0
_LEAST = 1.5  # units, so that the smallest layer is seen at all
_GAP = 1.5
_CHART_HEIGHT = 120.0


class Segment(NamedTuple):
    """A part of a bar. `place`: of its size among all. Units: of the drawing, which is `WIDTH` wide."""

    place: int
    x: float
    width: float


class Bar(NamedTuple):
    """A column of a chart. `place`: of its count among all."""

    place: int
    x: float
    y: float
    width: float
    height: float


def lay_out(sizes: Sequence[int]) -> list[Segment]:
    """The bar of these sizes, side by side and to scale; what has no size is left out.

    What would be too thin to be seen is as thin as can be seen, and the others give way for it.
    """
    shown = [(index, size) for index, size in enumerate(sizes) if size > 0]
    total = sum(size for _, size in shown)
    if not total:
        return []
    least = min(_LEAST, WIDTH / len(shown) / 2)
    gap = min(_GAP, WIDTH / len(shown) / 4)
    room = WIDTH - gap * (len(shown) - 1)
    thin = [size for _, size in shown if size / total * room < least]
    rest, room_left = total - sum(thin), room - least * len(thin)
    segments: list[Segment] = []
    x = 0.0
    for index, size in shown:
        width = least if size / total * room < least else size / rest * room_left
        segments.append(Segment(index, round(x, 2), round(width, 2)))
        x += width + gap
    return segments


def share(size: int, largest: int) -> float:
    """How much of a bar's whole width a size takes; nothing for nothing."""
    return round(max(size / largest * WIDTH, _LEAST), 2) if size > 0 and largest > 0 else 0.0


def lay_columns(counts: Sequence[int], height: float = _CHART_HEIGHT) -> list[Bar]:
    """The columns of a chart, the highest as high as the chart."""
    most = max(counts, default=0)
    if not most:
        return []
    step = WIDTH / len(counts)
    bars: list[Bar] = []
    for index, count in enumerate(counts):
        tall = max(count / most * height, 2.0) if count else 0.0
        bars.append(Bar(index, round(index * step, 2), round(height - tall, 2), round(step * 0.8, 2), round(tall, 2)))
    return bars


def lay_line(counts: Sequence[int], height: float = _CHART_HEIGHT) -> str:
    """The points of a line through the middle of each column, as `points` of a polyline; nothing for nothing."""
    most = max(counts, default=0)
    if not most:
        return ""
    step = WIDTH / len(counts)
    spots = (
        (index * step + step * 0.4, height - count / most * (height - 4) - 2) for index, count in enumerate(counts)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
