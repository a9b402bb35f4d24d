"""How a photo was taken, in words: what is shown beside it and never searched."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import ExifTags, Image

from imgsearch.images.descriptions import find_exif
from imgsearch.images.exif import clean_text, exif_directory, load_exif, read_exif, tag_value
from imgsearch.images.previews import raw_exif
from imgsearch.images.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Callable

_OPENED: Final = ("JPEG", "MPO", "PNG", "WEBP", "TIFF")
_MOST_VALUE: Final = 1e9


@dataclass(frozen=True, slots=True)
class Detail:
    """Something that a file tells about its image.

    Attributes:
        name: what it is, such as "aperture".
        value: in words, such as "f/2.8".
    """

    name: str
    value: str


def details_of(data: bytes) -> tuple[Detail, ...]:
    """Return what a file's EXIF tells about how its image was taken; nothing where it is broken.

    Args:
        data: the bytes of a whole file.
    """
    with quietly():
        exif = _exif(data)
        inner = exif_directory(exif, ExifTags.IFD.Exif)
        found = [(row, tag_value(inner, row.tag) or tag_value(exif, row.tag)) for row in _ROWS]
    said = ((row.name, row.word(value)) for row, value in found)
    return tuple(Detail(name, value) for name, value in said if value)


def _exif(data: bytes) -> Image.Exif:
    try:
        with Image.open(BytesIO(data), formats=_OPENED) as image:
            exif = read_exif(image)
    except Exception:  # noqa: BLE001 - other formats, and whatever Pillow stumbles over
        exif = Image.Exif()
    return exif or raw_exif(data) or load_exif(find_exif(data))


def _real(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # a rational, a tuple, or anything
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if 0 < number < _MOST_VALUE else None


def _number_in(pattern: str) -> Callable[[object], str | None]:
    def word(value: object) -> str | None:
        number = _real(value[0] if isinstance(value, tuple) and value else value)
        return None if number is None else pattern.format(number)

    return word


def _seconds(value: object) -> str | None:
    number = _real(value)
    if number is None:
        return None
    return f"1/{1 / number:.0f} s" if number < 1 / 3 else f"{number:.3g} s"


def _flash(value: object) -> str | None:
    if not isinstance(value, int):
        return None
    return "fired" if value & 1 else "did not fire"


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    tag: int
    word: Callable[[object], str | None]


_ROWS: Final = (
    _Row("exposure time", ExifTags.Base.ExposureTime, _seconds),
    _Row("aperture", ExifTags.Base.FNumber, _number_in("f/{:.3g}")),
    _Row("sensitivity", ExifTags.Base.ISOSpeedRatings, _number_in("ISO {:.0f}")),
    _Row("focal length", ExifTags.Base.FocalLength, _number_in("{:.4g} mm")),
    _Row(
        "focal length in 35 mm film", ExifTags.Base.FocalLengthIn35mmFilm, _number_in("{:.0f} mm")
    ),
    _Row("flash", ExifTags.Base.Flash, _flash),
    _Row("description", ExifTags.Base.ImageDescription, clean_text),
    _Row("artist", ExifTags.Base.Artist, clean_text),
    _Row("copyright", ExifTags.Base.Copyright, clean_text),
    _Row("software", ExifTags.Base.Software, clean_text),
)
