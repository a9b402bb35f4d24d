"""Layout of the Pareto plot: where points, error bars, ticks and labels go.

Labels are placed one after another, each at the first place around its point where it covers
nothing else. A label without such a place is left out; its point shows the name on hovering.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WIDTH: Final = 520
HEIGHT: Final = 350
LEFT, RIGHT, TOP, BOTTOM = 50, 506, 14, 300

# With more points than this, only the Pareto-best ones are labelled.
ALL_LABELLED: Final = 12
# From this ratio of largest to smallest cost on, the axis is logarithmic.
LOGARITHMIC_FROM: Final = 5.0
LONGEST_LABEL: Final = 40
_CHARACTER: Final = 6.1  # mean width of a label's character, rounded up
_LINE: Final = 13.0
_DOT: Final = 5.0
_GAP: Final = 4.0
_PADDING: Final = 0.07
_TICKS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One variant to be drawn, in the units of the axes.

    Attributes:
        name: shown on hovering.
        label: a short name.
        x: a cost or a rate, above 0.
        y: its quality.
        low: lower end of the quality's interval; NaN for none.
        high: upper end.
        best: whether it is Pareto-best in these two figures.
    """

    name: str
    label: str
    x: float
    y: float
    low: float
    high: float
    best: bool


class Box(NamedTuple):
    """A rectangle in the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Tell whether the two share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A placed label.

    Attributes:
        text: shortened where it is long.
        x: where the text is anchored.
        y: its baseline.
        anchor: which end of the text lies at `x`.
        box: what it covers.
    """

    text: str
    x: float
    y: float
    anchor: Literal["start", "middle", "end"]
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A placed point.

    Attributes:
        point: what it shows.
        x: of its centre, in the drawing.
        y: likewise.
        low: lower end of its error bar; None without one.
        high: upper end of its error bar; None without one.
        label: None where there is no room for one.
    """

    point: Point
    x: float
    y: float
    low: float | None
    high: float | None
    label: Label | None


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its coordinate and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot, laid out within `WIDTH` × `HEIGHT`.

    Attributes:
        dots: the points; Pareto-best ones come last, so that they are drawn on top.
        across: ticks of the horizontal axis.
        upwards: ticks of the vertical axis.
        front: the corners of the staircase through the Pareto-best points, left to right.
        logarithmic: whether the horizontal axis is.
    """

    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    upwards: tuple[Tick, ...]
    front: tuple[tuple[float, float], ...]
    logarithmic: bool


def lay_out(points: Sequence[Point]) -> Plot | None:
    """Return the layout, or None where fewer than two points can be drawn.

    Args:
        points: those whose x is not above 0, or whose x or y is not finite, are left out.
    """
    drawn = [point for point in points if point.x > 0 and _finite(point.x, point.y)]
    if len(drawn) < 2:  # noqa: PLR2004  a single point compares nothing
        return None
    xs = [point.x for point in drawn]
    ends = [
        end for point in drawn for end in (point.y, point.low, point.high) if math.isfinite(end)
    ]
    bottom, top = _padded(min(ends), max(ends))
    logarithmic = max(xs) / min(xs) >= LOGARITHMIC_FROM
    measure: Callable[[float], float] = math.log10 if logarithmic else float
    first, last = _padded(measure(min(xs)), measure(max(xs)))

    def across(value: float) -> float:
        return round(LEFT + (measure(value) - first) / (last - first) * (RIGHT - LEFT), 2)

    def upwards(value: float) -> float:
        return round(BOTTOM - (value - bottom) / (top - bottom) * (BOTTOM - TOP), 2)

    def height(value: float) -> float | None:
        return upwards(value) if math.isfinite(value) else None

    bare = [
        Dot(
            point=point,
            x=across(point.x),
            y=upwards(point.y),
            low=height(point.low),
            high=height(point.high),
            label=None,
        )
        for point in drawn
    ]
    front = _front([dot for dot in bare if dot.point.best])
    values = _logarithmic_ticks(first, last) if logarithmic else _even_ticks(first, last)
    return Plot(
        dots=tuple(sorted(_labelled(bare, front), key=lambda dot: dot.point.best)),
        across=tuple(Tick(across(value), _short(value)) for value in values),
        upwards=tuple(Tick(upwards(value), _short(value)) for value in _even_ticks(bottom, top)),
        front=front,
        logarithmic=logarithmic,
    )


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


def _padded(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * _PADDING or abs(high) * _PADDING or 1.0
    return low - room, high + room


def _even_ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(place * step, 12) for place in range(first, last + 1)]


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(low), math.ceil(high) + 1)
    digits = (1, 2, 5) if high - low < 3 else (1,)  # noqa: PLR2004  decades
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    return [tick for tick in ticks if low <= math.log10(tick) <= high]


def _short(value: float) -> str:
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def _front(best: Sequence[Dot]) -> tuple[tuple[float, float], ...]:
    """Return the corners of what the best points dominate, between the first and the last."""
    ordered = sorted({(dot.x, dot.y) for dot in best})
    corners = ordered[:1]
    for one, other in pairwise(ordered):
        # Both dominate up to the better one's cost and the worse one's quality; y grows downwards.
        corners += [(min(one, other, key=lambda each: each[1])[0], max(one[1], other[1])), other]
    return tuple(corners)


def _labelled(dots: Sequence[Dot], front: Sequence[tuple[float, float]]) -> Iterator[Dot]:
    """Yield all points, those with labels where there is room."""
    taken = [Box(dot.x - _DOT, dot.y - _DOT, dot.x + _DOT, dot.y + _DOT) for dot in dots]
    taken += [
        Box(dot.x - 1, dot.high, dot.x + 1, dot.low)
        for dot in dots
        if dot.low is not None and dot.high is not None
    ]
    taken += [
        Box(min(x, to_x) - 1, min(y, to_y) - 1, max(x, to_x) + 1, max(y, to_y) + 1)
        for (x, y), (to_x, to_y) in pairwise(front)
    ]
    for dot in sorted(dots, key=lambda dot: (not dot.point.best, dot.y)):
        label = None
        if dot.point.best or len(dots) <= ALL_LABELLED:
            label = next(
                (each for each in _places(dot) if not any(map(each.box.meets, taken))), None
            )
        if label is not None:
            taken.append(label.box)
        yield replace(dot, label=label)


def _places(dot: Dot) -> Iterator[Label]:
    """Yield a label at every place around a point that lies within the drawing."""
    name = dot.point.label
    text = name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1].rstrip() + "…"
    wide = len(text) * _CHARACTER
    aside = _DOT + _GAP
    anchors: tuple[tuple[float, Literal["start", "end", "middle"]], ...]
    anchors = ((aside, "start"), (-aside, "end"), (0.0, "middle"))
    for down in (0.0, -_LINE, _LINE, -2 * _LINE, 2 * _LINE):
        for offset, anchor in anchors:
            x, middle = dot.x + offset, dot.y + down
            left = {"start": x, "end": x - wide, "middle": x - wide / 2}[anchor]
            box = Box(left, middle - _LINE / 2, left + wide, middle + _LINE / 2)
            if box.left >= LEFT and box.right <= RIGHT and box.top >= TOP and box.bottom <= BOTTOM:
                yield Label(
                    text=text, x=round(x, 2), y=round(middle + 4, 2), anchor=anchor, box=box
                )
