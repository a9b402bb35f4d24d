"""Which part of an image goes onto how many pixels: crops, turning by EXIF, resizing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image

from imgsearch.errors import RecipeMismatchError, UsageError
from imgsearch.images.metadata import swaps_sides

if TYPE_CHECKING:
    from imgsearch.recipe import Resize

# Images are decoded no smaller than this multiple of the wanted size, so that the antialiased
# resize afterwards hides what a decoder's coarse scale left out.
OVERSAMPLING: Final = 2.0

_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Width and height; left, top, right and bottom.
Size = tuple[int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DecodingRules:
    """How large an image is decoded for a network.

    Attributes:
        oversampling: least multiple of the network's input.
        resampling: what resizes an image that was decoded at a reduced scale; any other is resized
            by the antialiased bicubic.
        one_scale: it is never decoded smaller than its rendering wants, made or not, so that the
            network sees the same of a file whether it is indexed or asked about.
    """

    oversampling: float
    resampling: Image.Resampling
    one_scale: bool


# By the version in a recipe; figures are in benchmarks/results/oversampling.md.
RULES: Final = {
    1: DecodingRules(OVERSAMPLING, Image.Resampling.BICUBIC, one_scale=False),
    2: DecodingRules(1.0, Image.Resampling.LANCZOS, one_scale=True),
}


@dataclass(frozen=True, slots=True)
class CropBox:
    """A part of the displayed (rotated) image.

    Attributes:
        left: distance from the left edge.
        top: distance from the top edge.
        width: above 0.
        height: above 0.
        percent: the four figures are percent of the image's width and height, not pixels.
    """

    left: float
    top: float
    width: float
    height: float
    percent: bool = False

    def __post_init__(self) -> None:
        """Refuse figures that describe no rectangle.

        Raises:
            UsageError: a figure is not finite, negative, or a side is 0.
        """
        figures = (self.left, self.top, self.width, self.height)
        if not all(math.isfinite(figure) and figure >= 0 for figure in figures):
            raise UsageError(f"crop: {figures} holds a figure that is negative or not finite")
        if not (self.width and self.height):
            raise UsageError(f"crop: a width and height above 0 are needed, received {figures}")

    @classmethod
    def parse(cls, text: str) -> CropBox:
        """Read "LEFT,TOP,WIDTH,HEIGHT" in pixels, or in percent as "10%,20%,30%,40%".

        Raises:
            UsageError: the text is neither four numbers nor four percentages.
        """
        parts = [part.strip() for part in text.split(",")]
        percent = all(part.endswith("%") for part in parts)
        try:
            left, top, width, height = (float(p.removesuffix("%") if percent else p) for p in parts)
        except ValueError:
            raise UsageError(
                f"crop: {text!r} is not X,Y,WIDTH,HEIGHT; four numbers are pixels of the picture "
                "as it is displayed, four percentages (10%,20%,30%,40%) are parts of its sides"
            ) from None
        return cls(left, top, width, height, percent)

    def within(self, size: Size) -> Box:
        """Return left, top, right and bottom in pixels of an image of that (width, height).

        Raises:
            UsageError: the crop reaches beyond the image, or covers less than one pixel.
        """
        across, down = (size[0] / 100, size[1] / 100) if self.percent else (1.0, 1.0)
        left, top = self.left * across, self.top * down
        right, bottom = left + self.width * across, top + self.height * down
        unit = "%" if self.percent else ""
        shown = ",".join(f"{v:g}{unit}" for v in (self.left, self.top, self.width, self.height))
        slack = 1e-6
        if right > size[0] + slack or bottom > size[1] + slack:
            raise UsageError(
                f"crop: {shown} reaches beyond the picture, which is {size[0]} x {size[1]} pixels"
            )
        if right - left < 1 - slack or bottom - top < 1 - slack:
            raise UsageError(
                f"crop: {shown} covers less than one pixel of the picture, which is "
                f"{size[0]} x {size[1]} pixels"
            )
        return left, top, min(right, size[0]), min(bottom, size[1])


@dataclass(frozen=True, slots=True)
class Plan:
    """Which part of an image goes onto how many pixels.

    Attributes:
        box: left, top, right and bottom of the part, in displayed pixels.
        target: width and height in pixels that the part becomes.
        rules: how large the part is decoded, and what resizes it.
    """

    box: Box
    target: Size
    rules: DecodingRules = RULES[1]

    def needed(self, displayed: Size) -> Size:
        """Return how large the whole displayed image must be decoded for this plan."""
        left, top, right, bottom = self.box
        return (
            math.ceil(displayed[0] * self.rules.oversampling * self.target[0] / (right - left)),
            math.ceil(displayed[1] * self.rules.oversampling * self.target[1] / (bottom - top)),
        )


def rules_of(decoder: int) -> DecodingRules:
    """Return a version of the decoding rules.

    Raises:
        RecipeMismatchError: the version is not known.
    """
    rules = RULES.get(decoder)
    if rules is None:
        raise RecipeMismatchError(
            f"the recipe's decoding rules are version {decoder}, and this imgsearch knows "
            f"{min(RULES)} to {max(RULES)}: a newer one made the embeddings, and is needed to "
            "compare anything with them"
        )
    return rules


def plan_square(
    displayed: Size,
    crop: CropBox | None,
    *,
    size: int,
    resize: Resize,
    rules: DecodingRules = RULES[1],
) -> Plan:
    """Plan a square of `size` pixels a side; under "pad" what the image covers of it.

    Raises:
        UsageError: the crop reaches beyond the image, or covers less than one pixel.
    """
    box = crop.within(displayed) if crop else whole(displayed)
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if resize == "pad":
        return Plan(box, _scaled((width, height), size / max(width, height)), rules)
    if resize == "crop":
        side = min(width, height)
        left, top = left + (width - side) / 2, top + (height - side) / 2
        box = (left, top, left + side, top + side)
    return Plan(box, (size, size), rules)


def square_box(displayed: Size, crop: CropBox | None, *, resize: Resize) -> Box:
    """Return which part of the displayed image a network's square shows.

    Under "pad" the box reaches beyond the image by the bars.

    Raises:
        UsageError: the crop reaches beyond the image, or covers less than one pixel.
    """
    left, top, right, bottom = plan_square(displayed, crop, size=1, resize=resize).box
    if resize != "pad":
        return left, top, right, bottom
    width, height = right - left, bottom - top
    across, down = (max(width, height) - width) / 2, (max(width, height) - height) / 2
    return left - across, top - down, right + across, bottom + down


def plan_display(displayed: Size, *, longest: int) -> Plan:
    """Plan the whole image in its shape, its longer side at most `longest`, never enlarged."""
    return Plan(whole(displayed), _scaled(displayed, min(1.0, longest / max(displayed))))


def _scaled(size: tuple[float, float], scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def whole(size: tuple[float, float]) -> Box:
    """Return the box that holds all of an image of that width and height."""
    return 0.0, 0.0, float(size[0]), float(size[1])


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return a stored image as it is displayed; Exif 3.0, section 4.6.5.1."""
    method = _TRANSPOSITIONS.get(orientation)
    return image if method is None else image.transpose(method)


def turned_box(extent: tuple[float, float], orientation: int, *, within: Size) -> Box:
    """Return where an image lies among decoded pixels, after both were turned.

    Args:
        extent: width and height of the image as stored. It begins at the left and top of the
            decoded pixels; those beyond it are padding.
        orientation: EXIF orientation by which they were turned.
        within: width and height of the decoded pixels, turned.
    """
    width, height = extent[::-1] if swaps_sides(orientation) else extent
    # These orientations show the stored right or bottom edge at the left or the top.
    left = within[0] - width if orientation in {2, 3, 6, 7} else 0.0
    top = within[1] - height if orientation in {3, 4, 7, 8} else 0.0
    return left, top, left + width, top + height


def resized(
    image: Image.Image,
    box: Box,
    target: Size,
    resampling: Image.Resampling = Image.Resampling.BICUBIC,
) -> Image.Image:
    """Resize a part of the image, and let nothing bleed in from outside of it.

    Args:
        image: in a mode whose channels may be averaged.
        box: left, top, right and bottom of the part; cut off where it leaves the image.
        target: width and height of the result.
        resampling: antialiased: Pillow stretches it by the scale. Its bicubic is Keys's of 1981
            with a = -0.5.
    """
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    right, bottom = min(image.width, math.ceil(box[2])), min(image.height, math.ceil(box[3]))
    if (right - left, bottom - top) != image.size:
        # `Image.crop` would apply Pillow's own pixel limit.
        part = Image.new(image.mode, (right - left, bottom - top))
        part.paste(image, (-left, -top))
        image = part
    inner = (
        max(0.0, box[0] - left),
        max(0.0, box[1] - top),
        min(float(image.width), box[2] - left),
        min(float(image.height), box[3] - top),
    )
    return image.resize(target, resampling, box=inner)
