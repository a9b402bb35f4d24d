"""Distortions of images, for students that train on few kinds of images.

The teachers embed the distorted image itself, so a distortion need not preserve what it shows.
Asano and Saeed (2022, https://arxiv.org/abs/2112.00725) found that a student can learn much from
heavily distorted views of few images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 3
"""Distortions of one image, at most."""
LARGEST_TURN: Final = 35.0
"""Degrees, to either side."""
DEEPEST_CORNER: Final = 0.25
"""How far a corner moves inwards, as a share of the side."""
LARGEST_MARGIN: Final = 0.4
"""Width of a margin, as a share of the side beside it."""


def distort(
    image: Image.Image, generator: np.random.Generator, *, true_colours: bool = False
) -> Image.Image:
    """Return an image with one to three distortions, each of another kind.

    Args:
        image: in mode RGB; left untouched.
        generator: of the choices.
        true_colours: use only distortions that leave colours as they are.
    """
    among = _OF_TRUE_COLOURS if true_colours else _DISTORTIONS
    count = int(generator.integers(1, MOST + 1))
    for which in generator.choice(len(among), size=count, replace=False):
        image = among[which](image, generator)
    return image


def _turned(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    angle = generator.uniform(-LARGEST_TURN, LARGEST_TURN)
    return image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=_background(generator))


def _slanted(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Stretch a quadrilateral inside the image to the whole."""
    width, height = image.size
    across, down = generator.uniform(0, DEEPEST_CORNER, size=(2, 4))
    # upper left, lower left, lower right, upper right
    x = np.where([False, False, True, True], 1 - across, across) * width
    y = np.where([False, True, True, False], 1 - down, down) * height
    corners = [float(value) for pair in zip(x, y, strict=True) for value in pair]
    return image.transform(
        image.size, Image.Transform.QUAD, corners, resample=Image.Resampling.BICUBIC
    )


def _framed(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Put the image on a larger plain background."""
    margins = generator.uniform(0, LARGEST_MARGIN, size=4)
    left, right = (round(share * image.width) for share in margins[:2])
    above, below = (round(share * image.height) for share in margins[2:])
    size = (left + image.width + right, above + image.height + below)
    canvas = Image.new("RGB", size, _background(generator))
    canvas.paste(image, (left, above))
    return canvas


def _tinted(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Turn all hues by the same angle."""
    hue, saturation, value = image.convert("HSV").split()
    shift = int(generator.integers(256))
    turned = hue.point([(level + shift) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def _exposed(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Spread the tones, or even them out, or bend them."""
    kind = generator.integers(3)
    if kind == 0:
        return ImageOps.autocontrast(image, cutoff=float(generator.uniform(0, 10)))
    if kind == 1:
        return ImageOps.equalize(image)
    gamma = float(np.exp(generator.uniform(-0.9, 0.9)))
    return image.point([round(255 * (level / 255) ** gamma) for level in range(256)] * 3)


def _flattened(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Leave few tones."""
    return ImageOps.posterize(image, int(generator.integers(2, 5)))


def _inverted(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Invert all tones, or only the light ones."""
    return ImageOps.solarize(image, int(generator.integers(200)))


def _sharpened(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    return ImageEnhance.Sharpness(image).enhance(float(generator.uniform(2, 5)))


def _blurred(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(float(generator.uniform(0.5, 1.5))))


def _drawn(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Leave dark lines on white, or a grey image."""
    grey = image.convert("L")
    if generator.random() < 0.5:  # noqa: PLR2004  either way
        grey = ImageOps.invert(grey.filter(ImageFilter.FIND_EDGES))
    return grey.convert("RGB")


def _background(generator: np.random.Generator) -> tuple[int, int, int]:
    """Return white, black, a grey or a colour."""
    kind = generator.integers(4)
    if kind < 2:  # noqa: PLR2004  white or black
        return (255, 255, 255) if kind == 0 else (0, 0, 0)
    levels = [int(level) for level in generator.integers(256, size=3)]
    grey = levels[0]
    return (grey, grey, grey) if kind == 2 else (levels[0], levels[1], levels[2])  # noqa: PLR2004


_Distortion: TypeAlias = "Callable[[Image.Image, np.random.Generator], Image.Image]"

_OF_TRUE_COLOURS: Final[tuple[_Distortion, ...]] = (
    _turned,
    _slanted,
    _framed,
    _sharpened,
    _blurred,
)
# In a fixed order, so that old seeds still give the same crops.
_DISTORTIONS: Final[tuple[_Distortion, ...]] = (
    _turned,
    _slanted,
    _framed,
    _tinted,
    _exposed,
    _flattened,
    _inverted,
    _sharpened,
    _blurred,
    _drawn,
)
