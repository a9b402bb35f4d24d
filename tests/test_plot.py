"""The plot's points lie where their figures say, and its labels cover nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.evaluation.metrics.pareto import pareto_best
from imgsearch.evaluation.report import pareto_plot
from imgsearch.evaluation.report.pareto_plot import Box, Plot, Point, lay_out


def point(x: float, y: float, *, name: str = "a variant", half: float = 1.0) -> Point:
    return Point(name=name, label=name, x=x, y=y, low=y - half, high=y + half, best=False)


def laid_out(points: list[Point], *, larger_is_better: bool = True) -> Plot:
    sign = -1 if larger_is_better else 1
    best = pareto_best([each.y for each in points], [sign * each.x for each in points]).tolist()
    found = lay_out([replace(each, best=one) for each, one in zip(points, best, strict=True)])
    assert found is not None
    return found


def test_two_points_by_hand() -> None:
    """The costs 10 and 20 get 7 % room at both sides, so the scale runs from 9.3 to 20.7."""
    found = laid_out([point(10, 60), point(20, 50)])
    by_name = {dot.point.x: dot for dot in found.dots}
    width = pareto_plot.RIGHT - pareto_plot.LEFT
    assert by_name[10].x == pytest.approx(pareto_plot.LEFT + 0.7 / 11.4 * width, abs=0.01)
    assert by_name[20].x == pytest.approx(pareto_plot.LEFT + 10.7 / 11.4 * width, abs=0.01)
    # The intervals run from 49 to 61; with room from 48.16 to 61.84.
    height = pareto_plot.BOTTOM - pareto_plot.TOP
    assert by_name[10].y == pytest.approx(pareto_plot.BOTTOM - 11.84 / 13.68 * height, abs=0.01)
    assert by_name[10].high == pytest.approx(pareto_plot.BOTTOM - 12.84 / 13.68 * height, abs=0.01)
    assert not found.logarithmic
    assert [tick.text for tick in found.upwards] == ["50", "52", "54", "56", "58", "60"]


def test_widely_different_costs_are_drawn_logarithmically() -> None:
    found = laid_out([point(1, 50), point(10, 60), point(100, 70)])
    assert found.logarithmic
    first, middle, last = sorted(dot.x for dot in found.dots)
    assert middle - first == pytest.approx(last - middle, abs=0.02)
    assert [tick.text for tick in found.across] == ["1", "2", "5", "10", "20", "50", "100"]


def test_pareto_best_points_are_drawn_last() -> None:
    points = [point(10, 50, name="slow"), point(20, 60, name="good"), point(30, 55, name="fast")]
    assert [dot.point.name for dot in laid_out(points).dots] == ["slow", "good", "fast"]
    assert [dot.point.best for dot in laid_out(points[::-1]).dots] == [False, True, True]


@pytest.mark.parametrize("larger_is_better", [True, False])
def test_the_front_turns_at_what_both_neighbours_dominate(*, larger_is_better: bool) -> None:
    """The corner lies at the better one's cost and the worse one's quality."""
    qualities = (60, 50) if larger_is_better else (50, 60)
    found = laid_out(
        [point(10, qualities[0]), point(20, qualities[1])], larger_is_better=larger_is_better
    )
    left, corner, right = found.front
    better, worse = (left, right) if larger_is_better else (right, left)
    assert corner == (better[0], worse[1])


def test_points_without_a_figure_are_left_out() -> None:
    nan = math.nan
    unknown = [point(nan, 50), point(10, nan), point(0, 50), point(math.inf, 50)]
    assert lay_out([point(10, 50), *unknown]) is None
    found = laid_out([point(10, 50), point(20, 60, half=nan), *unknown])
    assert len(found.dots) == 2
    assert {dot.low is None for dot in found.dots} == {True, False}


def test_equal_points_have_room() -> None:
    found = laid_out([point(7, 0, half=0), point(7, 0, half=0)])
    assert all(
        pareto_plot.LEFT < dot.x < pareto_plot.RIGHT
        and pareto_plot.TOP < dot.y < pareto_plot.BOTTOM
        for dot in found.dots
    )
    assert found.upwards


FIGURES = st.tuples(st.floats(0.01, 1e5), st.floats(0, 100), st.floats(0, 10))
NAMES = st.text("abcdefgh 0123456789", min_size=1, max_size=60)


@settings(max_examples=60)
@given(st.lists(st.tuples(FIGURES, NAMES), min_size=2, max_size=25), st.booleans())
def test_labels_cover_neither_each_other_nor_a_point_nor_the_border(
    figures: list[tuple[tuple[float, float, float], str]],
    larger_is_better: bool,  # noqa: FBT001  from hypothesis
) -> None:
    points = [point(x, y, half=half, name=name) for (x, y, half), name in figures]
    found = laid_out(points, larger_is_better=larger_is_better)
    frame = Box(pareto_plot.LEFT, pareto_plot.TOP, pareto_plot.RIGHT, pareto_plot.BOTTOM)
    boxes = [dot.label.box for dot in found.dots if dot.label is not None]
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))
    for box in boxes:
        assert box.left >= frame.left
        assert box.right <= frame.right
        assert box.top >= frame.top
        assert box.bottom <= frame.bottom
        assert not any(box.meets(Box(dot.x, dot.y, dot.x, dot.y)) for dot in found.dots)
    for dot in found.dots:
        assert frame.left <= dot.x <= frame.right
        assert frame.top <= dot.y <= frame.bottom
        if dot.label is not None:
            assert len(dot.label.text) <= pareto_plot.LONGEST_LABEL


def test_among_many_points_only_the_best_are_labelled() -> None:
    points = [point(10 + place, 50 - place % 2 * 10 - place / 10) for place in range(20)]
    labelled = [dot for dot in laid_out(points).dots if dot.label is not None]
    assert labelled
    assert all(dot.point.best for dot in labelled)
