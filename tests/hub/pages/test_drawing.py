"""Layers to scale and counts by day, as numbers that a drawing takes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from capas.hub.pages.drawing import WIDTH, lay_columns, lay_line, lay_out, share


def test_segments_are_to_scale_and_fill_the_bar() -> None:
    segments = lay_out([100, 300])
    assert segments[1].width == pytest.approx(3 * segments[0].width, rel=0.001)
    assert segments[-1].x + segments[-1].width == pytest.approx(WIDTH, abs=0.1)


def test_what_has_no_size_has_no_segment() -> None:
    assert [segment.place for segment in lay_out([10, 0, 20])] == [0, 2]
    assert lay_out([0, 0]) == lay_out([]) == []


def test_the_smallest_layer_is_seen_and_the_bar_stays_full() -> None:
    segments = lay_out([1, 10**12, 1])
    assert segments[0].width == segments[2].width >= 1
    assert segments[-1].x + segments[-1].width == pytest.approx(WIDTH, abs=0.1)


@pytest.mark.parametrize("count", [1, 2, 127, 1000])
def test_any_number_of_layers_stays_within_the_bar_and_in_order(count: int) -> None:
    segments = lay_out([7 ** (n % 12) for n in range(count)])
    assert all(one.width > 0 for one in segments)
    assert all(a.x + a.width <= b.x + 0.02 for a, b in pairwise(segments))
    assert segments[-1].x + segments[-1].width == pytest.approx(WIDTH, abs=1)


def test_shares_are_of_the_largest() -> None:
    assert share(50, 100) == WIDTH / 2
    assert share(0, 100) == share(5, 0) == 0


def test_the_highest_column_is_as_high_as_the_chart() -> None:
    bars = lay_columns([0, 5, 10], height=100)
    assert [bar.height for bar in bars] == [0, 50, 100]
    assert [bar.y for bar in bars] == [100, 50, 0]
    assert lay_columns([0, 0]) == []


def test_a_line_has_a_point_in_the_middle_of_each_column() -> None:
    points = [tuple(map(float, point.split(","))) for point in lay_line([0, 5, 10], height=100).split()]
    columns = lay_columns([1, 1, 1])
    assert [x for x, _ in points] == [pytest.approx(bar.x + bar.width / 2, abs=0.1) for bar in columns]
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert lay_line([0, 0]) == lay_line([]) == ""
