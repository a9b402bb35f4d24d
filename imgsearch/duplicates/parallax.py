"""A second look, at the originals: whether two pictures that lie upon each other are one exposure.

Renderings of 160 pixels hide what has moved by half a percent of the frame. Between two exposures
of a scene the camera or a thing moves, and parts of the picture lie off their places by unlike
amounts, as no crop, scale, turn or tone of one exposure does. Patches are looked for around their
places by normalised cross-correlation, an affine map is fitted to where they were found (so that a
placement that is off, or a slight turn, counts for nothing), and what remains is parallax.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.overlay import flattened
from imgsearch.duplicates.placement import box_in, shared_area
from imgsearch.errors import UnreadableImageError
from imgsearch.images.fingerprints import SIDE
from imgsearch.images.renderings import Rendering

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.duplicates.changes import Laid
    from imgsearch.duplicates.placement import Placement
    from imgsearch.storage.records import Content

# Longer side in pixels of what is looked at again.
LONGEST: Final = 512
# Pixels that three quarters of the patches may be off, beyond what an affine map explains. Edits of
# one exposure stay below, and other exposures do not: docs/design.md has the figures.
MOST: Final = 0.75
# Score from which on two pictures agree plainly: most that were only scaled or compressed do.
PLAIN: Final = 7.0
# Pixels a side of a patch, and from one to the next.
PATCH: Final = 48
STEP: Final = 24
# Reach of the windows in which mean and deviation are evened out.
REACH: Final = 8
# Variance in them that is taken for noise, in levels of 255 squared.
NOISE: Final = 4.0
# Deviation, in those of its window, that a patch needs; correlation from which on it is found; and
# how many have to be.
LEAST_DETAIL: Final = 0.15
FOUND: Final = 0.6
LEAST_PATCHES: Final = 8
# Pixels off the fit from which on a patch weighs less.
SOFT: Final = 0.5
_FITS: Final = 10
# Originals that are held at once; some megabytes each.
_HELD: Final = 8


class SecondLook:
    """Looks at the originals of pairs that seem to be the same."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """Say where bytes come from.

        Args:
            read: from a content's hash to its bytes; raises `UnreadableImageError`.
        """
        self._read = read
        self._seen = lru_cache(_HELD)(self._decoded)

    def is_another_exposure(self, one: Content, other: Content, laid: Laid) -> bool:
        """Whether parts of two pictures lie off their places.

        Files that are not there, and pictures with next to no detail, tell nothing. Those that
        agree plainly are not decoded for it.

        Args:
            one: the content that lay below.
            other: the one that was laid over it.
            laid: how they lie upon each other.
        """
        if laid.score >= PLAIN:
            return False
        below, above = self._seen(one.hash), self._seen(other.hash)
        if below is None or above is None:
            return False
        off = parallax(below, above, laid.agreement.placement)
        return off is not None and off > MOST

    def _decoded(self, content_hash: str) -> Rendering | None:
        from imgsearch.images import loading

        try:
            return Rendering.of(loading.display(self._read(content_hash), longest=LONGEST))
        except UnreadableImageError:
            return None


def parallax(one: Rendering, other: Rendering, placement: Placement) -> float | None:
    """Return by how many pixels the patches of two pictures are off their places.

    Args:
        one: below; its longer side at most `LONGEST` pixels.
        other: above, likewise, as it is stored.
        placement: where, in pixels of renderings whose longer side is `SIDE`.

    Returns:
        What three quarters of the patches stay below, in pixels of the coarser of the two; None
        where too few patches are found again.
    """
    pair = _on_one_grid(one, other, placement)
    if pair is None:
        return None
    places, moves = _moves(*pair)
    if len(places) < LEAST_PATCHES:
        return None
    return float(np.percentile(_unexplained(places, moves), 75))


def _on_one_grid(
    one: Rendering, other: Rendering, placement: Placement
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return what two pictures share, on the same pixels and no finer than the coarser one."""
    turned = other.oriented(placement.orientation)
    scale_one, scale_other = max(one.size) / SIDE, max(turned.size) / SIDE
    here = replace(
        placement,
        across=placement.across * scale_one / scale_other,
        down=placement.down * scale_one / scale_other,
        left=placement.left * scale_one,
        top=placement.top * scale_one,
    )
    shared = shared_area(one.size, turned.size, here)
    if shared is None:
        return None
    left, top, right, bottom = shared
    scale = min(1.0, 1 / max(here.across, here.down))
    size = round((right - left) * scale), round((bottom - top) * scale)
    if min(size) < PATCH:
        return None
    box = box_in(turned.size, here, shared)
    mine, theirs = one.luma(size, shared), turned.luma(size, box)
    return flattened(mine - mine.mean(), theirs - theirs.mean(), REACH, noise=NOISE)


def _moves(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles of the patches that are found, and how far off: both (n, 2), x and y."""
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))
    places, moves = [], []
    for top in range(0, one.shape[0] - PATCH + 1, STEP):
        for left in range(0, one.shape[1] - PATCH + 1, STEP):
            part = slice(top, top + PATCH), slice(left, left + PATCH)
            move = _move(one[part], other[part], window)
            if move is not None:
                places.append((left + PATCH / 2, top + PATCH / 2))
                moves.append(move)
    return np.array(places), np.array(moves)


def _move(
    one: NDArray[np.float64], other: NDArray[np.float64], window: NDArray[np.float64]
) -> tuple[float, float] | None:
    one, other = (one - one.mean()) * window, (other - other.mean()) * window
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    if min(lengths) < LEAST_DETAIL * PATCH:
        return None
    spectrum = np.fft.rfft2(one) * np.conj(np.fft.rfft2(other))
    correlation = np.fft.irfft2(spectrum, s=one.shape) / (lengths[0] * lengths[1])
    row, column = divmod(int(correlation.argmax()), PATCH)
    if correlation[row, column] < FOUND:
        return None
    near = np.arange(-1, 2)
    down = _peak(correlation[(row + near) % PATCH, column])
    across = _peak(correlation[row, (column + near) % PATCH])
    half = PATCH // 2
    return (column + half) % PATCH - half + across, (row + half) % PATCH - half + down


def _peak(three: NDArray[np.float64]) -> float:
    """Return where between three values the parabola through them is highest, from -½ to ½."""
    before, here, after = three.tolist()
    curve = before - 2 * here + after
    return 0.5 * (before - after) / curve if curve < 0 else 0.0


def _unexplained(places: NDArray[np.float64], moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths (n,) of what is left of moves by the affine map that most of them fit.

    Least squares, weighed anew by what was left (Holland and Welsch 1977, with Cauchy's weights).
    """
    known = np.column_stack([places / LONGEST, np.ones(len(places))])
    weights = np.ones(len(places))
    left = moves
    for _ in range(_FITS):
        fit, *_ = np.linalg.lstsq(known * weights[:, None], moves * weights[:, None], rcond=None)
        left = np.hypot(*(moves - known @ fit).T)
        weights = 1 / np.sqrt(1 + (left / SOFT) ** 2)
    return np.asarray(left)
