"""Laying out by neighbours with t-SNE. The owner of openTSNE's import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.maps.linear_layout import LinearLayout
from imgsearch.vectors.exact import ExactIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.maps.watch import Watch

PERPLEXITY: Final = 30
EXAGGERATION: Final = 12
# Twice as many change neither figure of benchmarks/results/map.md by more than 0.01.
EARLY_STEPS: Final = 125
STEPS: Final = 250
REPORT_EVERY: Final = 25
# Below this the tree is faster than the grid.
GRID_FROM: Final = 10_000
# Of the first axis when the steps begin: so small that all points push each other apart first.
_SPREAD: Final = 1e-4


def lay_out(vectors: NDArray[np.float32], watch: Watch) -> NDArray[np.float64]:
    """Return the t-SNE points `(n, 2)` of unit vectors `(n, dim)`, n ≥ 8.

    Started from the principal components, on exact neighbours, in one thread: so the same vectors
    in the same order give the same points on one machine. Linderman, Rachh, Hoskins, Steinerberger
    and Kluger, "Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq
    data" (2019); the start as in Kobak and Berens, "The art of using t-SNE for single-cell
    transcriptomics" (2019).

    Raises:
        StoppedError: it is to stop.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    count = len(vectors)
    watch.at("layout", 0, EARLY_STEPS + STEPS)
    perplexity = min(PERPLEXITY, (count - 1) / 3)
    neighbours, distances = _neighbours(vectors, int(3 * perplexity))
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(neighbours, distances), perplexity=perplexity, n_jobs=1
    )
    points = TSNEEmbedding(
        _start(vectors, watch),
        affinities,
        negative_gradient_method="bh" if count < GRID_FROM else "fft",
        n_jobs=1,
    )
    done = 0

    def tell(step: int, _error: float, _points: Any) -> bool:  # noqa: ANN401 - openTSNE's own class
        watch.at("layout", done + step, EARLY_STEPS + STEPS)
        return False

    told = {"callbacks": tell, "callbacks_every_iters": REPORT_EVERY, "use_callbacks": True}
    points.optimize(EARLY_STEPS, exaggeration=EXAGGERATION, momentum=0.5, inplace=True, **told)
    done = EARLY_STEPS
    points.optimize(STEPS, momentum=0.8, inplace=True, **told)
    return np.array(points, dtype=np.float64)


def _neighbours(
    vectors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return rows and distances `(n, count)` of the nearest others of each vector."""
    rows = np.arange(len(vectors))
    scores, found = ExactIndex.build(rows, vectors).search(vectors, count + 1)
    # A vector is the first of its own neighbours, unless others equal it.
    order = np.argsort(found == rows[:, np.newaxis], axis=1, kind="stable")[:, :count]
    order.sort(axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    found = np.take_along_axis(found, order, axis=1)
    return found.astype(np.int32), np.sqrt(np.maximum(2 - 2 * scores.astype(np.float64), 0))


def _start(vectors: NDArray[np.float32], watch: Watch) -> NDArray[np.float64]:
    points = LinearLayout.fit(vectors, watch).place(vectors)
    points -= points.mean(axis=0)
    deviation = float(points[:, 0].std())
    return points * (_SPREAD / deviation if deviation else 1.0)
