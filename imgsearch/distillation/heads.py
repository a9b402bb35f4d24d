"""A linear head for features that are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.distillation.weights import EPSILON, UnitWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIDGE: Final = 0.01
"""Added to every feature's variance, in multiples of their mean."""
REMAINDER_RIDGE: Final = 0.3
"""The same, where features add to what an earlier head says: it has seen more crops than these."""


def fit_head(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    earlier: NDArray[np.float32] | None = None,
) -> UnitWeights:
    """Return the head that comes nearest to the targets: ridge regression (Hoerl and Kennard 1970).

    An earlier student's head points along other axes than another run's targets, but knows which
    combinations of features say something. So targets are fitted on its outputs first, and what
    remains of them on the features.

    Args:
        features: pooled features of some thousand crops, shape (n, features).
        targets: theirs, shape (n, dim).
        earlier: the kernel of a head for the same features, shape (1, 1, features, any dim).

    Returns:
        A 1x1 convolution whose normalisation has the statistics that its outputs have on these
        crops.
    """
    x, y = features.astype(np.float64), targets.astype(np.float64)
    if earlier is None:
        kernel = _ridge(x, y, RIDGE)
    else:
        matrix = earlier[0, 0].astype(np.float64)
        kernel = matrix @ _ridge(x @ matrix, y, RIDGE)
        kernel = kernel + _ridge(x, y - x @ kernel, REMAINDER_RIDGE)
    outputs = x @ kernel
    variance = outputs.var(axis=0)
    return UnitWeights(
        kernel=kernel[None, None].astype(np.float32),
        scale=np.sqrt(variance + EPSILON).astype(np.float32),
        offset=y.mean(axis=0).astype(np.float32),
        mean=outputs.mean(axis=0).astype(np.float32),
        variance=variance.astype(np.float32),
    )


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Return the slopes (features, dim) of a regression with its own intercept."""
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    slopes: NDArray[np.float64] = np.linalg.solve(gram, centred.T @ (y - y.mean(axis=0)))
    return slopes
