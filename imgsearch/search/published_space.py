"""A collection that was published, as a space that answers are found in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.search.sieve import Sieve
from imgsearch.services.conditions import EVERYTHING, AllOf, passes
from imgsearch.services.wanting import conditions_of
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.search.published_rows import PublishedRows
    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import Entry
    from imgsearch.services.protocol import Collection
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings

# So many more candidates than matches: ties at the end, and what the question leaves out.
_SPARE: Final = 10


@dataclass(slots=True)
class PublishedSpace:
    """A `Space` over a collection in one state.

    Attributes:
        collection: that is searched.
        rows: what it has told so far, and where that is kept.
        condition: that everything found passes.
        is_exact: whether the last search was, as the engine says.
    """

    collection: Collection
    rows: PublishedRows
    condition: Condition = EVERYTHING
    is_exact: bool = True

    @property
    def dim(self) -> int:
        """Length of the vectors that are searched."""
        return self.collection.description.dim

    def __len__(self) -> int:
        return self.collection.description.count

    def candidates(self, k: int) -> int:
        """Return how many candidates to ask for when k matches are wanted."""
        return k + _SPARE

    def search(
        self,
        queries: NDArray[np.float32],
        width: int,
        *,
        allowed: NDArray[np.int64] | None = None,  # noqa: ARG002 - conditions take its place
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and ids of what passes the condition, by exact scores."""
        self.is_exact = True
        found = [self._nearest(query, width) for query in queries]
        most = max(1, width, *map(len, found))
        scores = np.full((len(queries), most), -np.inf, np.float32)
        ids = np.full((len(queries), most), -1, np.int64)
        for row, entries in enumerate(found):
            for place, (score, entry) in enumerate(entries):
                scores[row, place], ids[row, place] = score, entry.id
        return scores, ids

    def vectors(
        self,
        embeddings: Embeddings,  # noqa: ARG002 - entries have all that there is
        ids: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids `(m,)` of fetched entries and their vectors `(m, out)`."""
        rows = [self.rows.entries[identifier].vector for identifier in ids.tolist()]
        return ids, np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as unit vectors `(n, out)` of this space."""
        projection = self.collection.description.projection
        return embeddings if projection is None else projection.apply(embeddings)

    def narrowed(self, store: Store, where: Filters) -> tuple[PublishedSpace, Sieve]:
        """Return a space in which filters act inside the search.

        Raises:
            UsageError: a folder of the filter is not in the collection.
        """
        given = conditions_of(where, self.collection.description)
        condition = AllOf(tuple(given.values()))
        return replace(self, condition=condition), _Passing(store, self.rows, condition)

    def _nearest(self, query: NDArray[np.float32], width: int) -> list[tuple[float, Entry]]:
        """Return scores and entries that pass, the best first: `width` at least, or all."""
        asked = width
        while True:
            near = self.collection.search(query, asked, self.condition)
            entries = [entry for entry in near.entries if passes(self.condition, entry)]
            if near.exhausted or len(entries) >= width:
                break
            asked *= 4
        self.is_exact = self.is_exact and near.is_exact
        self.rows.take(entries)
        wide = query.astype(np.float64)
        scored = [(float((entry.vector * wide).sum()), entry) for entry in entries]
        scored.sort(key=lambda one: (-one[0], one[1].id))
        return scored


class _Passing(Sieve):
    """Tells which fetched entries pass; what a search finds does already."""

    def __init__(self, store: Store, rows: PublishedRows, condition: Condition) -> None:
        super().__init__(store, Filters())
        self._rows = rows
        self._condition = condition

    def passing(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some ids (m,) pass."""
        held = [self._rows.entries[identifier] for identifier in ids.tolist()]
        return np.array([passes(self._condition, entry) for entry in held], dtype=np.bool_)
