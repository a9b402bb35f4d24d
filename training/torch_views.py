"""What the student of a long run is shown: cached crops, a little different each time.

Development code, for `torch_run.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from imgsearch.distillation.dense import overlaps, resampled
from training.torch_student import as_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.distillation.targets import CropCache
    from imgsearch.vectors.projection import Projection
    from training.coloured_targets import ColouredTargets

SMALLEST_PART: Final = 0.92
BRIGHTNESS: Final = 0.15
"""How the student's view of a crop differs each time: the side of the part that it sees, and by how
much it is lighter or darker. The teachers' targets hardly notice (cosine 0.97 and 0.95 for sides of
0.97 and 0.94, 0.99 for the light; a mirrored picture's is 0.95), and crops are harder to learn by
heart."""


@dataclass(frozen=True)
class View:
    """Some crops as the student sees them.

    Attributes:
        images: shape (n, 3, s, s), bfloat16, channels last.
        targets: of the whole crops, unit rows, shape (n, dim), float32.
        locations: targets of the parts seen, shape (n, k, k, dim), float32; None without.
    """

    images: torch.Tensor
    targets: torch.Tensor
    locations: torch.Tensor | None


class Views:
    """Views of the crops of several caches, counted through.

    Attributes:
        targets: of all crops, unit rows, shape (n, dim), float32.
    """

    def __init__(
        self,
        caches: Sequence[CropCache],
        fitted: Projection,
        *,
        stride: int,
        colours: ColouredTargets | None = None,
    ) -> None:
        """Make the targets.

        Args:
            caches: crops and what the teachers say of them.
            fitted: makes targets of the teachers' embeddings.
            stride: pixels of the student's input per location of its last feature maps.
            colours: give the targets their part of colours; None leaves them without.
        """
        self._colours = colours
        self._coloured = [colours.of(cache.crops) for cache in caches] if colours else []
        self.targets = np.concatenate([fitted.apply(cache.embeddings) for cache in caches])
        if colours:
            self.targets = colours.targets(self.targets, np.concatenate(self._coloured))
        self._crops = [cache.crops for cache in caches]
        located = [cache.locations for cache in caches]
        self._locations = [x for x in located if x is not None]
        if len(self._locations) < len(caches):
            self._locations = []
        self._starts = np.cumsum([0, *(len(cache.crops) for cache in caches)])
        self._stride = stride

    def view(self, rows: NDArray[np.int64], size: int, generator: np.random.Generator) -> View:
        """Return a view of some crops at a size, as the generator decides."""
        pixels = self._taken(self._crops, rows)
        flipped = generator.random(len(rows)) < 0.5  # noqa: PLR2004  every other one
        pixels[flipped] = pixels[flipped, :, ::-1]
        whole = pixels.shape[1]
        side = round(whole * generator.uniform(SMALLEST_PART, 1))
        top, left = generator.integers(whole - side + 1, size=2)
        images = as_batch(pixels[:, top : top + side, left : left + side], size)
        light = generator.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS, size=(len(rows), 1, 1, 1))
        images = (images * torch.from_numpy(light).bfloat16()).clamp_(0, 255)
        locations = None
        if self._locations:
            maps = self._taken(self._locations, rows).astype(np.float32)
            if self._colours:
                maps = self._colours.locations(maps, self._taken(self._coloured, rows))
            maps[flipped] = maps[flipped, :, ::-1]
            # A stride that does not divide the size leaves a last location that sees less.
            count, grid = -(-size // self._stride), maps.shape[1]
            down, across = (
                overlaps(count, grid, begin=begin / whole, length=side / whole)
                for begin in (top, left)
            )
            locations = torch.from_numpy(resampled(maps, down, across))
        return View(images, torch.from_numpy(self.targets[rows]), locations)

    def _taken(self, arrays: Sequence[NDArray[Any]], rows: NDArray[np.int64]) -> NDArray[Any]:
        which = np.searchsorted(self._starts, rows, side="right") - 1
        return np.stack(
            [arrays[i][row - self._starts[i]] for i, row in zip(which, rows, strict=True)]
        )
