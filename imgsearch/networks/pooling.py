"""Pooling: from feature maps to one vector per image, and L2 normalisation.

Feature maps are the activations of one layer, shape (n, h, w, c): n images, a grid of h × w
locations, c channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.pooling_choice import GEM_POWER, RMAC_LEVELS, PoolingChoice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imgsearch.pooling_choice import Pooling

GEM_FLOOR: Final = 1e-6
RMAC_OVERLAP: Final = 0.4


def pool(feature_maps: NDArray[np.floating[Any]], method: Pooling) -> NDArray[np.float32]:
    """Pool feature maps with the method that a recipe names.

    Args:
        feature_maps: activations, shape (n, h, w, c), floating point.
        method: "gap" (mean), "gmp" (max), "gem" (power mean) or "rmac" (regional max); the last
            two optionally with the power or the number of levels, as in "gem:4" and "rmac:2";
            "cls" or "map" where the network has pooled already.

    Returns:
        One vector per image, shape (n, c), float32, not normalised: `l2_normalise` does that.

    Raises:
        UsageError: the method is unknown, or the array is not (n, h, w, c) with h, w ≥ 1.
    """
    choice = PoolingChoice.parse(method)
    match choice.method:
        case "gap":
            return gap(feature_maps)
        case "gmp":
            return gmp(feature_maps)
        case "gem":
            return gem(feature_maps, p=choice.parameter or GEM_POWER)
        case "rmac":
            return rmac(feature_maps, levels=int(choice.parameter or RMAC_LEVELS))
        case "cls" | "map":
            return pooled_inside(feature_maps, choice.method)


def gap(feature_maps: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Global average pooling: the mean over all locations.

    f_c = (1 / hw) Σ_ij x_ijc, from Lin, Chen and Yan, "Network in Network" (2014), section 3.2.

    Args:
        feature_maps: activations, shape (n, h, w, c), floating point.

    Returns:
        Shape (n, c), float32; summed in float64, so that large maps lose nothing.

    Raises:
        UsageError: the array is not (n, h, w, c) with h, w ≥ 1.
    """
    maps = _checked(feature_maps)
    # (n, h, w, c) -> (n, c)
    means: NDArray[np.float64] = maps.mean(axis=(1, 2), dtype=np.float64)
    return means.astype(np.float32)


def gmp(feature_maps: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Global max pooling: the largest activation over all locations.

    f_c = max_ij x_ijc, called MAC in Tolias, Sicre and Jégou, "Particular object retrieval with
    integral max-pooling of CNN activations" (2016), section 3.

    Args:
        feature_maps: activations, shape (n, h, w, c), floating point.

    Returns:
        Shape (n, c), float32.

    Raises:
        UsageError: the array is not (n, h, w, c) with h, w ≥ 1.
    """
    maps = _checked(feature_maps)
    # (n, h, w, c) -> (n, c)
    maxima: NDArray[np.floating[Any]] = maps.max(axis=(1, 2))
    return maxima.astype(np.float32)


def gem(feature_maps: NDArray[np.floating[Any]], *, p: float = GEM_POWER) -> NDArray[np.float32]:
    """Generalised-mean pooling: the power mean over all locations.

    f_c = ((1 / hw) Σ_ij max(x_ijc, 1e-6)^p)^(1/p), from Radenović, Tolias and Chum, "Fine-tuning
    CNN image retrieval with no human annotation" (2018), equation 3. p = 1 is GAP of the clamped
    activations, p → ∞ is GMP. A power mean exists only for positive numbers, so activations below
    1e-6 count as 1e-6: a layer without a rectifier loses its negative activations here.

    Args:
        feature_maps: activations, shape (n, h, w, c), floating point.
        p: the power, above 0.

    Returns:
        Shape (n, c), float32.

    Raises:
        UsageError: the array is not (n, h, w, c) with h, w ≥ 1, or p is not above 0.
    """
    maps = _checked(feature_maps)
    if not (np.isfinite(p) and p > 0):
        raise UsageError(f"p: {p} is not a positive finite power")
    clamped = np.maximum(maps, GEM_FLOOR)
    # Relative to the largest activation every power stays in [0, 1] and none overflows.
    # (n, h, w, c) -> (n, 1, 1, c)
    largest = clamped.max(axis=(1, 2), keepdims=True)
    clamped /= largest
    # A general power takes ten times as long as two multiplications.
    powers = clamped * clamped * clamped if p == GEM_POWER else clamped**p
    means: NDArray[np.float64] = powers.mean(axis=(1, 2), dtype=np.float64)
    # (n, c) · (n, c) -> (n, c)
    pooled: NDArray[np.float64] = means ** (1 / p) * largest[:, 0, 0, :]
    return pooled.astype(np.float32)


def rmac(
    feature_maps: NDArray[np.floating[Any]], *, levels: int = RMAC_LEVELS
) -> NDArray[np.float32]:
    """Regional max pooling: maxima of many square regions, each of unit length, summed.

    f = Σ_R g_R / |g_R| with g_R,c = max_{ij ∈ R} x_ijc over the region grid of `rmac_regions`,
    from Tolias, Sicre and Jégou, "Particular object retrieval with integral max-pooling of CNN
    activations" (2016), section 4, without the whitening between the two normalisations that
    the paper learns on other images. The final L2 normalisation is left to `l2_normalise`.

    Args:
        feature_maps: activations, shape (n, h, w, c), floating point.
        levels: number of scales of regions, at least 1.

    Returns:
        Shape (n, c), float32. A region whose maxima are all zero adds nothing.

    Raises:
        UsageError: the array is not (n, h, w, c) with h, w ≥ 1, or levels is below 1.
    """
    maps = _checked(feature_maps)
    n, height, width, channels = maps.shape
    total = np.zeros((n, channels), dtype=np.float64)
    for top, left, side in rmac_regions(height, width, levels=levels):
        # (n, side, side, c) -> (n, c)
        maxima = maps[:, top : top + side, left : left + side, :].max(axis=(1, 2))
        total += _unit_rows(maxima)
    return total.astype(np.float32)


def pooled_inside(feature_maps: NDArray[np.floating[Any]], method: Pooling) -> NDArray[np.float32]:
    """Return the vectors `(n, c)` that a network has pooled itself, its maps of one location.

    Raises:
        UsageError: there are more locations, so the network has not.
    """
    maps = _checked(feature_maps)
    if maps.shape[1:3] != (1, 1):
        raise UsageError(
            f"pooling: {method} is computed inside a network, and this one gives feature maps of "
            f"{maps.shape[1]} x {maps.shape[2]} locations; choose gap, gmp, gem or rmac"
        )
    return maps[:, 0, 0, :].astype(np.float32)


def rmac_regions(height: int, width: int, *, levels: int) -> Iterator[tuple[int, int, int]]:
    """Yield the square regions of R-MAC as (top, left, side), in locations.

    Level l = 1, 2, … lays l × (l + m - 1) squares of side 2 min(h, w) / (l + 1), rounded down,
    evenly over the map, the larger count along the longer side; m - 1 is the number of extra
    squares that brings the overlap of neighbours at level 1 closest to 40 % (Tolias, Sicre and
    Jégou 2016, section 4), as long as no two of these coincide. A square map has m = 1, any other
    at least 2. Where a higher level has more squares than positions, some coincide and count twice.

    Args:
        height: of the map, in locations, at least 1.
        width: of the map, in locations, at least 1.
        levels: number of scales, at least 1.

    Raises:
        UsageError: levels is below 1.
    """
    if levels < 1:
        raise UsageError(f"levels: {levels} is not a positive number of scales")
    shorter, longer = min(height, width), max(height, width)
    extra = _extra_regions(shorter, longer)
    for level in range(1, levels + 1):
        side = max(1, 2 * shorter // (level + 1))
        down = level + (extra if height > width else 0)
        across = level + (extra if width > height else 0)
        for top in _evenly(height - side, down):
            for left in _evenly(width - side, across):
                yield top, left, side


def l2_normalise(rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Scale every row to unit length, so that an inner product is a cosine similarity.

    y = x / |x|₂; a row of zeros has no direction and stays zero.

    Args:
        rows: vectors, shape (n, d), floating point; not modified.

    Returns:
        Shape (n, d), float32, a fresh array; lengths are computed in float64.

    Raises:
        UsageError: the array is not two-dimensional.
    """
    if rows.ndim != 2:  # noqa: PLR2004  # rows and columns
        raise UsageError(f"vectors of shape {rows.shape} are not rows (n, d)")
    return _unit_rows(rows).astype(np.float32)


def _checked(feature_maps: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    shape = feature_maps.shape
    if feature_maps.ndim != 4 or 0 in shape[1:]:  # noqa: PLR2004  # n, h, w, c
        raise UsageError(
            f"feature maps of shape {shape} are not (n, h, w, c) with at least one location; "
            "choose a layer whose activations are feature maps"
        )
    if not np.issubdtype(feature_maps.dtype, np.floating):
        raise UsageError(f"feature maps of {feature_maps.dtype} are not floating point")
    return feature_maps


def _unit_rows(rows: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    # (n, d) -> (n, 1)
    lengths = np.sqrt(np.einsum("nd,nd->n", wide, wide))[:, None]
    wide /= np.where(lengths == 0, 1.0, lengths)
    return wide


def _extra_regions(shorter: int, longer: int) -> int:
    if shorter == longer:
        return 0
    extras = range(1, longer - shorter + 1)
    overlaps = [1 - (longer - shorter) / extra / shorter for extra in extras]
    return min(extras, key=lambda extra: abs(overlaps[extra - 1] - RMAC_OVERLAP))


def _evenly(room: int, count: int) -> list[int]:
    if count == 1:
        return [0]
    return [room * step // (count - 1) for step in range(count)]
