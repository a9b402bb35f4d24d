"""Perceptual hashes of an image in the eight orientations, and which of them are near.

A hash is the signs of a cosine transform. Mirroring an image left to right changes the sign of
every second column of frequencies, top to bottom of every second row, and exchanging rows and
columns exchanges the frequencies' too: so one hash tells those of all eight orientations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.images.fingerprints import FREQUENCIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORIENTATIONS: Final = 8
# Of 64 signs.
NEAR: Final = 4
_BLOCK: Final = 256


def oriented(hashes: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the hashes that images have after a change of orientation.

    Args:
        hashes: shape (n, HASH_BYTES).
        orientation: bit 0: rows and columns are exchanged first; bit 1: then left and right; bit
            2: and top and bottom.
    """
    signs = np.unpackbits(hashes, axis=1).reshape(-1, FREQUENCIES, FREQUENCIES)
    if orientation & 1:
        signs = signs.transpose(0, 2, 1)
    odd = np.arange(FREQUENCIES) % 2
    flips = (odd[np.newaxis, :] * (orientation >> 1 & 1)) ^ (
        odd[:, np.newaxis] * (orientation >> 2 & 1)
    )
    return np.packbits((signs ^ flips.astype(np.uint8)).reshape(len(hashes), -1), axis=1)


def near_pairs(hashes: NDArray[np.uint8], *, most: int = NEAR) -> NDArray[np.int64]:
    """Return the pairs of rows `(n, 2)`, the smaller first, that are near in some orientation."""
    found = [np.empty((0, 2), np.int64)]
    words = np.ascontiguousarray(hashes).view(np.uint64)[:, 0]
    turned = [
        np.ascontiguousarray(oriented(hashes, orientation)).view(np.uint64)[:, 0]
        for orientation in range(ORIENTATIONS)
    ]
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        near = np.zeros((len(block), len(words)), bool)
        for others in turned:
            near |= np.bitwise_count(block[:, np.newaxis] ^ others) <= most
        one, other = np.nonzero(near)
        one += start
        found.append(np.stack([one, other], axis=1)[one < other])
    return np.concatenate(found)
