"""Laying one rendering over another, and measuring how far they agree where both are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.duplicates.corners import smoothed
from imgsearch.duplicates.placement import Placement, box_in, shared_area
from imgsearch.duplicates.tones import colours_alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.images.geometry import Box
    from imgsearch.images.renderings import Rendering

# Longer side of what both are resampled to while they are moved into place, and then.
COARSE: Final = 48
FINE: Final = 96
COARSE_STEPS: Final = 3
FINE_STEPS: Final = 1
LEAST_SIDE: Final = 20
# Pixels from a place to the edge of the window that is correlated around it.
REACH: Final = 3
EDGE: Final = 4
# Share of the detail that must agree after the coarse steps for the fine ones to be made.
HOPELESS: Final = 0.45
# Variance, in levels of 255 squared, that is taken for noise; deviation that counts no further.
NOISE: Final = 4.0
STRONG: Final = 25.0
# Correlation from which on a place agrees.
AGREES: Final = 0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two renderings agree where both are.

    Attributes:
        placement: of the second upon the first.
        mine: share of the first one's detail that agrees, from 0 to 1.
        theirs: share of the second one's.
        correlation: mean over the detail of both.
        likeness: median of the correlation over the detail of both, which text or a logo laid over
            one of them leaves as it is, and another exposure does not.
        colours: correlation of what their colours are besides grey; 1 where one has next to none.
        covered: share of the first one's area that the second covers.
        covering: share of the second one's area that lies upon the first.
        detail: mean deviation of the less detailed of the two within the windows, in levels of 255.
    """

    placement: Placement
    mine: float
    theirs: float
    correlation: float
    likeness: float
    colours: float
    covered: float
    covering: float
    detail: float

    @property
    def better(self) -> float:
        """The larger of the two shares."""
        return max(self.mine, self.theirs)

    @property
    def worse(self) -> float:
        """The smaller of the two shares."""
        return min(self.mine, self.theirs)

    @property
    def whole(self) -> float:
        """Share of the area that the more covered of the two shares with the other."""
        return max(self.covered, self.covering)


def lay_over(one: Rendering, other: Rendering, placement: Placement) -> Agreement | None:
    """Move a rendering into place upon another, and measure how far the two agree.

    Args:
        one: below.
        other: above, as it is stored.
        placement: about where.

    Returns:
        None where too little of the two lies upon each other.
    """
    turned = other.oriented(placement.orientation)
    coarse = _moved_and_measured(one, turned, placement, COARSE, COARSE_STEPS)
    if coarse is None or coarse.better < HOPELESS:
        return coarse
    return _moved_and_measured(one, turned, coarse.placement, FINE, FINE_STEPS)


def _moved_and_measured(
    one: Rendering, other: Rendering, placement: Placement, longest: int, steps: int
) -> Agreement | None:
    for step in range(steps + 1):
        shared = shared_area(one.size, other.size, placement)
        if shared is None:
            return None
        pair = _resampled(one, other, placement, shared, longest)
        if step == steps:
            return _measured(one, other, placement, shared, *pair)
        placement = _moved(placement, shared, *pair)
    raise AssertionError  # the last step returns


def _resampled(
    one: Rendering, other: Rendering, placement: Placement, shared: Box, longest: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both within what they share, on the same pixels and no finer than the coarser one."""
    left, top, right, bottom = shared
    width, height = right - left, bottom - top
    scale = min(longest / max(width, height), 1.0, 1 / max(placement.across, placement.down))
    size = max(LEAST_SIDE, round(width * scale)), max(LEAST_SIDE, round(height * scale))
    box = box_in(other.size, placement, shared)
    return smoothed(one.luma(size, shared)), smoothed(other.luma(size, box))


def _moved(
    placement: Placement, shared: Box, one: NDArray[np.float32], other: NDArray[np.float32]
) -> Placement:
    """Return a placement under which the second lies better upon the first.

    One step of Gauss and Newton (Lucas and Kanade 1981) over offset and scale along each axis, on
    images whose local mean and deviation are evened out, with less weight for what differs much.
    """
    height, width = one.shape
    reach = max(2, min(width, height) // 12)
    flat, flat_other = flattened(_evened(one), _evened(other), reach, noise=5 * NOISE)
    across, down = np.zeros_like(flat), np.zeros_like(flat)
    across[:, 1:-1] = (flat_other[:, 2:] - flat_other[:, :-2]) / 2
    down[1:-1] = (flat_other[2:] - flat_other[:-2]) / 2
    x = (np.arange(width) + 0.5) / width - 0.5
    y = ((np.arange(height) + 0.5) / height - 0.5)[:, None]
    # The edge of what is shared may be that of a frame around one of the two.
    edge = max(2, min(width, height) // 10)
    inner = slice(edge, -edge), slice(edge, -edge)
    slopes = np.stack([each[inner] for each in (across, across * x, down, down * y)])
    slopes = slopes.reshape(4, -1)
    error = (flat - flat_other)[inner].reshape(-1)
    weighted = slopes / (1 + (error / 0.8) ** 2)
    normal = weighted @ slopes.T + np.eye(4) * (1e-4 * error.size)
    step = np.clip(np.linalg.solve(normal, weighted @ error), -3, 3)
    left, top, right, bottom = shared
    # From pixels of the grid to those of the first rendering.
    move_x, stretch_x = step[0] * (right - left) / width, step[1] / width
    move_y, stretch_y = step[2] * (bottom - top) / height, step[3] / height
    centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
    return replace(
        placement,
        across=float(placement.across / (1 + stretch_x)),
        down=float(placement.down / (1 + stretch_y)),
        left=float((placement.left - move_x + stretch_x * centre_x) / (1 + stretch_x)),
        top=float((placement.top - move_y + stretch_y * centre_y) / (1 + stretch_y)),
    )


def flattened(
    one: NDArray[np.float32], other: NDArray[np.float32], reach: int, *, noise: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two images whose mean is 0 and deviation about 1 around every place.

    Args:
        one: luma of mean 0.
        other: likewise, of the same shape.
        reach: pixels from a place to the edge of the window around it.
        noise: variance that is taken for noise.
    """
    mean, mean_other, variance, variance_other, _ = _moments(one, other, reach)
    return (
        (one - mean) / np.sqrt(variance + noise),
        (other - mean_other) / np.sqrt(variance_other + noise),
    )


def _evened(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image of mean 0 and a deviation of `STRONG` levels, as far as it has any."""
    even: NDArray[np.float32] = luma - luma.mean()
    return even * np.float32(STRONG / max(float(luma.std()), 1.0))


def _measured(
    one: Rendering,
    other: Rendering,
    placement: Placement,
    shared: Box,
    mine: NDArray[np.float32],
    theirs: NDArray[np.float32],
) -> Agreement:
    """Correlate the two around every place, and weigh by how much detail there is."""
    mine, theirs = mine - mine.mean(), theirs - theirs.mean()
    # The edge of what is shared may be that of a frame around one of the two.
    inner = slice(EDGE, -EDGE), slice(EDGE, -EDGE)
    *_, variance, variance_other, covariance = _moments(mine, theirs, REACH)[:, *inner]
    correlation = covariance / np.sqrt((variance + NOISE) * (variance_other + NOISE))
    agrees = correlation > AGREES
    detail = np.minimum(np.sqrt(variance), STRONG)
    detail_other = np.minimum(np.sqrt(variance_other), STRONG)
    both = np.maximum(detail, detail_other)
    left, top, right, bottom = shared
    area = (right - left) * (bottom - top)
    width, height = one.size
    other_area = placement.across * placement.down * other.size[0] * other.size[1]
    return Agreement(
        placement=placement,
        mine=_share(detail, agrees),
        theirs=_share(detail_other, agrees),
        correlation=_share(both, correlation),
        likeness=_median(correlation, both),
        colours=colours_alike(one, other, placement, shared),
        covered=min(1.0, area / (width * height)),
        covering=min(1.0, area / other_area),
        detail=float(min(detail.mean(), detail_other.mean())),
    )


def _share(weights: NDArray[np.float64], values: NDArray[Any]) -> float:
    return float((weights * values).sum() / (weights.sum() + 1e-6))


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value that half of the weight lies below."""
    order = values.argsort(axis=None)
    heaped = weights.reshape(-1)[order].cumsum()
    return float(values.reshape(-1)[order[np.searchsorted(heaped, heaped[-1] / 2)]])


def _moments(
    one: NDArray[np.float32], other: NDArray[np.float32], reach: int
) -> NDArray[np.float64]:
    """Return local means of two, their variances and their covariance, (5, height, width).

    Their own means should be 0, lest digits be lost.
    """
    window = 2 * reach + 1
    products = (one, other, one * one, other * other, one * other)
    sums: NDArray[np.float64] = _bordered(products, reach + 1, reach).cumsum(axis=1)
    sums = (sums[:, window:] - sums[:, :-window]).cumsum(axis=2)
    sums = (sums[:, :, window:] - sums[:, :, :-window]) / window**2
    sums[2] = np.maximum(sums[2] - sums[0] ** 2, 0)
    sums[3] = np.maximum(sums[3] - sums[1] ** 2, 0)
    sums[4] -= sums[0] * sums[1]
    return sums


def _bordered(
    images: Sequence[NDArray[np.float32]], before: int, after: int
) -> NDArray[np.float64]:
    """Return images of one shape with their edges repeated around them, (n, height, width)."""
    height, width = images[0].shape
    bordered = np.empty((len(images), height + before + after, width + before + after))
    bottom, right = before + height, before + width
    for number, image in enumerate(images):
        bordered[number, before:bottom, before:right] = image
    bordered[:, before:bottom, :before] = bordered[:, before:bottom, before : before + 1]
    bordered[:, before:bottom, right:] = bordered[:, before:bottom, right - 1 : right]
    bordered[:, :before] = bordered[:, before : before + 1]
    bordered[:, bottom:] = bordered[:, bottom - 1 : bottom]
    return bordered
