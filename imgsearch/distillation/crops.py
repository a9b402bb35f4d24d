"""Crops of images for training: the same pixels for the teachers and for the student."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageEnhance

from imgsearch.distillation.distortions import distort
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

ATTEMPTS: Final = 20
GRID: Final = 32
"""Pasted rectangles lie on a grid of this many cells a side, to be the same at every size."""


@dataclass(frozen=True, kw_only=True)
class CropRules:
    """How crops are drawn.

    Attributes:
        whole: share of crops that are the whole image, squashed.
        smallest_area: a crop's, as a share of the image's.
        widest_aspect: a crop's width over height is between this and its inverse.
        jittered: share of crops whose brightness, contrast and colour change by up to `strength`.
        strength: of that change; 0.4 is from 60 % to 140 %.
        grey: share of crops without colour.
        distorted: share of crops of distorted images (`distortions.py`).
        true_colours: whether distortions leave colours as they are.
        mixed: share of crops that are mixed with another one (`mix`).
        tiled: share of crops that become one of four quarters (`tile`), where small images need
            less enlargement.
    """

    whole: float = 0.2
    smallest_area: float = 0.25
    widest_aspect: float = 4 / 3
    jittered: float = 0.3
    strength: float = 0.4
    grey: float = 0.05
    mixed: float = 0.25
    tiled: float = 0.0
    distorted: float = 0.0
    true_colours: bool = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: a share is not between 0 and 1, or the aspect below 1.
        """
        for name, value in asdict(self).items():
            if name != "widest_aspect" and not 0 <= value <= 1:
                raise UsageError(f"{name}: {value} is not between 0 and 1")
        if self.widest_aspect < 1:
            raise UsageError(f"widest_aspect: {self.widest_aspect} is below 1")


def draw(
    pixels: Pixels, generator: np.random.Generator, *, sizes: Sequence[int], rules: CropRules
) -> list[Pixels]:
    """Draw one crop (Szegedy et al. 2015, https://arxiv.org/abs/1409.4842) at several sizes.

    Args:
        pixels: RGB, shape (h, w, 3), uint8.
        generator: in equal states, gives equal crops.
        sizes: sides of the squares in pixels.
        rules: how crops are drawn.

    Returns:
        The same crop for each size, uint8 (size, size, 3), resized with antialiased bicubic.
    """
    image = Image.fromarray(pixels)
    # Without distortions nothing is drawn here, so that old seeds still give the same crops.
    if rules.distorted and generator.random() < rules.distorted:
        image = distort(image, generator, true_colours=rules.true_colours)
    box = _box(image.width, image.height, generator, rules)
    if generator.random() < rules.jittered:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            factor = generator.uniform(1 - rules.strength, 1 + rules.strength)
            image = enhance(image).enhance(factor)
    if generator.random() < rules.grey:
        image = image.convert("L").convert("RGB")
    resized = {size: _resized(image, size, box) for size in set(sizes)}
    return [resized[size] for size in sizes]


def whole(pixels: Pixels, *, sizes: Sequence[int]) -> list[Pixels]:
    """Return the whole image squashed to squares of these sizes, uint8 (size, size, 3)."""
    image = Image.fromarray(pixels)
    return [_resized(image, size, (0, 0, image.width, image.height)) for size in sizes]


def mix(
    first: Sequence[Pixels], second: Sequence[Pixels], generator: np.random.Generator
) -> list[Pixels]:
    """Mix two crops: blend them, or paste a rectangle of the second into the first.

    Mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) or CutMix (Yun et al. 2019,
    https://arxiv.org/abs/1905.04899); the teachers embed the mixture itself, as in Beyer et al.
    2022 (https://arxiv.org/abs/2106.05237).

    Args:
        first: one crop at several sizes, each a multiple of 32 pixels.
        second: another one at the same sizes.
        generator: of the choices.

    Returns:
        New arrays at the same sizes.
    """
    if generator.random() < 0.5:  # noqa: PLR2004  either way
        share = np.float32(generator.uniform(0.3, 0.7))
        return [
            np.rint(a * (1 - share) + b * share).astype(np.uint8)
            for a, b in zip(first, second, strict=True)
        ]
    area, stretch = generator.uniform(0.2, 0.6), np.exp(generator.uniform(-0.5, 0.5))
    width, height = (
        int(np.clip(round(GRID * np.sqrt(area * factor)), 4, GRID - 4))
        for factor in (stretch, 1 / stretch)
    )
    left = int(generator.integers(GRID - width + 1))
    top = int(generator.integers(GRID - height + 1))
    mixed = []
    for a, b in zip(first, second, strict=True):
        step = len(a) // GRID
        part = np.s_[top * step : (top + height) * step, left * step : (left + width) * step]
        pasted = a.copy()
        pasted[part] = b[part]
        mixed.append(pasted)
    return mixed


def tile(quarters: Sequence[Sequence[Pixels]]) -> list[Pixels]:
    """Put four crops together, each at half its size.

    The mosaic of Bochkovskiy et al. 2020 (https://arxiv.org/abs/2004.10934), in equal quarters.

    Args:
        quarters: four crops, each at the same sizes, even numbers of pixels.

    Returns:
        New arrays at these sizes: the first two above, the others below.
    """
    halves = [[_halved(pixels) for pixels in crop] for crop in quarters]
    return [
        np.concatenate([np.concatenate([a, b], axis=1), np.concatenate([c, d], axis=1)])
        for a, b, c, d in zip(*halves, strict=True)
    ]


def _halved(pixels: Pixels) -> Pixels:
    side = len(pixels) // 2
    means = pixels.reshape(side, 2, side, 2, 3).mean(axis=(1, 3), dtype=np.float32)
    halved: Pixels = np.rint(means).astype(np.uint8)
    return halved


def _box(
    width: int, height: int, generator: np.random.Generator, rules: CropRules
) -> tuple[float, float, float, float]:
    if generator.random() < rules.whole:
        return 0, 0, width, height
    limit = np.log(rules.widest_aspect)
    for _ in range(ATTEMPTS):
        area = width * height * generator.uniform(rules.smallest_area, 1)
        aspect = np.exp(generator.uniform(-limit, limit))
        across, down = float(np.sqrt(area * aspect)), float(np.sqrt(area / aspect))
        if 1 <= across <= width and 1 <= down <= height:
            left, top = generator.uniform(0, width - across), generator.uniform(0, height - down)
            return left, top, left + across, top + down
    return 0, 0, width, height


def _resized(image: Image.Image, size: int, box: tuple[float, float, float, float]) -> Pixels:
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))
