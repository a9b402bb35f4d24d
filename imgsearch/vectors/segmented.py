"""An index of two segments: a large approximate one that never changes, a small exact one.

What was added since the approximate index was built lies in the exact one, and what was removed
is masked, so that a change of a large gallery costs what the change is large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.vectors import approximate_file
from imgsearch.vectors.exact import SPARE, ExactIndex, as_ids
from imgsearch.vectors.index_plan import AUTO, IVF, candidates_wanted
from imgsearch.vectors.protocol import IndexDescription, IndexParts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.approximate import ApproximateIndex
    from imgsearch.vectors.index_plan import IndexChoice

# With more changes than this share of its base the whole is built anew: the exact segment slows
# queries down, and the lists fit the vectors less and less.
MOST_CHANGED: Final = 0.05
# Ids that are masked, as a file holds them.
STATE: Final = np.dtype("<i8")


class SegmentedIndex:
    """Approximate inner-product search over rows that are known by an id: a `VectorIndex`.

    Attributes:
        base: the approximate index.
        tail: exact, with what was added since.
        removed: ids of the base that are gone, shape (n,), int64, ascending.
    """

    kind: Final = IVF
    is_exact: Final = False

    def __init__(
        self, base: ApproximateIndex, tail: ExactIndex, removed: NDArray[np.int64]
    ) -> None:
        self.base = base
        self.tail = tail
        self.removed = removed

    def __len__(self) -> int:
        return len(self.base) - len(self.removed) + len(self.tail)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.base.dim

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, shape (n,), int64, in no order."""
        left = np.setdiff1d(self.base.ids, self.removed, assume_unique=True)
        return np.concatenate([left, self.tail.ids])

    @property
    def exact_ids(self) -> NDArray[np.int64]:
        """Those of what was added since."""
        return self.tail.ids

    @property
    def is_outgrown(self) -> bool:
        """Whether so much has changed that the whole is better built anew."""
        return len(self.tail) + len(self.removed) > MOST_CHANGED * len(self.base)

    def add(self, ids: ArrayLike, vectors: NDArray[np.floating[Any]]) -> None:
        """Add vectors under ids that the index does not hold.

        Raises:
            UsageError: as `ExactIndex.add`.
        """
        self.tail.add(ids, vectors)

    def remove(self, ids: ArrayLike) -> int:
        """Remove vectors and return how many there were; ids that the index lacks are ignored."""
        gone = np.unique(as_ids(ids))
        count = self.tail.remove(gone)
        masked = gone[np.isin(gone, self.base.ids) & ~np.isin(gone, self.removed)]
        self.removed = np.union1d(self.removed, masked)
        return count + len(masked)

    def search(
        self,
        queries: NDArray[np.floating[Any]],
        k: int,
        *,
        allowed: ArrayLike | None = None,
        excluded: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the k best of each segment for each query, where there are so many.

        As `VectorIndex.search` says, with scores and ids of shape (q, w), w from k to 2 k. Scores
        of the segments are not quite comparable, so neither crowds out the other.

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """
        masked: NDArray[np.int64] | None = self.removed if len(self.removed) else None
        if excluded is not None:
            masked = np.union1d(self.removed, as_ids(excluded))
        found = [self.base.search(queries, k, allowed=allowed, excluded=masked)]
        if not len(self.tail):
            return found[0]
        width = min(k, len(self.tail))
        found.append(self.tail.search(queries, width, allowed=allowed, excluded=excluded))
        scores = np.hstack([part[0] for part in found])
        ids = np.hstack([part[1] for part in found])
        order = np.lexsort((ids, -scores, ids < 0), axis=1)
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)

    def kept(self, ids: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which ids' vectors (m,) are at hand, and these as they were added, (w, dim)."""
        wanted = as_ids(ids)
        known, rows = self.base.read(wanted)
        if len(self.removed):
            gone = np.isin(wanted, self.removed)
            rows, known = rows[~gone[known]], known & ~gone
        if not len(self.tail) or known.all():
            return known, rows
        added, more = self.tail.kept(wanted)
        vectors = np.empty((len(wanted), self.dim), np.float32)
        vectors[known], vectors[added] = rows, more
        known |= added
        return known, vectors[known]

    def candidates(self, k: int) -> int:
        """Return how many candidates to score exactly when k are wanted."""
        return candidates_wanted(self.base.plan, k, spare=SPARE)

    def vectors(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Return the vectors (m, dim), float32, of ids (m,) that were added since.

        Raises:
            UsageError: the exact segment lacks an id.
        """
        return self.tail.vectors(ids)

    def fits(self, choice: IndexChoice) -> bool:
        """Whether a choice asks for such codes, and not too much has changed since."""
        if self.is_outgrown:
            return False
        plan = choice.plan(len(self), self.dim)
        if choice.factory != AUTO:
            return plan.factory == self.base.plan.factory
        # Near the size from which on an index is approximate, a few images decide nothing.
        mine = self.base.plan
        return plan.is_exact or (
            (plan.reduced, plan.kept) == (mine.reduced, mine.kept)
            and _codes(mine.factory) in map(_codes, (plan.factory, plan.finer))
        )

    def describe(self) -> IndexDescription:
        """Return how the base is searched, and how much has changed since."""
        measured = self.base.measured
        return IndexDescription(
            factory=self.base.plan.factory,
            lists_probed=measured.probed,
            recall=measured.recall,
            recall_queries=measured.queries,
            added=len(self.tail),
            removed=len(self.removed),
        )

    def parts(self) -> IndexParts:
        """Return what was added and removed since; the base is written once."""
        return IndexParts(
            held=self.tail,
            state=self.removed.astype(STATE).tobytes(),
            write_base=self._write_base,
        )

    def _write_base(self, path: Path) -> str:
        return approximate_file.save(path, self.base)


def _codes(factory: str) -> str:
    return factory.rpartition(",")[2]
