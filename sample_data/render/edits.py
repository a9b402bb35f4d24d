"""Edits of some pictures: what happens to photographs when they are sent, cropped and converted."""
# ruff: noqa: E501 -- the table of edits reads best with one edit a line

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps, PngImagePlugin

ORIENTATION = 0x0112


@dataclass(frozen=True)
class Edit:
    """An edited copy: its name below ``edits``, the original below ``photos``, what was done."""

    path: str
    original: str
    kind: str
    make: Callable[[Image.Image, Path], None]


def _small(image: Image.Image, longer: int) -> Image.Image:
    ratio = longer / max(image.size)
    size = (round(image.width * ratio), round(image.height * ratio))
    return image.resize(size, Image.Resampling.LANCZOS)


def _crop(image: Image.Image, left: float, top: float, share: float) -> Image.Image:
    width, height = image.size
    return image.crop(
        (
            round(left * width),
            round(top * height),
            round((left + share) * width),
            round((top + share) * height),
        )
    )


def _rotated(orientation: int) -> Callable[[Image.Image, Path], None]:
    """Store the pixels turned, with the flag under which they are displayed upright."""
    turn = {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }[orientation]

    def make(image: Image.Image, target: Path) -> None:
        block = image.getexif()
        block[ORIENTATION] = orientation
        image.transpose(turn).save(target, quality=80, exif=block)

    return make


def _sixteen_bit(image: Image.Image, target: Path) -> None:
    """Write a 16-bit greyscale PNG that uses the low bits too: the mean of 2 x 2 blocks."""
    grey = np.asarray(image.convert("RGB"), dtype=np.float64) @ np.array([0.299, 0.587, 0.114])
    grey = grey[: grey.shape[0] // 3 * 3, : grey.shape[1] // 3 * 3]
    blocks = grey.reshape(grey.shape[0] // 3, 3, grey.shape[1] // 3, 3).mean(axis=(1, 3))
    text = PngImagePlugin.PngInfo()
    text.add_text("Copyright", "CC0-1.0")
    Image.fromarray(np.uint16(blocks * 257)).save(target, optimize=True, pnginfo=text)


def _vignette_alpha(image: Image.Image, target: Path) -> None:
    small = _small(image.convert("RGB"), 240)
    vertical, horizontal = np.mgrid[-1 : 1 : small.height * 1j, -1 : 1 : small.width * 1j]
    round_off = np.clip((1.05 - np.hypot(horizontal, vertical)) * 12, 0, 1)
    small = small.quantize(64).convert("RGB")
    small.putalpha(Image.fromarray(np.uint8(round_off * 255)))
    small.save(target, optimize=True)


def _heic(image: Image.Image, target: Path) -> None:
    import pillow_heif

    pillow_heif.from_pillow(image).save(target, quality=60, exif=image.getexif().tobytes())


def _cooler(image: Image.Image, target: Path) -> None:
    shifted = np.asarray(image, dtype=np.float64) * [0.8, 0.98, 1.2]
    Image.fromarray(np.uint8(np.clip(shifted, 0, 255))).save(target, quality=82)


EDITS = (
    Edit("teapot_low_quality.jpg", "kitchen/teapot_1.jpg", "re-encoded", lambda i, t: i.save(t, quality=18)),
    Edit("lighthouse_low_quality.jpg", "coast/lighthouse_1.jpg", "re-encoded", lambda i, t: i.save(t, quality=25, exif=i.getexif())),
    Edit("castle_small.jpg", "castle/castle_1.jpg", "resized", lambda i, t: _small(i, 240).save(t, quality=85, exif=i.getexif())),
    Edit("armchair_thumbnail.jpg", "living_room/armchair_1.jpg", "resized", lambda i, t: _small(i, 128).save(t, quality=85)),
    Edit("tent_crop.jpg", "camping/tent_1.jpg", "cropped", lambda i, t: _crop(i, 0.12, 0.15, 0.72).save(t, quality=82, exif=i.getexif())),
    Edit("fruit_bowl_crop.jpg", "kitchen/fruit_bowl_1.jpg", "cropped", lambda i, t: _crop(i, 0.2, 0.12, 0.65).save(t, quality=82)),
    Edit("teddy_bear_flag_6.jpg", "playroom/teddy_bear_1.jpg", "rotated by EXIF flag", _rotated(6)),
    Edit("windmill_flag_8.jpg", "countryside/windmill_1.jpg", "rotated by EXIF flag", _rotated(8)),
    Edit("radio_flag_3.jpg", "kitchen/radio_1.jpg", "rotated by EXIF flag", _rotated(3)),
    Edit("guitar_mirrored.jpg", "living_room/guitar_1.jpg", "mirrored", lambda i, t: ImageOps.mirror(i).save(t, quality=82)),
    Edit("camper_van_mirrored.jpg", "roadtrip/camper_van_1.jpg", "mirrored", lambda i, t: ImageOps.mirror(i).save(t, quality=82, exif=i.getexif())),
    Edit("log_cabin_cooler.jpg", "winter/log_cabin_1.jpg", "colour-shifted", _cooler),
    Edit("tulips_faded.jpg", "living_room/tulips_1.jpg", "colour-shifted", lambda i, t: ImageEnhance.Color(ImageEnhance.Contrast(i).enhance(0.75)).enhance(0.55).save(t, quality=82)),
    Edit("stone_bridge_grey.jpg", "river/stone_bridge_1.jpg", "greyscale", lambda i, t: i.convert("L").save(t, quality=80, exif=i.getexif())),
    Edit("balloon.webp", "festival/hot_air_balloon_1.jpg", "converted to WebP", lambda i, t: i.save(t, quality=70, exif=i.getexif())),
    Edit("rowing_boat.avif", "beach/rowing_boat_1.jpg", "converted to AVIF", lambda i, t: i.save(t, quality=55, exif=i.getexif())),
    Edit("alarm_clock.heic", "bedroom/alarm_clock_1.jpg", "converted to HEIC", _heic),
    Edit("chess_16_bit.png", "study/chess_1.jpg", "converted to 16-bit PNG", _sixteen_bit),
    Edit("church_cmyk.jpg", "village/church_1.jpg", "converted to CMYK", lambda i, t: _small(i, 400).convert("CMYK").save(t, quality=80)),
    Edit("toy_car.gif", "playroom/toy_car_1.jpg", "converted to palette GIF", lambda i, t: _small(i, 280).quantize(48, dither=Image.Dither.NONE).save(t)),
    Edit("globe_round.png", "study/globe_1.jpg", "cut out with alpha, PNG", _vignette_alpha),
    Edit("film_camera_square.jpg", "study/film_camera_1.jpg", "cropped and resized", lambda i, t: _small(ImageOps.fit(i, (450, 450)), 320).save(t, quality=78)),
)  # fmt: skip


def make_edits(sample_data: Path) -> None:
    """Write every edit whose file is missing."""
    folder = sample_data / "edits"
    folder.mkdir(exist_ok=True)
    for edit in EDITS:
        target = folder / edit.path
        if not target.exists():
            with Image.open(sample_data / "photos" / edit.original) as image:
                image.load()
                edit.make(image, target)
