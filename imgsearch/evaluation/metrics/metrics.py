"""Metrics by name: what the command line asks for, and what the tables explain.

The formulas are in `rank_metrics.py`; each function's docstring is its metric's definition.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics import rank_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.evaluation.metrics.rankings import Rankings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A family of metrics that differ at most in k.

    Attributes:
        full_name: with "{k}" in the place of k, where there is one.
        formula: from `rank_metrics`; takes k as its second argument where there is one.
        default_k: k where none is given; 0 where one must be given; None where there is none.
    """

    full_name: str
    formula: Callable[..., NDArray[np.float64]]
    default_k: int | None = None


_KINDS: Final = {
    "mAP": _Kind(
        full_name="mean average precision (rectangular)", formula=rank_metrics.average_precision
    ),
    "mAP-trapezoid": _Kind(
        full_name="mean average precision by trapezoids (Holidays, ROxford, RParis)",
        formula=rank_metrics.trapezoid_average_precision,
    ),
    "mAP@": _Kind(
        full_name="mean average precision among the first {k}, divided by min(R, {k})",
        formula=rank_metrics.average_precision_at,
        default_k=0,
    ),
    "precision@": _Kind(
        full_name="precision among the first {k}", formula=rank_metrics.precision_at, default_k=0
    ),
    "recall@": _Kind(
        full_name="recall among the first {k}", formula=rank_metrics.recall_at, default_k=0
    ),
    "hit-rate@": _Kind(
        full_name="hit rate: queries with a relevant match among the first {k}",
        formula=rank_metrics.hit_rate_at,
        default_k=0,
    ),
    "R-precision": _Kind(
        full_name="R-precision: precision among the first R", formula=rank_metrics.r_precision
    ),
    "MAP@R": _Kind(
        full_name="mean average precision at R (Musgrave 2020)",
        formula=rank_metrics.average_precision_at_r,
    ),
    "nDCG@": _Kind(
        full_name="normalised discounted cumulative gain among the first {k}",
        formula=rank_metrics.discounted_gain_at,
        default_k=0,
    ),
    "MRR": _Kind(full_name="mean reciprocal rank", formula=rank_metrics.reciprocal_rank),
    "N-S": _Kind(
        full_name="N-S score (UKBench): right ones among the first {k}, the query counted",
        formula=rank_metrics.scene_score,
        default_k=4,
    ),
    "mP@": _Kind(
        full_name="mean precision among the first {k}, as ROxford and RParis cut it",
        formula=rank_metrics.revisited_precision_at,
        default_k=0,
    ),
    "micro-AP": _Kind(
        full_name="micro average precision (µAP) over the pairs of all queries",
        formula=rank_metrics.average_precision_at_all,
    ),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to say how good rankings are; larger is better.

    Attributes:
        name: its short name, such as "recall@10".
        k: how many first answers it looks at; None where it has no such number.
    """

    name: str
    k: int | None
    _kind: _Kind

    @property
    def full_name(self) -> str:
        """Its name in words."""
        return self._kind.full_name.format(k=self.k)

    @property
    def definition(self) -> str:
        """Formula, convention and source, as text of several lines."""
        return inspect.cleandoc(self._kind.formula.__doc__ or "")

    @property
    def best(self) -> float:
        """The value of a perfect ranking with as many relevant items as k; 1, but for N-S."""
        is_scene_score = self._kind.formula is rank_metrics.scene_score
        return float(self.k) if is_scene_score and self.k else 1.0

    @property
    def across_queries(self) -> bool:
        """Whether `rank` must be told `across_queries=True` for it."""
        return self._kind.formula is rank_metrics.average_precision_at_all

    def values(self, rankings: Rankings) -> NDArray[np.float64]:
        """Return its value for each query, shape (q,); NaN for a query without relevant items.

        Its figure is the mean over the other queries.

        Raises:
            UsageError: it ranks across queries, and the rankings were made without that.
        """
        arguments: tuple[Any, ...] = (rankings,) if self.k is None else (rankings, self.k)
        return self._kind.formula(*arguments)


def parse_metric(text: str) -> Metric:
    """Return the metric of this name.

    Args:
        text: one of `NAMES`, with a whole number from 1 up for K; upper and lower case differ,
            since MAP@R is no mAP@k.

    Raises:
        UsageError: there is no such metric; the message lists them all.
    """
    if text in _KINDS and not text.endswith("@"):
        kind = _KINDS[text]
        return Metric(text, kind.default_k, kind)
    name, at, number = text.partition("@")
    family = _KINDS.get(f"{name}@") or (_KINDS[name] if name == "N-S" else None)
    if family is None or not at:
        raise UsageError(f"metric {text!r}: there is none of this name; expected {_listed()}")
    if not (number.isascii() and number.isdecimal()) or number.startswith("0"):
        raise UsageError(
            f"metric {text!r}: {number!r} is not a number of first answers; write {name}@ and a "
            f"whole number from 1 up, such as {name}@10"
        )
    return Metric(text, int(number), family)


def _listed() -> str:
    return f"{', '.join(NAMES[:-1])} or {NAMES[-1]}, with a number from 1 up for K"


# What can be asked for, K standing for a number.
NAMES: Final = tuple(f"{name}K" if name.endswith("@") else name for name in _KINDS)

# What a table shows when nobody asks for something else: the whole ranking, where a perfect one
# ends, the first answers as they are seen, and whether there is anything right at all.
DEFAULT_METRICS: Final = tuple(
    map(parse_metric, ("mAP", "R-precision", "MAP@R", "precision@5", "recall@10", "hit-rate@1"))
)
