"""Perceptual hashes of an image in the eight orientations, and which of them are near.

A hash is the signs of a cosine transform. Mirroring an image left to right changes the sign of
every second column of frequencies, top to bottom of every second row, and exchanging rows and
columns exchanges the frequencies' too: so one hash tells those of all eight orientations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.images.fingerprints import FREQUENCIES
from imgsearch.images.renderings import ORIENTATIONS
from imgsearch.vectors.binary import within

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Signs of 64 that may differ between an image and an edit of it that keeps its frame.
NEAR: Final = 9


def oriented(hashes: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the hashes that images have after a change of orientation.

    Args:
        hashes: shape (n, HASH_BYTES).
        orientation: as `imgsearch.images.renderings.Rendering.oriented` has it.
    """
    signs = np.unpackbits(hashes, axis=1).reshape(len(hashes), FREQUENCIES, FREQUENCIES)
    if orientation & 1:
        signs = signs.transpose(0, 2, 1)
    odd = np.arange(FREQUENCIES, dtype=np.uint8) % 2
    flips = odd[np.newaxis, :] * (orientation >> 1 & 1) ^ odd[:, np.newaxis] * (
        orientation >> 2 & 1
    )
    return np.packbits((signs ^ flips).reshape(len(hashes), FREQUENCIES * FREQUENCIES), axis=1)


def near_pairs(
    queries: NDArray[np.uint8], hashes: NDArray[np.uint8], *, most: int = NEAR
) -> NDArray[np.int64]:
    """Return the rows of queries and of hashes `(n, 2)` that are near in some orientation."""
    found = [
        within(oriented(queries, orientation), hashes, most) for orientation in range(ORIENTATIONS)
    ]
    return np.unique(np.concatenate(found), axis=0)
