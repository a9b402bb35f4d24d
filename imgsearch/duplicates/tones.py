"""The colours and levels of two images where both are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.placement import box_in, shared_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.duplicates.placement import Placement
    from imgsearch.images.geometry import Box
    from imgsearch.images.renderings import Rendering

# Pixels a side of what colours are compared on, and deviation in levels below which there are none.
COLOURED: Final = 16
COLOURFUL: Final = 6.0


@dataclass(frozen=True, slots=True)
class Tones:
    """The levels of an image, of 255.

    Attributes:
        brightness: mean luma.
        contrast: its deviation.
        colour: deviation of red and blue from green.
        tint: mean of red and of blue less green.
    """

    brightness: float
    contrast: float
    colour: float
    tint: tuple[float, float]


def colours_alike(one: Rendering, other: Rendering, placement: Placement, shared: Box) -> float:
    """Return the correlation of what the colours of two images are besides grey."""
    size = COLOURED, COLOURED
    pair = one.colours(size, shared), other.colours(size, box_in(other.size, placement, shared))
    mine, theirs = (_beside_grey(image) for image in pair)
    spread, spread_other = float((mine**2).mean()), float((theirs**2).mean())
    if min(spread, spread_other) < COLOURFUL**2:
        return 1.0
    return float((mine * theirs).mean() / np.sqrt(spread * spread_other))


def tones(
    one: Rendering, other: Rendering, placement: Placement
) -> tuple[tuple[Tones, Tones], float]:
    """Compare the levels of two images where both are, the second in place upon the first.

    Returns:
        Those of both, and the largest difference of any part, of a sixteenth of each side.
    """
    turned = other.oriented(placement.orientation)
    shared = shared_area(one.size, turned.size, placement)
    assert shared is not None  # noqa: S101 - they were measured there
    size = COLOURED, COLOURED
    box = box_in(turned.size, placement, shared)
    pair = one.colours(size, shared), turned.colours(size, box)
    apart = float(np.abs(pair[0] - pair[1])[1:-1, 1:-1].max())
    return (_tones_of(pair[0]), _tones_of(pair[1])), apart


def _tones_of(image: NDArray[np.float32]) -> Tones:
    red, green, blue = image.reshape(-1, 3).T
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = np.stack([red - green, blue - green])
    return Tones(
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
        colour=float(np.sqrt((chroma**2).mean())),
        tint=(float(chroma[0].mean()), float(chroma[1].mean())),
    )


def _beside_grey(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return red and blue less green, without what luma alone tells of them: (2, pixels)."""
    red, green, blue = image.reshape(-1, 3).T
    luma = red + 2 * green + blue
    luma = luma - luma.mean()
    chroma = np.stack([red - green, blue - green])
    chroma -= chroma.mean(axis=1, keepdims=True)
    slope = (chroma * luma).sum(axis=1) / (float((luma**2).sum()) + 1e-3)
    rest: NDArray[np.float32] = chroma - slope[:, None] * luma
    return rest
