"""Where one rendering lies upon another, and what of them lies upon each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from imgsearch.images.geometry import Box, Size

# Scale from one rendering to the other, or back, at most.
LARGEST: Final = 4.0
# Side in pixels of what they share, at least.
LEAST_SHARED: Final = 10


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an image lies upon another: x' = across·x + left, y' = down·y + top.

    Attributes:
        orientation: of the image before it is placed, as `Rendering.oriented` has it.
        across: scale from left to right.
        down: scale from top to bottom.
        left: pixels.
        top: pixels.
        votes: corners that agree on it.
    """

    orientation: int
    across: float
    down: float
    left: float
    top: float
    votes: int = 0


def shared_area(one: Size, other: Size, placement: Placement) -> Box | None:
    """Return what of the first rendering the second covers, or None if that is too little."""
    if not all(1 / LARGEST < scale < LARGEST for scale in (placement.across, placement.down)):
        return None
    left, top = max(0.0, placement.left), max(0.0, placement.top)
    right = min(float(one[0]), placement.across * other[0] + placement.left)
    bottom = min(float(one[1]), placement.down * other[1] + placement.top)
    is_enough = min(right - left, bottom - top) >= LEAST_SHARED
    return (left, top, right, bottom) if is_enough else None


def box_in(other: Size, placement: Placement, shared: Box) -> Box:
    """Return where in the second rendering lies what is shared."""
    left, top, right, bottom = shared
    return (
        max(0.0, (left - placement.left) / placement.across),
        max(0.0, (top - placement.top) / placement.down),
        min(float(other[0]), (right - placement.left) / placement.across),
        min(float(other[1]), (bottom - placement.top) / placement.down),
    )
