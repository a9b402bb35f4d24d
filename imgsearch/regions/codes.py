"""Unit vectors as codes of four bits for a number, two to a byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS: Final = 7  # to either side of 0
_ZERO: Final = 8  # the code of 0


def code_bytes(dim: int) -> int:
    """Return how many bytes the codes of a vector take."""
    return -(-dim // 2)


def encode(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the codes of vectors: each number in sevenths of the largest of its vector.

    Args:
        vectors: shape (..., dim).

    Returns:
        Shape (..., `code_bytes(dim)`).
    """
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    steps = np.rint(vectors / np.where(largest == 0, 1, largest) * _STEPS)
    codes = (steps + _ZERO).astype(np.uint8)
    if codes.shape[-1] % 2:
        codes = np.concatenate([codes, np.full((*codes.shape[:-1], 1), _ZERO, np.uint8)], axis=-1)
    packed: NDArray[np.uint8] = np.left_shift(codes[..., ::2], 4, dtype=np.uint8) | codes[..., 1::2]
    return packed


def decode(codes: NDArray[np.uint8], dim: int) -> NDArray[np.float32]:
    """Return the unit vectors (..., dim) that codes (..., `code_bytes(dim)`) stand for."""
    steps = np.stack([codes >> 4, codes & 15], axis=-1).astype(np.float32) - _ZERO
    rows = steps.reshape(-1, 2 * codes.shape[-1])[:, :dim]
    return l2_normalise(rows).reshape(*codes.shape[:-1], dim)
