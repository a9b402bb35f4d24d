"""Pictures with transparency laid over backgrounds, for a pool of more kinds of things.

    python -m training.lay_cutouts FOLDER... --over PHOTOGRAPHS --copies 3
        --seed 1 --out FOLDER

Drawings and cut-out photographs of single things can be had in thousands (clip art, stamps,
emoji) where photographs of as many kinds cannot. Each is laid, at another size and place, over
white, a plain colour, a gradient or part of a photograph, which is the copy-paste of Dwibedi et
al. 2017 (https://arxiv.org/abs/1708.01642). Pictures without transparency are left out.
"""

from __future__ import annotations

import argparse
import logging
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from PIL import Image

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.images import loading
from imgsearch.images.formats import identify
from imgsearch.images.refusals import refusing
from training.pool import pictures_beneath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

LONGEST: Final = 160
"""Longer side of a result, in pixels, as in the pool."""
WIDEST_ASPECT: Final = 1.5
SMALLEST: Final = 0.55
"""Of a cutout: its larger share of the canvas, of width or height."""
KINDS: Final = ("white", "plain", "gradient", "photograph")
CHANCES: Final = (0.35, 0.15, 0.15, 0.35)
QUALITY: Final = 90
ATTEMPTS: Final = 10
"""Photographs that are drawn for one background, where they cannot be read."""
_LOG: Final = logging.getLogger(__name__)


def cutout(path: Path) -> Image.Image | None:
    """Return a picture in mode RGBA without its empty margins, or None if it is opaque or empty.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    data = loading.read_file(path)
    with refusing(data, identify(data)), Image.open(BytesIO(data)) as image:
        if not image.has_transparency_data:
            return None
        opened = image.convert("RGBA")
    opacity = opened.getchannel("A")
    box = opacity.getbbox()
    lowest, _ = cast("tuple[int, int]", opacity.getextrema())
    return None if box is None or lowest == 255 else opened.crop(box)  # noqa: PLR2004  opaque


def lay(
    thing: Image.Image, generator: np.random.Generator, *, photographs: Sequence[Path]
) -> Image.Image:
    """Lay a cutout over a background, 160 pixels on its longer side.

    Args:
        thing: in mode RGBA.
        generator: decides size, place and background.
        photographs: what a part is taken of, where the background is a photograph.

    Returns:
        In mode RGB.

    Raises:
        UnreadableImageError: none of ten photographs drawn can be read.
    """
    aspect = float(np.exp(generator.uniform(-1, 1) * np.log(WIDEST_ASPECT)))
    size = (round(LONGEST * min(1, aspect)), round(LONGEST * min(1, 1 / aspect)))
    kind = KINDS[int(generator.choice(len(KINDS), p=CHANCES))]
    canvas = _background(kind, size, generator, photographs)
    share = generator.uniform(SMALLEST, 1)
    scale = share * min(size[0] / thing.width, size[1] / thing.height)
    shown = (max(1, round(thing.width * scale)), max(1, round(thing.height * scale)))
    # Colours multiplied by alpha: what is hidden must not bleed into the edge.
    resized = thing.convert("RGBa").resize(shown, Image.Resampling.BICUBIC).convert("RGBA")
    left, top = (
        int(generator.integers(whole - part + 1)) for whole, part in zip(size, shown, strict=True)
    )
    canvas.paste(resized, (left, top), resized)
    return canvas


def _background(
    kind: str, size: tuple[int, int], generator: np.random.Generator, photographs: Sequence[Path]
) -> Image.Image:
    first, second = generator.integers(256, size=(2, 3))
    if kind == "white":
        return Image.new("RGB", size, "white")
    if kind == "plain":
        return Image.new("RGB", size, tuple(map(int, first)))
    if kind == "gradient":
        x, y = np.meshgrid(*(np.linspace(0, 1, side) for side in size))
        along = generator.uniform()
        share = (along * x + (1 - along) * y)[..., None]
        return Image.fromarray(np.rint(first * (1 - share) + second * share).astype(np.uint8))
    photograph = _photograph(generator, photographs)
    across, down = (generator.uniform(0.4, 1) * side for side in photograph.size)
    left = generator.uniform(0, photograph.width - across)
    top = generator.uniform(0, photograph.height - down)
    box = (left, top, left + across, top + down)
    return photograph.resize(size, Image.Resampling.BICUBIC, box=box)


def _photograph(generator: np.random.Generator, photographs: Sequence[Path]) -> Image.Image:
    for i in generator.integers(len(photographs), size=ATTEMPTS):
        try:
            shown = loading.display(loading.read_file(photographs[i]), longest=LONGEST)
        except UnreadableImageError as error:
            _LOG.warning("%s is no background: %s", photographs[i], error.reason)
        else:
            return Image.fromarray(shown)
    raise UnreadableImageError(f"none of {ATTEMPTS} photographs drawn can be read")


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description="Lay cutouts over backgrounds.")
    parser.add_argument("folders", nargs="+", type=Path, help="pictures with transparency")
    parser.add_argument("--over", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--copies", type=int, default=3, help="of each cutout")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        photographs = pictures_beneath(given.over)
        paths = [path for folder in given.folders for path in pictures_beneath(folder)]
    except UsageError as error:
        parser.error(str(error))
    try:
        laid = _lay_all(paths, photographs, copies=given.copies, seed=given.seed, folder=given.out)
    except UnreadableImageError as error:
        parser.exit(1, f"{given.over}: {error}; remove what is damaged and run this again\n")
    _LOG.info("%d cutouts, %d pictures", laid, laid * given.copies)


def _lay_all(
    paths: Sequence[Path], photographs: Sequence[Path], *, copies: int, seed: int, folder: Path
) -> int:
    """Write copies of each cutout into a folder, and return the number of cutouts."""
    folder.mkdir(parents=True, exist_ok=True)
    laid = 0
    for number, path in enumerate(paths):
        try:
            thing = cutout(path)
        except UnreadableImageError as error:
            _LOG.warning("%s is left out: %s", path, error.reason)
            continue
        if thing is None:
            continue
        laid += 1
        for copy in range(copies):
            generator = np.random.default_rng((seed, number, copy))
            picture = lay(thing, generator, photographs=photographs)
            picture.save(folder / f"{number:05d}-{copy}.webp", quality=QUALITY)
    return laid


if __name__ == "__main__":
    main()
