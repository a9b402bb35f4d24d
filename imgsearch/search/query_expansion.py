"""Query expansion: a query and what it found first, together, ask again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_ALPHA: Final = 3.0


@dataclass(frozen=True, slots=True)
class Expansion:
    """How a query is expanded.

    Attributes:
        k: how many of its first matches join it, from 1 up.
        alpha: the power of their scores that weighs them, from 0 up. The larger it is, the less a
            match counts that is not near; 0 gives all the same weight as the query.
    """

    k: int
    alpha: float = DEFAULT_ALPHA

    def __post_init__(self) -> None:
        """Refuse what is no expansion.

        Raises:
            UsageError: names the value and what it may be.
        """
        if self.k < 1:
            raise UsageError(f"expand: {self.k} is not a number of matches above 0")
        if not 0 <= self.alpha < np.inf:
            raise UsageError(f"expand: alpha {self.alpha} is not finite and 0 or more")

    @classmethod
    def parse(cls, text: str) -> Expansion:
        """Return the expansion that a command line names.

        Args:
            text: K, or K:ALPHA, such as "3" or "5:2.5".

        Raises:
            UsageError: the text is neither.
        """
        k, colon, alpha = text.partition(":")
        try:
            return cls(int(k), float(alpha) if colon else DEFAULT_ALPHA)
        except (ValueError, UsageError) as error:
            raise UsageError(
                f"expand: {text!r} is neither K nor K:ALPHA (such as 3 or 3:0, with 1 match or "
                "more and an alpha from 0 up)"
            ) from error

    def __str__(self) -> str:
        return f"{self.k}:{self.alpha:g}"


def expanded(
    query: NDArray[np.floating[Any]],
    neighbours: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]],
    *,
    alpha: float,
) -> NDArray[np.float32]:
    """Return a query moved towards its neighbours.

    q' = q + Σ_i max(s_i, 0)^α x_i, then to unit length, from Radenović, Tolias and Chum,
    "Fine-tuning CNN image retrieval with no human annotation" (2018). α = 0 is the
    average query expansion of Chum, Philbin, Sivic, Isard and Zisserman, "Total recall" (2007),
    in which every neighbour, also one of a score below 0, weighs as much as the query.

    Args:
        query: unit vector, shape (dim,).
        neighbours: unit vectors x_i, shape (k, dim).
        scores: s_i of the neighbours with the query, shape (k,).
        alpha: α, from 0 up.

    Returns:
        Shape (dim,), float32, of unit length, summed in float64. The query itself where there are
        no neighbours, or where they cancel it out.
    """
    weights = np.maximum(scores.astype(np.float64), 0) ** alpha
    # (k,) @ (k, dim) -> (dim,)
    moved = query + weights @ neighbours.astype(np.float64)
    unit: NDArray[np.float32] = l2_normalise((moved if moved.any() else query)[np.newaxis])[0]
    return unit
