"""Corners of a rendering with what surrounds them, and where those of another one lie upon them.

Corners are where the structure tensor has two large eigenvalues (Harris and Stephens 1988, here
determinant over trace), on a pyramid of scales; around each, a patch of 8 × 8 samples without mean
and of unit length describes it (multi-scale oriented patches, Brown, Szeliski and Winder 2005,
without their orientation: renderings are compared in eight of them anyway). Two renderings of one
shot share corners whose places differ by one change of scale and one offset, on which the corners
vote.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.placement import LARGEST, Placement
from imgsearch.images.renderings import ORIENTATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.images.geometry import Size
    from imgsearch.images.renderings import Rendering

# Scales of the pyramid, each so much smaller than the one before.
LEVELS: Final = 6
STEP: Final = 2 ** (1 / 3)
# Corners on the first level; on the others as many for their area.
MOST: Final = 48
FEWEST: Final = 8
PATCH: Final = 8
# Pixels between a patch's samples, and from a corner to the edge at least.
SPACING: Final = 1.5
MARGIN: Final = 5
LEAST_SIDE: Final = 16
LEAST_STRENGTH: Final = 1.0
# Correlation of two patches from which on they may be of one corner, and signs of 64 up to which.
ALIKE: Final = 0.8
MOST_SIGNS: Final = 20
# Pixels by which a corner may miss its place, and what is added for a scale that is only known to
# a step of the pyramid.
TOLERANCE: Final = 3.0
SLACK: Final = 0.12
FEWEST_VOTES: Final = 4


@dataclass(frozen=True, eq=False)
class Corners:
    """The corners of a rendering.

    Attributes:
        size: of the rendering.
        places: x and y in pixels of the rendering, (n, 2).
        levels: of the pyramid, (n,).
        patches: (n, 8, 8), unit vectors.
    """

    size: Size
    places: NDArray[np.float32]
    levels: NDArray[np.int64]
    patches: NDArray[np.float32]

    @cached_property
    def signs(self) -> NDArray[np.uint64]:
        """The signs of the patches in all orientations, (8, n)."""
        turned = [_oriented(self.patches, number) for number in range(ORIENTATIONS)]
        positive = np.stack(turned).reshape(ORIENTATIONS, len(self.patches), -1) > 0
        return np.packbits(positive, axis=2).view(np.uint64)[:, :, 0]

    def places_after(self, orientation: int) -> NDArray[np.float32]:
        """Return where the corners lie after a change of orientation, (n, 2)."""
        x, y = self.places.T
        width, height = self.size
        if orientation & 1:
            x, y, width, height = y, x, height, width
        x = width - x if orientation & 2 else x
        y = height - y if orientation & 4 else y
        return np.stack([x, y], axis=1)


def find_corners(rendering: Rendering) -> Corners:
    """Return a rendering's corners, the strongest of each of its parts."""
    width, height = rendering.size
    places = [np.empty((0, 2), np.float32)]
    levels = [np.empty(0, np.int64)]
    patches = [np.empty((0, PATCH, PATCH), np.float32)]
    for level in range(LEVELS):
        scale = STEP**-level
        size = round(width * scale), round(height * scale)
        if min(size) < LEAST_SIDE:
            break
        luma = smoothed(rendering.luma(size))
        rows, columns = _strongest(luma, max(FEWEST, round(MOST * scale**2)))
        patches.append(_patches(smoothed(luma), rows, columns))
        x, y = (columns + 0.5) * (width / size[0]), (rows + 0.5) * (height / size[1])
        places.append(np.stack([x, y], axis=1).astype(np.float32))
        levels.append(np.full(len(rows), level))
    return Corners(
        rendering.size, np.concatenate(places), np.concatenate(levels), np.concatenate(patches)
    )


def placements(one: Corners, other: Corners) -> list[Placement]:
    """Return where the second image may lie upon the first, the most votes first.

    There is one of each orientation at most, and only what corners vote for.
    """
    if min(len(one.places), len(other.places)) < FEWEST_VOTES:
        return []
    found = []
    for orientation in range(ORIENTATIONS):
        mine, theirs = _mutual(one, other, orientation)
        if len(mine) >= FEWEST_VOTES:
            placement = _agreed(
                one.places[mine],
                other.places_after(orientation)[theirs],
                (one.levels[mine] - other.levels[theirs]) * np.log(STEP),
                orientation,
            )
            if placement is not None:
                found.append(placement)
    return sorted(found, key=lambda placement: (-placement.votes, placement.orientation))


def smoothed(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image filtered with 1 2 1 along both axes."""
    # In place and without a border, since corners of many images take most of a search's time.
    rows = 2 * luma
    rows[1:] += luma[:-1]
    rows[0] += luma[0]
    rows[:-1] += luma[1:]
    rows[-1] += luma[-1]
    both: NDArray[np.float32] = 2 * rows
    both[:, 1:] += rows[:, :-1]
    both[:, 0] += rows[:, 0]
    both[:, :-1] += rows[:, 1:]
    both[:, -1] += rows[:, -1]
    both *= np.float32(1 / 16)
    return both


def _strongest(luma: NDArray[np.float32], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of corners, the strongest of each cell of a grid."""
    across, down = np.zeros_like(luma), np.zeros_like(luma)
    across[:, 1:-1] = (luma[:, 2:] - luma[:, :-2]) / 2
    down[1:-1] = (luma[2:] - luma[:-2]) / 2
    xx, yy, xy = (smoothed(smoothed(product)) for product in (across**2, down**2, across * down))
    strength = (xx * yy - xy * xy) / (xx + yy + np.float32(1e-3))
    inner = strength[MARGIN:-MARGIN, MARGIN:-MARGIN]
    highest = inner.copy()
    height, width = inner.shape
    if min(inner.shape) < 1:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            top, left = MARGIN + row, MARGIN + column
            np.maximum(highest, strength[top : top + height, left : left + width], out=highest)
    rows, columns = np.nonzero((inner >= highest) & (inner > LEAST_STRENGTH))
    order = np.argsort(-inner[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    cell = max(1.0, np.sqrt(luma.size / most))
    cells = (rows // cell) * luma.size + columns // cell
    _, first = np.unique(cells, return_index=True)
    first = np.sort(first)[:most]
    return rows[first] + MARGIN, columns[first] + MARGIN


def _patches(
    luma: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return what surrounds corners, (n, 8, 8), without mean and of unit length."""
    height, width = luma.shape
    steps = (np.arange(PATCH) - (PATCH - 1) / 2) * SPACING
    y = np.clip(rows[:, None] + steps, 0, height - 1.001).astype(np.float32)[:, :, None]
    x = np.clip(columns[:, None] + steps, 0, width - 1.001).astype(np.float32)[:, None, :]
    top, left = y.astype(np.int64), x.astype(np.int64)
    down, across = y - top, x - left
    upper = luma[top, left] * (1 - across) + luma[top, left + 1] * across
    lower = luma[top + 1, left] * (1 - across) + luma[top + 1, left + 1] * across
    patches = upper * (1 - down) + lower * down
    patches -= patches.mean(axis=(1, 2), keepdims=True)
    patches /= np.sqrt((patches**2).sum(axis=(1, 2), keepdims=True)) + np.float32(1e-3)
    unit: NDArray[np.float32] = patches.astype(np.float32)
    return unit


def _oriented(patches: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    if orientation & 1:
        patches = patches.transpose(0, 2, 1)
    if orientation & 2:
        patches = patches[:, :, ::-1]
    return patches[:, ::-1] if orientation & 4 else patches


def _mutual(
    one: Corners, other: Corners, orientation: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of corners that are each other's most alike, if alike enough.

    Most alike are those whose signs differ least, which takes no product of matrices.
    """
    differ = np.bitwise_count(one.signs[0][:, None] ^ other.signs[orientation])
    best = differ.argmin(axis=1)
    mine = np.arange(len(differ))
    kept = (differ[mine, best] <= MOST_SIGNS) & (differ.argmin(axis=0)[best] == mine)
    mine, theirs = mine[kept], best[kept]
    turned = _oriented(other.patches[theirs], orientation)
    kept = (one.patches[mine] * turned).sum(axis=(1, 2)) > ALIKE
    return mine[kept], theirs[kept]


def _agreed(
    mine: NDArray[np.float32],
    theirs: NDArray[np.float32],
    scales: NDArray[np.float64],
    orientation: int,
) -> Placement | None:
    """Return the placement on which most pairs of corners agree.

    Args:
        mine: places (n, 2) upon which the others are to lie.
        theirs: places (n, 2).
        scales: logarithm of the scale that each pair of corners tells, (n,).
        orientation: of the others.
    """
    scale = np.exp(scales)[:, None]
    # [i, j]: by how much corner j misses its place under the placement that pair i tells.
    across, down = (line - line[:, None] for line in theirs.T)
    across_mine, down_mine = (line - line[:, None] for line in mine.T)
    missed = np.hypot(scale * across - across_mine, scale * down - down_mine)
    reach = TOLERANCE + SLACK * scale * np.hypot(across, down)
    agree = missed < reach
    agree &= np.abs(scales[:, None] - scales) < 1.6 * np.log(STEP)
    votes = agree.sum(axis=1)
    inner = agree[votes.argmax()]
    found = None
    for _ in range(3):
        if inner.sum() < FEWEST_VOTES:
            break
        centre, target = theirs[inner].mean(axis=0), mine[inner].mean(axis=0)
        spread = float(((theirs[inner] - centre) ** 2).sum())
        if spread < 1:
            break
        size = float(((theirs[inner] - centre) * (mine[inner] - target)).sum()) / spread
        if not 1 / LARGEST < size < LARGEST:
            break
        left, top = (target - size * centre).tolist()
        inner = np.hypot(*(size * theirs + (left, top) - mine).T) < TOLERANCE
        if inner.sum() >= FEWEST_VOTES:
            found = Placement(orientation, size, size, left, top, int(inner.sum()))
    return found
