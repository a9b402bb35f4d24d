"""Figures of an evaluation as people read them: shares in percent, unknown ones as a dash."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from imgsearch.evaluation.results import Estimate

UNKNOWN: Final = "\u2013"
_MINUS: Final = "\u2212"
# The N-S score counts images, from 0 to 4; all other metrics are shares.
COUNTS: Final = frozenset({"N-S"})
_WHOLE_FROM: Final = 100
_TENTHS_FROM: Final = 10


def scale_of(metric: str) -> float:
    """Return what a metric's values are multiplied with to be shown: 100 for a share."""
    return 1.0 if metric in COUNTS else 100.0


def decimals_of(metric: str) -> int:
    """Return how many decimals a metric is shown with."""
    return 2 if metric in COUNTS else 1


def heading(metric: str) -> str:
    """Return a metric's name with its unit, such as "mAP %"."""
    return metric if metric in COUNTS else f"{metric} %"


def figure(value: float, metric: str) -> str:
    """Return a metric's value, such as "70.1" for an mAP of 0.701."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value * scale_of(metric):.{decimals_of(metric)}f}"


def signed(value: float, metric: str) -> str:
    """Return a difference of a metric with its sign, such as "+5.3"."""
    text = figure(abs(value), metric)
    if text == UNKNOWN:
        return text
    zero = float(text) == 0
    return f"{'±' if zero else '+' if value > 0 else _MINUS}{text}"


def interval(estimate: Estimate, metric: str) -> str:
    """Return an interval such as "68.9 – 71.4", empty where it is unknown."""
    low, high = figure(estimate.low, metric), figure(estimate.high, metric)
    return "" if UNKNOWN in (low, high) else f"{low} \u2013 {high}"


def signed_interval(estimate: Estimate, metric: str) -> str:
    """Return a difference's interval such as "+4.6 to +6.0", empty where it is unknown."""
    low, high = signed(estimate.low, metric), signed(estimate.high, metric)
    return "" if UNKNOWN in (low, high) else f"{low} to {high}"


def is_certain(difference: Estimate) -> bool:
    """Tell whether a difference's interval leaves out 0: whether a winner may be named."""
    return difference.low > 0 or difference.high < 0


def amount(value: float) -> str:
    """Return a rate, time or size with three digits at least, such as "1,234", "87.3", "5.12"."""
    if not math.isfinite(value):
        return UNKNOWN
    size = abs(value)
    decimals = 0 if size >= _WHOLE_FROM or size == int(size) else 1 if size >= _TENTHS_FROM else 2
    return f"{value:,.{decimals}f}"


def duration(seconds: float) -> str:
    """Return a duration such as "43 s", "12 min 5 s" or "2 h 3 min"."""
    if not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
