"""A linear head for features that are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.distillation.weights import EPSILON, UnitWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIDGE: Final = 0.01
"""Added to every feature's variance, in multiples of their mean."""


def fit_head(features: NDArray[np.float32], targets: NDArray[np.float32]) -> UnitWeights:
    """Return the head that comes nearest to the targets: ridge regression (Hoerl and Kennard 1970).

    An earlier student's head is of no use to another run, whose targets point along other axes.

    Args:
        features: pooled features of some thousand crops, shape (n, features).
        targets: theirs, shape (n, dim).

    Returns:
        A 1x1 convolution whose normalisation has the statistics that its outputs have on these
        crops.
    """
    x, y = features.astype(np.float64), targets.astype(np.float64)
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
    kernel = np.linalg.solve(gram, centred.T @ (y - y.mean(axis=0)))
    outputs = x @ kernel
    variance = outputs.var(axis=0)
    return UnitWeights(
        kernel=kernel[None, None].astype(np.float32),
        scale=np.sqrt(variance + EPSILON).astype(np.float32),
        offset=y.mean(axis=0).astype(np.float32),
        mean=outputs.mean(axis=0).astype(np.float32),
        variance=variance.astype(np.float32),
    )
