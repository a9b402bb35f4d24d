"""What was done to one image to arrive at another, in words, and where its pixels went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.tones import tones
from imgsearch.images.fingerprints import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.duplicates.looks import Look
    from imgsearch.duplicates.overlay import Agreement
    from imgsearch.duplicates.placement import Placement
    from imgsearch.duplicates.tones import Tones
    from imgsearch.images.geometry import Size

    Transform = tuple[float, float, float, float, float, float]

# Share of an area from which on it counts as all of it; detail that may differ for no reason.
WHOLE: Final = 0.965
SAME_DETAIL: Final = 0.9
# Levels of brightness, and ratios of contrast and of colour, that nobody calls a change.
SAME_LEVEL: Final = 6.0
SAME_PART: Final = 20.0
SAME_CONTRAST: Final = 1.15
SAME_COLOUR: Final = 1.35
NO_COLOUR: Final = 2.0
SAME_COLOURS: Final = 0.9
SAME_SIZE: Final = 0.02

# What brings an image from the orientation of another to its own, as `Rendering.oriented` has it.
_TURNED: Final = {
    1: "mirrored and turned",
    2: "mirrored",
    3: "turned to the right",
    4: "mirrored upside down",
    5: "turned to the left",
    6: "turned upside down",
    7: "mirrored and turned",
}
# The orientation that takes each one back.
_BACK: Final = (0, 1, 2, 5, 4, 3, 6, 7)


@dataclass(frozen=True, slots=True)
class Laid:
    """Two images, of which the second was laid over the first.

    Attributes:
        agreement: how far they agree.
        score: how far that speaks for one shot: a logarithm of odds.
        levels: of brightness and colour, of both, where they agree.
        apart: largest difference of the levels of any part of them.
    """

    agreement: Agreement
    score: float
    levels: tuple[Tones, Tones]
    apart: float

    @classmethod
    def of(cls, one: Look, other: Look, agreement: Agreement, score: float) -> Laid:
        """Measure the levels of two images."""
        levels, apart = tones(one.rendering, other.rendering, agreement.placement)
        return cls(agreement, score, levels, apart)

    def changes(self, keeper: Size, file: Size, *, second: bool) -> tuple[str, ...]:
        """Return what was done to the one that is kept to arrive at the other, in words.

        Args:
            keeper: width and height of the one that is kept.
            file: of the other.
            second: whether the other is the one that was laid over; else it lay below.
        """
        toned = self._tones(second=second)
        found = self._geometry(second=second, toned=bool(toned)) + toned
        scale = _scale(self.transform(keeper, file, second=second))
        if abs(scale - 1) > SAME_SIZE:
            found.append(f"scaled to {100 / scale:.0f} %")
        return tuple(found)

    def is_plain(self, *, second: bool = True) -> bool:
        """Whether nothing was done but to scale it and to save it anew."""
        return not self._tones(second=second) and not self._geometry(second=second, toned=False)

    def _geometry(self, *, second: bool, toned: bool) -> list[str]:
        agreement = self.agreement
        orientation = agreement.placement.orientation
        covered, covering = agreement.covered, agreement.covering
        mine, theirs = agreement.mine, agreement.theirs
        if not second:
            covered, covering, mine, theirs = covering, covered, theirs, mine
        else:
            orientation = _BACK[orientation]
        found = [_TURNED[orientation]] if orientation else []
        if covered < WHOLE:
            found.append(f"cropped to {100 * covered:.0f} %")
        if covering < WHOLE:
            found.append(f"surrounded by {100 * (1 - covering):.0f} % more")
        # Words may cover little detail; but somewhere they change the levels.
        if min(mine, theirs) < SAME_DETAIL or (self.apart > SAME_PART and not toned):
            found.append("partly covered or retouched")
        return found

    def _tones(self, *, second: bool) -> list[str]:
        before, after = self.levels if second else self.levels[::-1]
        found = []
        if min(before.colour, after.colour) < NO_COLOUR < max(before.colour, after.colour):
            found.append("grey" if after.colour < before.colour else "in colour")
        elif max(before.colour, after.colour) > 2 * NO_COLOUR:
            # Darker pictures have weaker colours by so much.
            ratio = after.colour / before.colour * (before.brightness + 1) / (after.brightness + 1)
            shifted = max(abs(after.tint[0] - before.tint[0]), abs(after.tint[1] - before.tint[1]))
            if self.agreement.colours < SAME_COLOURS or shifted > SAME_LEVEL:
                found.append("recoloured")
            elif not 1 / SAME_COLOUR < ratio < SAME_COLOUR:
                found.append("stronger colours" if ratio > 1 else "weaker colours")
        contrast = (after.contrast + 1) / (before.contrast + 1)
        if abs(after.brightness - before.brightness) > SAME_LEVEL:
            found.append("brighter" if after.brightness > before.brightness else "darker")
        elif not 1 / SAME_CONTRAST < contrast < SAME_CONTRAST:
            found.append("more contrast" if contrast > 1 else "less contrast")
        return found

    def transform(self, keeper: Size, file: Size, *, second: bool) -> Transform:
        """Return what takes a place in a file to its place in the keeper, both in pixels.

        Args:
            keeper: width and height of the one that is kept.
            file: of the other.
            second: whether the other is the one that was laid over; else it lay below.
        """
        below, above = (keeper, file) if second else (file, keeper)
        matrix = _matrix(self.agreement.placement, below, above)
        (a, b, c), (d, e, f) = (matrix if second else np.linalg.inv(matrix))[:2].tolist()
        return a, b, c, d, e, f


def _matrix(placement: Placement, below: Size, above: Size) -> NDArray[np.float64]:
    """Return the homogeneous matrix from pixels of the one above to those of the one below."""
    width, height = (side * SIDE / max(above) for side in above)
    matrix: NDArray[np.float64] = np.diag([SIDE / max(above), SIDE / max(above), 1.0])
    if placement.orientation & 1:
        matrix = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]) @ matrix
        width, height = height, width
    if placement.orientation & 2:
        matrix = np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]]) @ matrix
    if placement.orientation & 4:
        matrix = np.array([[1.0, 0, 0], [0, -1, height], [0, 0, 1]]) @ matrix
    lay = [[placement.across, 0, placement.left], [0, placement.down, placement.top], [0, 0, 1]]
    laid: NDArray[np.float64] = np.array(lay) @ matrix
    return np.array([[max(below) / SIDE], [max(below) / SIDE], [1.0]]) * laid


def _scale(transform: Transform) -> float:
    a, b, _, d, e, _ = transform
    return float(np.sqrt(abs(a * e - b * d)))
