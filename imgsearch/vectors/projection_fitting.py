"""A projection is fitted on the embeddings of a gallery, without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.projection import BLOCK_ROWS, Projection
from imgsearch.vectors.projection_choice import DEFAULT_SHRINKAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.vectors.projection_choice import ProjectionChoice

# A direction with less than this share of the largest variance is rounding, not content.
_RANK_TOLERANCE: Final = 1e-9


def fit(
    embeddings: NDArray[np.floating[Any]],
    *,
    dim: int,
    power: float,
    shrinkage: float = DEFAULT_SHRINKAGE,
) -> Projection:
    """Fit centring, PCA and partial whitening on embeddings, without labels.

    With the eigenvectors u_i and eigenvalues λ_1 ≥ … ≥ λ_r > 0 of the covariance of the embeddings,
    the projected coordinates are y_i = (λ_i + s λ̄)^-power · u_iᵀ(x - mean), where λ̄ is the mean of
    the r eigenvalues and s the shrinkage. Power 0 is plain PCA and, without shrinkage, 0.5 is full
    whitening, which divides by the standard deviation: Jégou and Chum, "Negative evidences and
    co-occurences in image retrieval: the benefit of PCA and whitening" (2012). Powers between are
    the attenuated whitening of Mukundan, Tolias, Bursuc, Jégou and Chum, "Understanding and
    improving kernel local descriptors" (2019). Shrinkage adds a multiple of the mean variance to
    every variance, as Ledoit and Wolf do in "A well-conditioned estimator for large-dimensional
    covariance matrices" (2004), here with a given weight: directions far above the mean are still
    evened out, the many below it are no longer blown up. Fewer embeddings spread their variance
    over fewer directions, so the same s holds small galleries back more.

    The eigenvectors are exact (float64, of the covariance of all embeddings or, where these are
    fewer than their dim, of their Gram matrix, which has the same eigenvalues), and the entry of
    largest magnitude of every direction is positive, so that one set of embeddings always gives
    one projection on one machine.

    Args:
        embeddings: shape (n, embedding dim), finite, n ≥ 2. Not modified.
        dim: how many components are wanted, from 1 up. Fewer come out where the embeddings vary
            along fewer: at most n - 1, at most the embedding dim.
        power: from 0 to 1.
        shrinkage: s, from 0 up, in multiples of the mean variance; larger evens out less.

    Raises:
        UsageError: an argument is out of its range, a value is not finite, there are fewer than
            two embeddings, or all are the same.
    """
    if dim < 1 or not 0 <= power <= 1 or not 0 <= shrinkage < np.inf:
        raise UsageError(
            f"dim {dim}, power {power}, shrinkage {shrinkage}: dim is 1 or more, power between 0 "
            "and 1, shrinkage finite and not negative"
        )
    _check_rows(embeddings)
    mean = _mean(embeddings)
    variances, directions = _principal_directions(embeddings, mean)
    scatter = float(np.mean(np.square(mean))) * len(mean)
    floor = max(variances[0] * _RANK_TOLERANCE, scatter * np.finfo(np.float32).eps ** 2)
    rank = min(int(np.count_nonzero(variances > floor)), len(embeddings) - 1)
    if rank < 1:
        raise _all_the_same(len(embeddings))
    out = min(dim, rank)
    kept, components = variances[:out], directions[:, :out]
    largest = np.abs(components).argmax(axis=0)
    components = components * np.sign(components[largest, np.arange(out)])
    return Projection(
        mean=mean,
        components=components,
        scale=(kept + shrinkage * variances[:rank].mean()) ** -power,
        power=power,
        fitted_count=len(embeddings),
    )


def centre(embeddings: NDArray[np.floating[Any]]) -> Projection:
    """Fit centring alone: y = x - mean, then to unit length, in as many dimensions as before.

    It is the first step of `fit` and none of the others: what all images share says nothing
    about any of them, yet adds to every score (Jégou and Chum 2012).

    Args:
        embeddings: shape (n, dim), finite, n ≥ 2. Not modified.

    Raises:
        UsageError: a value is not finite, there are fewer than two embeddings, or all are the same.
    """
    _check_rows(embeddings)
    mean = _mean(embeddings)
    if (embeddings == embeddings[0]).all():
        raise _all_the_same(len(embeddings))
    dim = embeddings.shape[1]
    return Projection(
        mean=mean,
        components=np.eye(dim),
        scale=np.ones(dim),
        power=0.0,
        fitted_count=len(embeddings),
    )


def fit_choice(embeddings: NDArray[np.floating[Any]], choice: ProjectionChoice) -> Projection:
    """Fit the projection that a choice names, whatever the choice's minimum count.

    Args:
        embeddings: shape (n, dim), finite, n ≥ 2. Not modified.
        choice: any but one that searches the raw embeddings.

    Raises:
        UsageError: the choice is `NONE`, or as from `fit` and `centre`.
    """
    if choice.centring_only:
        return centre(embeddings)
    return fit(embeddings, dim=choice.dim, power=choice.power, shrinkage=choice.shrinkage)


def _check_rows(embeddings: NDArray[np.floating[Any]]) -> None:
    if embeddings.ndim != 2 or len(embeddings) < 2 or embeddings.shape[1] < 1:  # noqa: PLR2004
        raise UsageError(
            f"embeddings of shape {embeddings.shape}: a projection is fitted on rows (n, dim), at "
            "least two of them"
        )


def _all_the_same(count: int) -> UsageError:
    return UsageError(
        f"all {count} embeddings are the same: a projection needs images that differ; search "
        "the raw embeddings (projection none)"
    )


def _mean(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # infinities that cancel are named below
        mean: NDArray[np.float64] = embeddings.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise UsageError("embeddings hold values that are not finite; a projection needs numbers")
    return mean


def _principal_directions(
    embeddings: NDArray[np.floating[Any]], mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return variances (m,), largest first, and directions (dim, m), m = min(n, dim)."""
    n, dim = embeddings.shape
    if n >= dim:
        covariance = np.zeros((dim, dim), dtype=np.float64)
        for start in range(0, n, BLOCK_ROWS):
            centred = embeddings[start : start + BLOCK_ROWS].astype(np.float64) - mean
            covariance += centred.T @ centred
        variances, directions = np.linalg.eigh(covariance / (n - 1))
    else:
        # X Xᵀ has the eigenvalues of Xᵀ X, and few embeddings make it much the smaller one.
        centred = embeddings.astype(np.float64) - mean
        variances, weights = np.linalg.eigh(centred @ centred.T / (n - 1))
        # (dim, n) @ (n, n) -> (dim, n)
        directions = centred.T @ weights
        lengths = np.linalg.norm(directions, axis=0)
        directions /= np.where(lengths == 0, 1.0, lengths)
    # Ascending -> descending.
    return variances[::-1], directions[:, ::-1]
