"""How an approximate index is searched, as it was measured when the index was built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from imgsearch.vectors.probes import Probes

# So many candidates are asked for when ten matches are wanted, for which an index is measured. Who
# asks for more gets lists and candidates in proportion to these powers of how many more, and finds
# as large a share of what is nearest (benchmarks/results/answer_rivals.md).
MEASURED_WIDTH: Final = 27
PROBES_POWER: Final = 0.5
REFINEMENT_POWER: Final = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How well an approximate index finds what exact search finds, and what for.

    Attributes:
        probes: how many lists a query probes.
        probed: lists that the queries below probe on average.
        refinement: how many of the best by their codes are scored again where ten matches are
            wanted.
        recall: ANN recall@10 against exact search, the candidates scored exactly.
        queries: how many of the gallery's own embeddings were the queries.
    """

    probes: Probes
    probed: float
    refinement: int
    recall: float
    queries: int

    def probes_for(self, k: int) -> Probes:
        """Return how many lists a query for so many candidates probes."""
        return self.probes.widened(max(1.0, k / MEASURED_WIDTH) ** PROBES_POWER)

    def refinement_for(self, k: int) -> int:
        """Return how many candidates are scored again for so many."""
        growth: float = max(1.0, k / MEASURED_WIDTH) ** REFINEMENT_POWER
        return max(k, round(self.refinement * growth))
