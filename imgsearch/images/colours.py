"""Colours as a viewer shows them: any depth to 8 bits, alpha over white, ICC profiles to sRGB.

What costs something for every pixel (alpha, profile) is done after the resize, where few are
left: first `in_resizable_mode`, then the resize, then `over_white` and `to_srgb`.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import ExifTags, Image

if TYPE_CHECKING:
    from collections.abc import Callable

# A profile that moves no colour by more than this many levels of 255 is sRGB under some name.
SAME_COLOUR: Final = 2
# What has a depth above 8 bits is converted so many pixels at a time, to take little memory.
STRIP_PIXELS: Final = 1_000_000
# ICC's name of the colours that a profile is for -> Pillow's mode.
_PROFILE_MODES: Final = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def in_resizable_mode(image: Image.Image) -> Image.Image:
    """Return the image in mode L, RGB, CMYK, LAB, La or RGBa, 8 bits a channel.

    La and RGBa hold colours multiplied by alpha, which a resize may average.
    """
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        return _to_eight_bits(image)
    if mode in {"L", "RGB", "CMYK", "LAB", "La", "RGBa"} and "transparency" not in image.info:
        return image
    grey = mode in {"1", "L", "LA"}
    if image.has_transparency_data:
        try:
            with_alpha = (
                image if mode in {"LA", "RGBA"} else image.convert("LA" if grey else "RGBA")
            )
            return with_alpha.convert("La" if grey else "RGBa")
        except (ValueError, TypeError):  # a transparency that makes no sense is none
            image.info.pop("transparency", None)
    return image.convert("L" if grey else "RGB")


def over_white(image: Image.Image) -> Image.Image:
    """Lay an image in mode La or RGBa over white; Porter and Duff 1984, "over"."""
    if image.mode not in {"La", "RGBa"}:
        return image
    values = np.asarray(image).astype(np.int16)
    # A bicubic overshoot may leave a colour above its alpha.
    laid = np.minimum(values[..., :-1] + 255 - values[..., -1:], 255).astype(np.uint8)
    return Image.fromarray(laid[..., 0] if image.mode == "La" else laid)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale a greyscale image of 16 or 32 bits to 8 without clipping.

    16 bits scale by 255 / 65535. For 32 bits no file says where white is: integers up to 255 or
    up to 65535 keep those scales, floats from 0 to 1 scale by 255, and anything else is
    stretched from its lowest value (at most 0) to its highest. NaN is black.
    """
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        table = ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)
        levels = table[values]
        if getattr(image, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0:
            levels = 255 - levels
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            levels[values == transparent] = 255
        return Image.fromarray(levels)
    rows = max(1, STRIP_PIXELS // max(1, image.width))
    strips = [values[top : top + rows] for top in range(0, len(values), rows)]
    finite = [strip[np.isfinite(strip)] if image.mode == "F" else strip for strip in strips]
    extremes = [(float(strip.min()), float(strip.max())) for strip in finite if strip.size]
    low = min((least for least, _ in extremes), default=0.0)
    low, high = min(low, 0.0), max((most for _, most in extremes), default=0.0)
    whites = (1.0,) if image.mode == "F" else (255.0, 65535.0)
    white = next((w for w in whites if high <= w), high) if low == 0 else high
    scale = 255 / (white - low) if white > low else 0.0
    levels = np.empty(values.shape, np.uint8)
    for strip, done in zip(
        strips, (levels[top : top + rows] for top in range(0, len(values), rows)), strict=True
    ):
        known = np.nan_to_num(strip.astype(np.float32), nan=low, posinf=high, neginf=low)
        done[:] = np.rint(known * scale - low * scale).clip(0, 255)
    return Image.fromarray(levels)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in RGB; without a usable profile its numbers are taken as sRGB.

    CMYK without a profile is converted by (1 - ink) (1 - black). JPEG stores CMYK inverted, as
    Adobe does, which Pillow undoes.
    """
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        return image.convert("RGB")
    needed, apply = transform
    return apply(image if image.mode == needed else image.convert(needed))


@lru_cache(maxsize=8)
def _transform(
    profile: bytes, mode: str
) -> tuple[str, Callable[[Image.Image], Image.Image]] | None:
    """Return the mode that an ICC profile is for, and what converts that to sRGB.

    `None` where the profile is broken, of another kind than the image, or sRGB itself: where it
    moves no colour of a probe by more than two levels. Colours are mapped by the relative
    colorimetric intent with black point compensation (ICC.1:2022, section 6.2).
    """
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        needed = _PROFILE_MODES.get(opened.profile.xcolor_space.strip())
        if needed is None or (needed != mode and (needed, mode) != ("RGB", "L")):
            return None
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            needed,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            # Without its one-pixel cache a transform may be shared by threads.
            ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE,
        )
        if needed != "CMYK":
            levels = np.arange(0, 256, 15).astype(np.uint8)
            cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 18, 3)
            probe = Image.fromarray(cube).convert(needed)
            moved = np.asarray(transform.apply(probe)).astype(int) - np.asarray(
                probe.convert("RGB")
            )
            if np.abs(moved).max() <= SAME_COLOUR:
                return None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return needed, transform.apply
