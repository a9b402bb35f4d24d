"""An index of two segments: a large approximate one that never changes, a small exact one.

What was added since the approximate index was built lies in the exact one, and what was removed
is masked, so that a change of a large gallery costs what the change is large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.vectors.exact import ExactIndex, as_ids

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.approximate import ApproximateIndex

# With more changes than this share of its base the whole is built anew: the exact segment slows
# queries down, and the lists fit the vectors less and less.
MOST_CHANGED: Final = 0.05


class SegmentedIndex:
    """Approximate inner-product search over rows that are known by an id.

    Attributes:
        base: the approximate index.
        tail: exact, with what was added since.
        removed: ids of the base that are gone, ascending, int64.
    """

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
        """Return candidates for each query, the k best of each segment where there are so many.

        Scores of the segments are not quite comparable, so neither crowds out the other.

        Args:
            queries: shape (q, dim), finite.
            k: how many candidates, from 1 up.
            allowed: when given, only these ids can match; unknown ones are ignored.
            excluded: these ids can not match, allowed or not.

        Returns:
            Scores (q, w) float32 and ids (q, w) int64 with w from k to 2 k, best first; -inf and
            -1 where fewer exist. The best of the approximate segment have approximate scores.

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """
        masked = self.removed
        if excluded is not None:
            masked = np.union1d(masked, as_ids(excluded))
        found = [self.base.search(queries, k, allowed=allowed, excluded=masked)]
        if len(self.tail):
            width = min(k, len(self.tail))
            found.append(self.tail.search(queries, width, allowed=allowed, excluded=excluded))
        scores = np.hstack([part[0] for part in found])
        ids = np.hstack([part[1] for part in found])
        order = np.lexsort((ids, -scores, ids < 0), axis=1)
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
