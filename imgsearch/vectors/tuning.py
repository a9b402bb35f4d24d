"""How an approximate index is searched: lists to probe and candidates to score again, together.

More lists find more of the nearest vectors, and more candidates keep those whose codes flatter
others. Either alone may be dear or not suffice, so every pair of a rule and a number is judged by
what it finds of the gallery's own vectors and by what it costs, and the cheapest that finds enough
is taken. One search through all lists tells all pairs: which vectors a rule would have seen, in
which order their codes put them, and which of them are true neighbours.

Costs are reckoned and not timed, so that the same vectors give the same index on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.vectors.probes import Probes, probe_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

# What is tried; inner products of unit vectors with their centroids differ by some tenths.
SHARES: Final = (
    0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.83, 0.86, 0.89, 0.92, 0.94, 0.96,
    0.975, 0.985, 0.992, 0.997, 1.0,
)  # fmt: skip
TEMPERATURES: Final = (0.02, 0.035, 0.05, 0.07, 0.1)
# The least costs next to nothing, and finds most of what is asked for beyond the tenth.
REFINEMENTS: Final = (200, 300, 400, 600, 800, 1200, 1600, 2400)

# Nanoseconds for each byte of a code that is scanned, each list that is probed, and each byte of
# a vector with which a candidate is scored again (benchmarks/results/answer_rivals.md). Only their
# ratios matter.
_SCANNED_BYTE: Final = 0.04
_LIST: Final = 200.0
_REFINED_BYTE: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A way to search, and what it finds.

    Attributes:
        probes: which lists a query probes.
        refinement: how many candidates are scored again, or taken where none are.
        probed: lists that a query probes on average.
        recall: share of the true neighbours that are found.
        cost: of a query, in units that compare.
    """

    probes: Probes
    refinement: int
    probed: float
    recall: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """What queries found in all lists.

    Attributes:
        products: inner products with all centroids, shape (q, nlist), descending.
        sizes: of the lists in that order, shape (q, nlist).
        nearness: of each candidate, the rank of its list for its query from 0 on, shape (q, w), in
            the order of their codes; nlist for none.
        is_true: which candidates are true neighbours that are found if they are candidates.
        neighbours: how many true neighbours there are in all.
        code_bytes: of a vector's code.
        refined_bytes: of the vector with which a candidate is scored again.
    """

    products: NDArray[np.float32]
    sizes: NDArray[np.int64]
    nearness: NDArray[np.int64]
    is_true: NDArray[np.bool_]
    neighbours: int
    code_bytes: int
    refined_bytes: int

    def best(self, refinements: Sequence[int], target: float) -> Pair:
        """Return the cheapest pair that finds enough, or the one that finds most."""
        rules = self._tried()
        least = min(refinements) * self._refined
        rows, nearness = np.nonzero(self.is_true)[0], self.nearness[self.is_true]
        found: Pair | None = None
        for rule in rules:
            # Most rules can neither reach the target nor be cheaper than one that does.
            reached = int(np.count_nonzero(nearness < rule.counts[rows])) / max(1, self.neighbours)
            if reached < target or (found is not None and rule.cost + least > found.cost):
                continue
            for pair in self._pairs(rule, refinements):
                if pair.recall >= target and (found is None or _rank(pair) < _rank(found)):
                    found = pair
        if found is not None:
            return found
        return max(self.pairs(refinements), key=lambda pair: (pair.recall, -pair.cost))

    def pairs(self, refinements: Sequence[int]) -> Iterator[Pair]:
        """Yield all pairs of a rule and one of these numbers."""
        for rule in self._tried():
            yield from self._pairs(rule, refinements)

    @property
    def _refined(self) -> float:
        """What it costs to score a candidate again."""
        return self.refined_bytes * _REFINED_BYTE

    def _tried(self) -> list[_Rule]:
        scanned = np.cumsum(self.sizes, axis=1)
        return [self._rule(probes, scanned) for probes in _rules(self.products.shape[1])]

    def _rule(self, probes: Probes, scanned: NDArray[np.int64]) -> _Rule:
        counts = probe_counts(self.products, probes)
        vectors = np.take_along_axis(scanned, counts[:, np.newaxis] - 1, axis=1).mean()
        probed = float(counts.mean())
        cost = float(vectors) * self.code_bytes * _SCANNED_BYTE + probed * _LIST
        return _Rule(probes, counts, probed, cost)

    def _pairs(self, rule: _Rule, refinements: Sequence[int]) -> Iterator[Pair]:
        seen = self.nearness < rule.counts[:, np.newaxis]
        # Places among the candidates that this rule sees, from 1 on.
        places = np.sort(np.cumsum(seen, axis=1, dtype=np.int32)[seen & self.is_true])
        for refinement in refinements:
            yield Pair(
                probes=rule.probes,
                refinement=refinement,
                probed=rule.probed,
                recall=int(np.searchsorted(places, refinement, side="right"))
                / max(1, self.neighbours),
                cost=rule.cost + refinement * self._refined,
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """How many lists queries probe by a rule, shape (q,), on average, and what scanning costs."""

    probes: Probes
    counts: NDArray[np.int64]
    probed: float
    cost: float


def _rank(pair: Pair) -> tuple[float, float]:
    return pair.cost, -pair.recall


def _rules(nlist: int) -> list[Probes]:
    """Return what is tried: fixed numbers of lists, and shares of their weight."""
    if nlist == 1:
        return [Probes(nprobe=1)]
    fixed = sorted({min(nlist, round(2 ** (step / 2))) for step in range(40)})
    return [Probes(nprobe=nprobe) for nprobe in fixed] + [
        Probes(nprobe=nlist, share=share, temperature=temperature)
        for temperature in TEMPERATURES
        for share in SHARES
        if share < 1
    ]
