"""Edits of an image, as people and services make them of copies.

An edit is named as "kind" or "kind amount", such as "mirror" or "crop 60%". The result is
a file's content, as an editing program would save it, and is read like any other.

    crop N%         N percent of each side, from anywhere
    jpeg N          saved again as JPEG of quality N
    resize N%       N percent of each side
    rotate N        N degrees counterclockwise; the image keeps its frame, white shows at its
                    corners; multiples of 90 turn the frame with it
    mirror          left and right exchanged
    brightness N%   every value times N percent
    contrast N%     every value's distance to the mean grey times N percent
    saturation N%   every colour's distance to its own grey times N percent
    text            white words with a black outline across the lower third
    frame N%        a black frame around it, N percent of the longer side wide
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from imgsearch.errors import UsageError
from imgsearch.images import loading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_EDITS: Final = (
    "crop 80%",
    "crop 60%",
    "crop 40%",
    "jpeg 30",
    "jpeg 10",
    "resize 25%",
    "resize 10%",
    "rotate 90",
    "rotate 10",
    "mirror",
    "brightness 60%",
    "brightness 140%",
    "contrast 60%",
    "saturation 0%",
    "text",
)
# Images are edited at this longer side at most: enough for every usual input size, and one and
# the same for all of them, so that backbones of different sizes are asked about the same edits.
LONGEST: Final = 768

_WORDS: Final = "imgsearch 2000"
_FONT_SIZE: Final = 96
_WHITE: Final = (255, 255, 255)
_NAME: Final = re.compile(r"([a-z]+)(?: ([0-9]{1,3})(%?))?")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of edit.

    Attributes:
        apply: from the image, the amount and a random generator to the edited image.
        amounts: allowed ones; empty for none.
        unit: what follows the amount.
    """

    apply: Callable[[Image.Image, int, np.random.Generator], Image.Image]
    amounts: range = range(0)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that was understood.

    Attributes:
        kind: such as "crop".
        amount: such as 60; 0 where the kind has none.
    """

    kind: str
    amount: int


def parse_edit(name: str) -> Edit:
    """Understand an edit's name.

    Raises:
        UsageError: there is no such kind of edit, or the amount does not suit it.
    """
    match = _NAME.fullmatch(name)
    kind = _KINDS.get(match[1]) if match else None
    if match is None or kind is None:
        known = ", ".join(map(_usage, _KINDS))
        raise UsageError(f"edit: {name!r} is not known; expected one of {known}")
    given = (match[2] or "", match[3] or "")
    if not kind.amounts:
        fits = given == ("", "")
    else:
        fits = bool(given[0]) and int(given[0]) in kind.amounts and given[1] == kind.unit
    if not fits:
        raise UsageError(f"edit: {name!r} was received, expected {_usage(match[1])}")
    return Edit(match[1], int(given[0] or 0))


def apply(name: str, data: bytes) -> bytes:
    """Edit an image.

    Random choices (the position of a crop) are seeded by the content and the edit's name, so
    that the same image is always edited in the same way.

    Args:
        name: of the edit.
        data: the content of a file; the image is edited at `LONGEST` pixels at most.

    Returns:
        The bytes of the edited file: JPEG for the edit "jpeg", or else PPM, which loses nothing.

    Raises:
        UnreadableImageError: the bytes cannot be decoded.
        UsageError: there is no such edit.
    """
    edit = parse_edit(name)
    image = Image.fromarray(loading.display(data, longest=LONGEST))
    file = BytesIO()
    if edit.kind == "jpeg":
        image.save(file, "JPEG", quality=edit.amount)
        return file.getvalue()
    digest = hashlib.sha256(name.encode() + b"\0" + data).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    _KINDS[edit.kind].apply(image, edit.amount, chance).save(file, "PPM")
    return file.getvalue()


def _usage(kind: str) -> str:
    """Return how a kind of edit is named, such as "crop N% (N from 1 to 99)"."""
    amounts = _KINDS[kind].amounts
    if not amounts:
        return kind
    return f"{kind} N{_KINDS[kind].unit} (N from {amounts[0]} to {amounts[-1]})"


def _share(image: Image.Image, percent: int) -> tuple[int, int]:
    width, height = (max(1, round(side * percent / 100)) for side in image.size)
    return width, height


def _crop(image: Image.Image, amount: int, chance: np.random.Generator) -> Image.Image:
    width, height = _share(image, amount)
    left = int(chance.integers(image.width - width + 1))
    top = int(chance.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def _save_as_jpeg(image: Image.Image, _amount: int, _chance: np.random.Generator) -> Image.Image:
    return image


def _resize(image: Image.Image, amount: int, _chance: np.random.Generator) -> Image.Image:
    return image.resize(_share(image, amount), Image.Resampling.BICUBIC)


def _rotate(image: Image.Image, amount: int, _chance: np.random.Generator) -> Image.Image:
    return image.rotate(amount, Image.Resampling.BICUBIC, expand=amount % 90 == 0, fillcolor=_WHITE)


def _mirror(image: Image.Image, _amount: int, _chance: np.random.Generator) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _brightness(image: Image.Image, amount: int, _chance: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(amount / 100)


def _contrast(image: Image.Image, amount: int, _chance: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(amount / 100)


def _saturation(image: Image.Image, amount: int, _chance: np.random.Generator) -> Image.Image:
    return ImageEnhance.Color(image).enhance(amount / 100)


def _text(image: Image.Image, _amount: int, _chance: np.random.Generator) -> Image.Image:
    # Drawn on a canvas of their own and laid over, so that the words span an image of any size.
    font = ImageFont.load_default(_FONT_SIZE)
    outline = _FONT_SIZE // 12
    left, top, right, bottom = ImageDraw.Draw(image).textbbox(
        (0, 0), _WORDS, font=font, stroke_width=outline
    )
    canvas = Image.new("RGBA", (int(right - left) + 1, int(bottom - top) + 1))
    ImageDraw.Draw(canvas).text(
        (-left, -top), _WORDS, font=font, fill="white", stroke_width=outline, stroke_fill="black"
    )
    width = max(1, round(image.width * 0.9))
    height = max(1, min(round(width * canvas.height / canvas.width), image.height // 3 or 1))
    words = canvas.resize((width, height), Image.Resampling.BICUBIC)
    edited = image.copy()
    place = ((image.width - width) // 2, max(0, image.height * 5 // 6 - height // 2))
    edited.paste(words, place, words)
    return edited


def _frame(image: Image.Image, amount: int, _chance: np.random.Generator) -> Image.Image:
    return ImageOps.expand(image, max(1, round(max(image.size) * amount / 100)), "black")


_PERCENT: Final = "%"
_KINDS: Final[Mapping[str, _Kind]] = {
    "crop": _Kind(_crop, range(1, 100), _PERCENT),
    "jpeg": _Kind(_save_as_jpeg, range(1, 96)),
    "resize": _Kind(_resize, range(1, 100), _PERCENT),
    "rotate": _Kind(_rotate, range(1, 360)),
    "mirror": _Kind(_mirror),
    "brightness": _Kind(_brightness, range(1, 400), _PERCENT),
    "contrast": _Kind(_contrast, range(1, 400), _PERCENT),
    "saturation": _Kind(_saturation, range(400), _PERCENT),
    "text": _Kind(_text),
    "frame": _Kind(_frame, range(1, 51), _PERCENT),
}
