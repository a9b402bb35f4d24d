"""What is searched: the projected embeddings of one recipe, in an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.protocol import VectorIndex


@dataclass(slots=True)
class SearchSpace:
    """The embeddings of one recipe as they are searched.

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
    def is_exact(self) -> bool:
        """Whether the index finds what is nearest, rather than nearly always."""
        return self.index.is_exact

    def candidates(self, k: int) -> int:
        """Return how many candidates to ask the index for when k matches are wanted."""
        return self.index.candidates(k)

    def vectors(
        self, embeddings: Embeddings, ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return candidates' ids `(m,)` and their exact vectors `(m, out)`.

        Those of another index than an exact one are made again from the rows, and a
        candidate of which there is no row, as in a damaged list, is left out.
        """
        if self.index.is_exact:
            return ids, self.index.vectors(ids)
        blocks = list(embeddings.blocks(ids.tolist())) if len(ids) else []
        if not blocks:
            return ids[:0], np.empty((0, self.index.dim), np.float32)
        found = np.concatenate([block[0] for block in blocks])
        return found, self.project(np.concatenate([block[1] for block in blocks]))

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as unit vectors `(n, out)` of this space."""
        return embeddings if self.projection is None else self.projection.apply(embeddings)

    def combine(
        self,
        towards: NDArray[np.float32],
        away: NDArray[np.float32] | None = None,
        *,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float32]:
        """Return the query vector `(out,)` of several embeddings.

        It is the mean of the projected embeddings `towards` `(n, dim)`, less the mean of those
        `away` `(m, dim)`, of unit length. In a centred space the difference leaves what the
        images do not share.

        Args:
            towards: what to be near to.
            away: what to be far from.
            weights: what each of them is multiplied by, `(n + m,)`; None for 1.
        """
        count = len(towards)
        vector = self._mean(towards, None if weights is None else weights[:count])
        if away is not None and len(away):
            vector = vector - self._mean(away, None if weights is None else weights[count:])
        unit: NDArray[np.float32] = l2_normalise(vector[np.newaxis].astype(np.float32))[0]
        return unit

    def _mean(
        self, embeddings: NDArray[np.float32], weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        projected = self.project(embeddings).astype(np.float64)
        if weights is not None:
            projected *= weights[:, np.newaxis]
        mean: NDArray[np.float64] = projected.mean(axis=0)
        return mean
