"""Pictures with enough detail to be laid over each other, and what may be done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

DATE = 0x0132
CAMERA = 0x0110


def scene(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """Return a picture of coloured patches and soft edges, another one for each seed."""
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", size)
    for side, weight in ((4, 1.0), (12, 0.6), (40, 0.4), (90, 0.3)):
        cells = chance.integers(0, 256, (side, side, 3), dtype=np.uint8)
        layer = Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)
        image = Image.blend(image, layer, weight)
    return image


def cropped(
    image: Image.Image, left: float, top: float, right: float, bottom: float
) -> Image.Image:
    """Return a part of a picture, by shares of its sides."""
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )


def save(
    image: Image.Image, path: Path, *, quality: int = 90, taken: str = "", camera: str = ""
) -> Path:
    """Write a picture, with a date and a camera if they are given, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken:
        exif[DATE] = taken
    if camera:
        exif[CAMERA] = camera
    image.save(path, **({"quality": quality} if path.suffix == ".jpg" else {}), exif=exif)
    return path
