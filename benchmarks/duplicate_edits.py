"""Edits of photographs as people and programs make them: 15 kinds in three strengths each.

They are written for the benchmark of duplicates by code of its own, not by the one that calibrates
a gallery, so that a calibration is not measured on what it was fitted to.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Picture = Image.Image
    Change = Callable[[Picture, np.random.Generator], Picture]

LONGEST: Final = 768
WORDS: Final = (
    "Happy", "birthday", "my", "dear", "friend", "and", "many", "happy", "returns", "of", "the",
    "day",
)  # fmt: skip
INKS: Final = ((255, 255, 255), (255, 220, 0), (255, 40, 40))


def edited(path: Path, kind: str, strength: int) -> Picture:
    """Return an edit of a file's image, which is the same whenever it is made.

    Args:
        path: of the file.
        kind: a key of `KINDS`.
        strength: 0, 1 or 2.
    """
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC)
    digest = hashlib.sha256(f"{kind}{strength}{path.name}{path.parent.name}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    return KINDS[kind][strength](image, chance).convert("RGB")


def _saved(image: Picture, form: str, quality: int) -> Picture:
    written = BytesIO()
    image.save(written, form, quality=quality)
    return Image.open(BytesIO(written.getvalue())).convert("RGB")


def _scaled(image: Picture, share: float) -> Picture:
    width, height = (max(1, round(side * share)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _cropped(image: Picture, area: float, chance: np.random.Generator) -> Picture:
    across = min(1.0, np.sqrt(area) * np.exp(chance.uniform(-0.15, 0.15)))
    down = min(1.0, area / across)
    width, height = round(image.width * across), round(image.height * down)
    left = int(chance.integers(image.width - width + 1))
    top = int(chance.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def _framed(image: Picture, share: float, colour: str) -> Picture:
    return ImageOps.expand(image, max(1, round(max(image.size) * share)), colour)


def _on_a_blurred_square(image: Picture) -> Picture:
    side = round(max(image.size) * 1.16)
    square = image.resize((side, side)).filter(ImageFilter.GaussianBlur(side / 20))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def _written_on(image: Picture, share: float, chance: np.random.Generator) -> Picture:
    """Write lines that cover about a share of the area, as a block four fifths wide."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    width, height = round(image.width * 0.8), round(image.height * share / 0.8)
    lines = int(np.clip(round(height / (image.height * 0.06)), 1, 4))
    font = ImageFont.load_default(max(6.0, height / lines * 0.95))
    left = chance.uniform(0, image.width - width)
    top = chance.uniform(0, max(1, image.height - height))
    ink = INKS[int(chance.integers(len(INKS)))]
    for line in range(lines):
        text = ""
        while draw.textlength(text, font=font) < width * 0.9:
            text += WORDS[int(chance.integers(len(WORDS)))] + " "
        while text and draw.textlength(text, font=font) > width:
            text = text[:-1]
        place = left, top + line * height / lines
        outline = max(1, round(height / lines / 14))
        draw.text(place, text, font=font, fill=ink, stroke_width=outline, stroke_fill="black")
    return image


def _screenshot(image: Picture, height: int, paper: str, ink: str) -> Picture:
    """Show a picture on a phone's screen, below a status line and above a line of comments."""
    screen = Image.new("RGB", (360, height), paper)
    draw = ImageDraw.Draw(screen)
    font = ImageFont.load_default(14)
    room = height - 130
    share = min(360 / image.width, room / image.height)
    shown = _scaled(image, share)
    screen.paste(shown, ((360 - shown.width) // 2, 60 + (room - shown.height) // 2))
    draw.text((8, 6), "9:41", font=font, fill=ink)
    draw.text((290, 6), "LTE 84%", font=font, fill=ink)
    draw.text((12, 34), "Album  >  Holidays  2019", font=font, fill=ink)
    draw.line((0, height - 60, 360, height - 60), fill="grey")
    draw.text((12, height - 50), "128 likes    Add a comment...", font=font, fill=ink)
    return screen


def _tinted(image: Picture, gains: tuple[float, float, float]) -> Picture:
    values = np.asarray(image, np.float32) * np.array(gains, np.float32)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _noisy(image: Picture, deviation: float, chance: np.random.Generator) -> Picture:
    values = np.asarray(image, np.float32)
    values = values + chance.normal(0, deviation, values.shape).astype(np.float32)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _grey(image: Picture) -> Picture:
    return image.convert("L").convert("RGB")


def _bright(image: Picture, share: float) -> Picture:
    return ImageEnhance.Brightness(image).enhance(share)


def _contrast(image: Picture, share: float) -> Picture:
    return ImageEnhance.Contrast(image).enhance(share)


# By kind, three strengths, the last the strongest.
KINDS: Final[Mapping[str, tuple[Change, Change, Change]]] = {
    "jpeg": (
        lambda image, _: _saved(image, "JPEG", 60),
        lambda image, _: _saved(image, "JPEG", 40),
        lambda image, _: _saved(image, "JPEG", 20),
    ),
    "resize": (
        lambda image, _: _scaled(image, 0.7),
        lambda image, _: _scaled(image, 0.5),
        lambda image, _: _scaled(image, 0.25),
    ),
    "format": (
        lambda image, _: _saved(image, "WEBP", 40),
        lambda image, _: image.quantize(256),
        lambda image, _: image.quantize(64),
    ),
    "mirror": (
        lambda image, _: ImageOps.mirror(image),
        lambda image, _: _saved(ImageOps.mirror(image), "JPEG", 50),
        lambda image, _: _scaled(ImageOps.mirror(image), 0.5),
    ),
    "turn": (
        lambda image, _: image.rotate(90, expand=True),
        lambda image, _: image.rotate(180, expand=True),
        lambda image, _: image.rotate(270, expand=True),
    ),
    "grey": (
        lambda image, _: _grey(image),
        lambda image, _: _contrast(_grey(image), 1.4),
        lambda image, _: _tinted(_grey(image), (1.1, 0.95, 0.7)),
    ),
    "brightness": (
        lambda image, _: _bright(image, 1.2),
        lambda image, _: _bright(image, 0.6),
        lambda image, _: _bright(image, 1.4),
    ),
    "contrast": (
        lambda image, _: _contrast(image, 0.75),
        lambda image, _: _contrast(image, 0.5),
        lambda image, _: _contrast(image, 1.5),
    ),
    "colour": (
        lambda image, _: ImageEnhance.Color(image).enhance(0.4),
        lambda image, _: ImageEnhance.Color(image).enhance(2),
        lambda image, _: _tinted(image, (1.25, 1, 0.75)),
    ),
    "crop": (
        lambda image, chance: _cropped(image, 0.85, chance),
        lambda image, chance: _cropped(image, 0.7, chance),
        lambda image, chance: _cropped(image, 0.4, chance),
    ),
    "frame": (
        lambda image, _: _framed(image, 0.04, "white"),
        lambda image, _: _framed(image, 0.1, "#0a0a0a"),
        lambda image, _: _on_a_blurred_square(image),
    ),
    "text": (
        lambda image, chance: _written_on(image, 0.03, chance),
        lambda image, chance: _written_on(image, 0.06, chance),
        lambda image, chance: _written_on(image, 0.1, chance),
    ),
    "screenshot": (
        lambda image, _: _screenshot(image, 780, "white", "black"),
        lambda image, _: _screenshot(image, 640, "black", "white"),
        lambda image, _: _screenshot(image, 560, "#f0f2f5", "black"),
    ),
    "filter": (
        lambda image, chance: _noisy(image, 8, chance),
        lambda image, _: image.filter(ImageFilter.GaussianBlur(max(image.size) / 300)),
        lambda image, _: image.filter(ImageFilter.UnsharpMask(3, 150, 2)),
    ),
    "mixed": (
        lambda image, chance: _saved(_grey(_cropped(image, 0.8, chance)), "JPEG", 60),
        lambda image, chance: _bright(ImageOps.mirror(_cropped(image, 0.7, chance)), 1.2),
        lambda image, chance: _scaled(
            _written_on(_framed(image, 0.05, "white"), 0.04, chance), 0.5
        ),
    ),
}


def another_exposure(path: Path, number: int) -> tuple[Picture, Image.Exif]:
    """Return a picture as a second exposure moments later would have it, and its EXIF.

    The camera has moved by one or two percent, turned by up to a degree and is a little nearer or
    farther; the light, the noise, and a tenth of the scene that moved are others.

    Args:
        path: of a picture with a capture time.
        number: of the exposure, which is so many seconds after the first.
    """
    from datetime import datetime, timedelta

    with Image.open(path) as opened:
        exif = opened.getexif()
        image = opened.convert("RGB")
    digest = hashlib.sha256(f"{path.name}{number}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    zoom = 1 + chance.uniform(-0.02, 0.02)
    turn = np.deg2rad(chance.uniform(-1, 1))
    shift = chance.uniform(0.01, 0.02, 2) * chance.choice([-1, 1], 2) * max(image.size)
    cos, sin = np.cos(turn) / zoom, np.sin(turn) / zoom
    middle_x, middle_y = image.width / 2, image.height / 2
    affine = (
        cos, -sin, middle_x - cos * middle_x + sin * middle_y + shift[0],
        sin, cos, middle_y - sin * middle_x - cos * middle_y + shift[1],
    )  # fmt: skip
    margin = round(max(image.size) * 0.06)
    moved = image.transform(image.size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    side = round(0.3 * min(image.size))
    left, top = (int(chance.integers(margin, length - margin - side)) for length in image.size)
    part = moved.crop((left, top, left + side, top + side))
    step = round(side * 0.15)
    moved.paste(part, (left + step, top + step // 2))
    moved = moved.crop((margin, margin, image.width - margin, image.height - margin))
    moved = _noisy(_bright(moved, 1 + chance.uniform(-0.05, 0.05)), 3, chance)
    details = exif.get_ifd(0x8769)
    taken = datetime.strptime(str(details[0x9003]), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone
    details[0x9003] = (taken + timedelta(seconds=number)).strftime("%Y:%m:%d %H:%M:%S")
    return moved, exif
