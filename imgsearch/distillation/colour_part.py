"""The colour part: some further dimensions of an embedding, which say what colours a picture has.

A student that learns what things are learns that their colours matter little, while a person who
looks for similar pictures sees colours first, and one and the same thing keeps its own. So a
soft histogram stands beside what was learnt: every pixel's colour is shared out among 4 x 4 x 4
colours, square roots are taken, the mean over the picture is centred and projected onto principal
components. All but the mean and the components is fixed, and nothing is trained.

Square roots make inner products Bhattacharyya coefficients (Bhattacharyya 1943), here of single
pixels: their mean is the kernel mean embedding of a picture's colours (Smola et al. 2007,
https://doi.org/10.1007/978-3-540-75225-7_5). Taking them before the mean keeps the whole part a
map of each pixel, so that it ends in feature maps whose global average pooling is the embedding,
as everything else here does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.distillation.architecture import (
    COLOUR_BLOCK,
    COLOUR_CONVOLUTIONS,
    COLOUR_LEVELS,
)
from imgsearch.distillation.weights import FoldedWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

POWER: Final = 0.25
"""How far the components' standard deviations are evened out: divided by their root."""
_STEP: Final = 255 / (COLOUR_LEVELS - 1)
_AT_ONCE: Final = 64


def ramps() -> FoldedWeights:
    """Return the 1x1 convolution from a colour to what the hats are made of; ReLU follows.

    For each channel, in steps between levels: its value t, then t - 1, t - 2 and so on.
    """
    kernel = np.zeros((1, 1, 3, 3, COLOUR_LEVELS - 1), dtype=np.float32)
    kernel[0, 0, range(3), range(3)] = 1 / _STEP
    bias = -np.tile(np.arange(COLOUR_LEVELS - 1, dtype=np.float32), 3)
    return FoldedWeights(kernel.reshape(1, 1, 3, -1), bias)


def joint_bins() -> FoldedWeights:
    """Return the 1x1 convolution from the ramps to 64 colours; ReLU follows.

    A channel's hat k is 1 at level k and falls to 0 at its neighbours:
    relu(t - k + 1) - 2 relu(t - k) + relu(t - k - 1). A colour's share in a bin is what its three
    hats add up to above 2.
    """
    hats = np.zeros((COLOUR_LEVELS - 1, COLOUR_LEVELS))
    constant = np.zeros(COLOUR_LEVELS)
    # Level 0 has no ramp of its own: there relu(t + 1) is t + 1.
    constant[0] = 1
    hats[0, 0] = -1
    for ramp in range(COLOUR_LEVELS - 1):
        hats[ramp, ramp + 1] += 1
        if ramp:
            hats[ramp, ramp] -= 2
            hats[ramp, ramp - 1] += 1
    kernel = np.zeros((3, COLOUR_LEVELS - 1, COLOUR_LEVELS, COLOUR_LEVELS, COLOUR_LEVELS))
    kernel[0] = hats[:, :, None, None]
    kernel[1] = hats[:, None, :, None]
    kernel[2] = hats[:, None, None, :]
    bias = constant[:, None, None] + constant[:, None] + constant - 2
    return FoldedWeights(
        kernel.reshape(1, 1, -1, COLOUR_LEVELS**3).astype(np.float32),
        bias.reshape(COLOUR_LEVELS**3).astype(np.float32),
    )


def soft_histograms(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the means of the square roots of the pixels' shares in 64 colours, shape (n, 64).

    Args:
        pictures: shape (n, s, s, 3), uint8, s a multiple of 4.
    """
    rows = []
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures[start : start + _AT_ONCE]
        side = some.shape[1] // COLOUR_BLOCK
        blocks = some.reshape(len(some), side, COLOUR_BLOCK, side, COLOUR_BLOCK, 3)
        values = blocks.mean(axis=(2, 4), dtype=np.float32)
        for weights in (ramps(), joint_bins()):
            values = np.maximum(values @ weights.kernel[0, 0] + weights.bias, 0)
        rows.append(np.sqrt(values).mean(axis=(1, 2)))
    return np.concatenate(rows)


def fit(pictures: NDArray[np.uint8], *, length: float) -> FoldedWeights:
    """Return the 1x1 convolution from the square roots to the colour part.

    Args:
        pictures: some hundred at least, shape (n, s, s, 3), uint8, s a multiple of 4.
        length: what the part's median length over these pictures is to be.
    """
    rows = soft_histograms(pictures).astype(np.float64)
    mean = rows.mean(axis=0)
    dim = COLOUR_CONVOLUTIONS[-1].outputs
    _, deviations, components = np.linalg.svd(rows - mean, full_matrices=False)
    kernel = components[:dim].T / (deviations[:dim] / np.sqrt(len(rows))) ** (2 * POWER)
    kernel *= length / np.median(np.linalg.norm((rows - mean) @ kernel, axis=1))
    return FoldedWeights(kernel[None, None].astype(np.float32), -(mean @ kernel).astype(np.float32))
