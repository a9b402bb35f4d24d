"""What is searched: the projected embeddings of one recipe, in an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from imgsearch.networks.pooling import l2_normalise
from imgsearch.search.sieve import Sieve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.protocol import VectorIndex


class Space(Protocol):
    """What answers are found in: the caches of a gallery, or a collection that was published."""

    @property
    def dim(self) -> int:
        """Length of the vectors that are searched."""

    @property
    def is_exact(self) -> bool:
        """Whether the last search found what is nearest, rather than nearly always."""

    def __len__(self) -> int:
        """Return how many vectors there are."""

    def candidates(self, k: int) -> int:
        """Return how many candidates to ask for when k matches are wanted."""

    def search(
        self,
        queries: NDArray[np.float32],
        width: int,
        *,
        allowed: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and ids, as `VectorIndex.search` does."""

    def vectors(
        self, embeddings: Embeddings, ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return candidates' ids `(m,)` and their exact vectors `(m, out)`; some may be lacking."""

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as unit vectors `(n, out)` of this space."""

    def narrowed(self, store: Store, where: Filters) -> tuple[Space, Sieve]:
        """Return what to search for matches that pass filters, and what tells candidates that do.

        Raises:
            UsageError: a folder of the filter is not in the gallery.
        """


@dataclass(slots=True)
class SearchSpace:
    """The embeddings of one recipe as they are searched: a `Space`.

    Attributes:
        projection: what the raw embeddings go through; None when they are searched as they are.
        index: inner products with the projected unit vectors, by content id.
        generation: of the recipe, when it was built.
        fitted_at: how many contents the gallery had when the projection was fitted.
        base: name and checksum of the file with the part of the index that never changes, "" while
            there is none.
    """

    projection: Projection | None
    index: VectorIndex
    generation: int
    fitted_at: int = 0
    base: str = ""

    @property
    def dim(self) -> int:
        """Length of the vectors that are searched."""
        return self.index.dim

    def __len__(self) -> int:
        return len(self.index)

    @property
    def is_exact(self) -> bool:
        """Whether the index finds what is nearest, rather than nearly always."""
        return self.index.is_exact

    def candidates(self, k: int) -> int:
        """Return how many candidates to ask the index for when k matches are wanted."""
        return self.index.candidates(k)

    def search(
        self,
        queries: NDArray[np.float32],
        width: int,
        *,
        allowed: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and ids, as `VectorIndex.search` does."""
        return self.index.search(queries, width, allowed=allowed)

    def narrowed(self, store: Store, where: Filters) -> tuple[SearchSpace, Sieve]:
        """Return all of it, and the filters of the database.

        Raises:
            UsageError: a folder of the filter is not in the gallery.
        """
        return self, Sieve(store, where)

    def vectors(
        self, embeddings: Embeddings, ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return candidates' ids `(m,)` and their exact vectors `(m, out)`.

        Those that are not at hand in the index are made again from the rows, and a candidate of
        which there is no row either, as in a damaged list, is left out.
        """
        at_hand, rows = self.index.kept(ids)
        if at_hand.all():
            return ids, rows
        found, made = [ids[at_hand]], [rows]
        for identifiers, raw in embeddings.blocks(ids[~at_hand].tolist()):
            found.append(identifiers)
            made.append(self.project(raw))
        return np.concatenate(found), np.concatenate(made)

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as unit vectors `(n, out)` of this space."""
        return embeddings if self.projection is None else self.projection.apply(embeddings)


def combined(
    rows: NDArray[np.float32], weights: NDArray[np.float64], *, asked: int
) -> NDArray[np.float32]:
    """Return the query vector `(out,)` of several images.

    It is the weighted mean of the vectors that are asked about, less that of those to stay away
    from, of unit length. In a centred space the difference leaves what the images do not share.

    Args:
        rows: vectors of a search space `(n, out)`; those asked about come first, one at least.
        weights: what each of them is multiplied by, `(n,)`.
        asked: how many are asked about.
    """
    if len(rows) == 1:
        alone: NDArray[np.float32] = l2_normalise(rows)[0]  # the mean of one
        return alone
    weighed = rows.astype(np.float64) * weights[:, np.newaxis]
    vector = weighed[:asked].mean(axis=0)
    if len(rows) > asked:
        vector = vector - weighed[asked:].mean(axis=0)
    unit: NDArray[np.float32] = l2_normalise(vector[np.newaxis].astype(np.float32))[0]
    return unit
