"""The files that extraction.py indexes: JPEGs of two sizes, all different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        name: of the images' size.
        size: width and height in pixels.
        originals: number of images with different pixels; the other files are copies of these with
            a few bytes appended, which change the hash but not the image.
        files: number that is indexed.
        loop: number that the plain loop gets.
    """

    name: str
    size: tuple[int, int]
    originals: int
    files: int
    loop: int


FULL: Final = (
    Scale("12 MP", (4000, 3000), originals=12, files=160, loop=40),
    Scale("0.3 MP", (640, 480), originals=100, files=1600, loop=80),
)
QUICK: Final = (
    Scale("12 MP", (4000, 3000), originals=1, files=4, loop=2),
    Scale("0.3 MP", (640, 480), originals=8, files=64, loop=4),
)


def make_pictures(folder: Path, sources: Sequence[Path], scale: Scale) -> list[Path]:
    """Write the files of a scale, all of different bytes; return them."""
    folder.mkdir()
    originals = []
    for number in range(scale.originals):
        generator = np.random.default_rng(number)
        with Image.open(sources[number % len(sources)]) as image:
            resized = image.convert("RGB").resize(scale.size, Image.Resampling.BICUBIC)
        grain = generator.normal(0, 6, size=(scale.size[1], scale.size[0], 1))
        pixels = np.clip(np.asarray(resized) + grain, 0, 255).astype(np.uint8)
        path = folder / "original.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        originals.append(path.read_bytes())
        path.unlink()
    paths = [folder / f"{number:05}.jpg" for number in range(scale.files)]
    for number, path in enumerate(paths):
        path.write_bytes(originals[number % len(originals)] + number.to_bytes(4, "big"))
    return paths
