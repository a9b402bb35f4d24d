"""Clusters of unit vectors: FAISS's k-means on the sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.faiss_library import faiss

if TYPE_CHECKING:
    from numpy.typing import NDArray

ITERATIONS: Final = 25
_SEED: Final = 1234


def spherical_centroids(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the centroids of a spherical k-means, by falling size of their clusters.

    The same vectors in the same order give the same centroids on one machine. Lloyd's iterations
    with the centroids brought to unit length after each: Dhillon and Modha, "Concept decompositions
    for large sparse text data using clustering" (2001). They start from vectors that are far apart,
    as in Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding" (2007).

    Args:
        vectors: shape (n, dim), finite unit rows, n ≥ 1. Not modified.
        count: how many, from 1 to n.

    Returns:
        Shape (count, dim), float32.

    Raises:
        UsageError: there are fewer vectors than centroids, or none are wanted.
    """
    if not 1 <= count <= len(vectors):
        raise UsageError(f"{count} clusters cannot be made of {len(vectors)} vectors")
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    kmeans = faiss.Kmeans(
        rows.shape[1],
        count,
        niter=ITERATIONS,
        spherical=True,
        seed=_SEED,
        min_points_per_centroid=1,
        max_points_per_centroid=len(rows),
    )
    kmeans.train(rows, init_centroids=rows[_spread(rows, count)])
    sizes = np.bincount(nearest_centroid(rows, kmeans.centroids)[0], minlength=count)
    centroids: NDArray[np.float32] = kmeans.centroids[np.argsort(-sizes, kind="stable")]
    return centroids


def nearest_centroid(
    vectors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the centroid of largest inner product with each vector, and that product.

    Args:
        vectors: shape (n, dim).
        centroids: shape (k, dim).

    Returns:
        Rows of the centroids, shape (n,), int32; and products, shape (n,), float32.
    """
    products = vectors @ centroids.T  # (n, k)
    rows = products.argmax(axis=1)
    return rows.astype(np.int32), products[np.arange(len(rows)), rows]


def _spread(rows: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return different rows, each drawn by its squared distance from the nearest drawn before."""
    chance = np.random.default_rng(_SEED)
    chosen = [int(chance.integers(len(rows)))]
    squared = np.full(len(rows), np.inf)
    while len(chosen) < count:
        products = (rows @ rows[chosen[-1]]).astype(np.float64)
        squared = np.minimum(squared, np.maximum(2 - 2 * products, 0))
        squared[chosen] = 0
        total = squared.sum()
        if not total:  # all that is left equals what is drawn
            chosen += np.setdiff1d(np.arange(len(rows)), chosen)[: count - len(chosen)].tolist()
            break
        chosen.append(int(chance.choice(len(rows), p=squared / total)))
    return np.array(chosen, np.int64)
