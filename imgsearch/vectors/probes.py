"""Which inverted lists a query probes: those that hold most of the weight.

A list weighs exp(s / T), s being the inner product of the query and the list's centroid. A query
probes the heaviest lists until they hold a share of all weight. Where the gallery is dense a few
lists hold nearly all of it, where it is sparse many do, so queries of either kind find as much as
the other, and the mean number of lists is about half of what a fixed number needs for the same ANN
recall. SPANN prunes by a margin to the nearest centroid instead (Chen et al. 2021,
https://arxiv.org/abs/2111.08566), which does about as well; a share needs no scale of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """How many lists a query probes.

    Attributes:
        nprobe: the most lists, from 1 up (FAISS's nprobe).
        share: of all weight, 0 to 1, at which a query stops earlier; at 1 none does.
        temperature: T of the weights, in units of the inner product, above 0.
    """

    nprobe: int
    share: float = 1.0
    temperature: float = 0.07


def nearest_lists(
    queries: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return inner products `(q, nlist)` of all lists and their numbers, the nearest list first."""
    scores = queries @ centroids.T
    numbers = np.argsort(-scores, axis=1)
    return np.take_along_axis(scores, numbers, axis=1), numbers


def probe_counts(scores: NDArray[np.float32], probes: Probes) -> NDArray[np.int64]:
    """Return how many lists each query probes, shape (q,), int64.

    Args:
        scores: inner products with the centroids, shape (q, nlist), descending.
        probes: the rule.
    """
    most = min(probes.nprobe, scores.shape[1])
    if probes.share >= 1:
        return np.full(len(scores), most, dtype=np.int64)
    weights = np.exp((scores - scores[:, :1]) / probes.temperature)
    held = np.cumsum(weights, axis=1)
    counts = (held < probes.share * held[:, -1:]).sum(axis=1) + 1
    least: NDArray[np.int64] = np.minimum(counts, most).astype(np.int64)
    return least
