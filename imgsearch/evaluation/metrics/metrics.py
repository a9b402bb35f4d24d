"""Metrics by name, such as "mAP" or "recall@10".

The formulas are in `rank_metrics.py`; each function's docstring is its metric's definition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics import rank_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.evaluation.metrics.rankings import Rankings


@dataclass(frozen=True, slots=True)
class _Family:
    """Metrics that differ at most in k.

    Attributes:
        formula: from `rank_metrics`; takes k as its second argument if it has one.
        default_k: k where none is given; 0 where one must be given; None where there is none.
    """

    formula: Callable[..., NDArray[np.float64]]
    default_k: int | None = None


_FAMILIES: Final = {
    "mAP": _Family(rank_metrics.average_precision),
    "mAP-trapezoid": _Family(rank_metrics.trapezoid_average_precision),
    "mAP@": _Family(rank_metrics.average_precision_at, 0),
    "precision@": _Family(rank_metrics.precision_at, 0),
    "recall@": _Family(rank_metrics.recall_at, 0),
    "hit-rate@": _Family(rank_metrics.hit_rate_at, 0),
    "R-precision": _Family(rank_metrics.r_precision),
    "MAP@R": _Family(rank_metrics.average_precision_at_r),
    "nDCG@": _Family(rank_metrics.discounted_gain_at, 0),
    "MRR": _Family(rank_metrics.reciprocal_rank),
    "N-S": _Family(rank_metrics.scene_score, 4),
    "mP@": _Family(rank_metrics.revisited_precision_at, 0),
    "micro-AP": _Family(rank_metrics.average_precision_at_all),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of rankings; larger is better.

    Attributes:
        name: its short name, such as "recall@10".
        k: how many first answers it considers; None where it has no such number.
    """

    name: str
    k: int | None
    _family: _Family

    @property
    def across_queries(self) -> bool:
        """Whether `rank` must be told `across_queries=True` for it."""
        return self._family.formula is rank_metrics.average_precision_at_all

    def values(self, rankings: Rankings) -> NDArray[np.float64]:
        """Return the value for each query, shape (q,); NaN for a query without relevant items.

        The metric's figure is the mean over the other queries.

        Raises:
            UsageError: `across_queries` is set, and the rankings were made without it.
        """
        arguments: tuple[Any, ...] = (rankings,) if self.k is None else (rankings, self.k)
        return self._family.formula(*arguments)


def parse_metric(text: str) -> Metric:
    """Return the metric of this name.

    Args:
        text: one of `NAMES`, with a whole number from 1 up for K; case-sensitive, since MAP@R is
            not mAP@k.

    Raises:
        UsageError: there is no such metric.
    """
    if text in _FAMILIES and not text.endswith("@"):
        exact = _FAMILIES[text]
        return Metric(text, exact.default_k, exact)
    name, at, number = text.partition("@")
    family = _FAMILIES.get(f"{name}@") or (_FAMILIES[name] if name == "N-S" else None)
    if family is None or not at:
        raise UsageError(f"metric {text!r}: there is no such metric; expected {_listed()}")
    if not (number.isascii() and number.isdecimal()) or number.startswith("0"):
        raise UsageError(
            f"metric {text!r}: {number!r} is not a number of first answers; write {name}@ and a "
            f"whole number from 1 up, such as {name}@10"
        )
    return Metric(text, int(number), family)


def _listed() -> str:
    return f"{', '.join(NAMES[:-1])} or {NAMES[-1]}, with a number from 1 up for K"


# With K for a number.
NAMES: Final = tuple(f"{name}K" if name.endswith("@") else name for name in _FAMILIES)

# Of the whole ranking, of its first R, of the first screen of answers, and of the first one.
DEFAULT_METRICS: Final = tuple(
    map(parse_metric, ("mAP", "R-precision", "MAP@R", "precision@5", "recall@10", "hit-rate@1"))
)
