"""What an image's EXIF tells: when, with what and where it was taken. Owner of EXIF.

The tags and their types are those of Exif 3.0 (CIPA DC-008-2023), sections 4.6.5 (0th IFD and
Exif IFD) and 4.6.6 (GPS IFD). Cameras, phones and editors break that standard in every way; a
value that makes no sense becomes `None`, and nothing here raises.
"""

from __future__ import annotations

import math
import re
import threading
import unicodedata
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from PIL import ExifTags, Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UPRIGHT: Final = 1
TEXT_LIMIT: Final = 200
EARLIEST_YEAR: Final = 1826  # the year of the oldest photograph that survives

# The moment of exposure; else the moment of scanning; else the last change, which is all that
# some phones and most messengers leave.
_DATE_TAGS: Final = (
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.DateTimeDigitized,
    ExifTags.Base.DateTime,
)
_DATE: Final = re.compile(
    r"\s*(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})(?:[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?|\s*$)"
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about an image besides its pixels.

    Attributes:
        width: pixels from left to right, after rotation, of the full image.
        height: pixels from top to bottom, after rotation, of the full image.
        format: the name of its row in `formats`, such as "JPEG".
        taken: local time of the camera's clock without a zone, such as "2024-05-01T12:00:00".
        camera: make and model.
        lens: the lens's model.
        latitude: degrees, north positive.
        longitude: degrees, east positive.
        orientation: EXIF orientation as stored, 1 to 8; width and height already obey it.
    """

    width: int
    height: int
    format: str
    taken: str | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    orientation: int = UPRIGHT


class _ThisThread(threading.local):
    """Whether this thread is inside `quietly`."""

    quiet = False


class _QuietModules:
    """Stands where a warnings filter has its module pattern; matches in quiet threads only.

    `warnings.catch_warnings` swaps the filters of the whole process, so that two threads that
    leave it in the wrong order silence a program for good. One filter that looks at the thread
    which warns needs no swapping.
    """

    def match(self, module: str) -> bool:
        """Tell whether a warning raised in `module` by this thread is to be dropped."""
        return _THIS_THREAD.quiet and module.startswith(("PIL.", "imgsearch.", "pillow_heif"))


_THIS_THREAD: Final = _ThisThread()
_FILTER: Final = cast("Any", ("ignore", None, Warning, _QuietModules(), 0))


@contextmanager
def quietly() -> Iterator[None]:
    """Drop what Pillow warns of in this thread; other threads and modules warn as before.

    Odd EXIF, palettes with transparency and the like are worth a warning to a programmer, not
    to someone who indexes photos. The filter stays in `warnings.filters`, and does nothing
    outside this context.
    """
    filters = cast("list[Any]", warnings.filters)
    if not filters or filters[0] is not _FILTER:
        filters.insert(0, _FILTER)
    before, _THIS_THREAD.quiet = _THIS_THREAD.quiet, True
    try:
        yield
    finally:
        _THIS_THREAD.quiet = before


def read_metadata(
    image: Image.Image,
    *,
    size: tuple[int, int] | None = None,
    image_format: str | None = None,
    upright: bool = False,
    exif: Image.Exif | None = None,
) -> Metadata:
    """Read what EXIF tells about an image; what is absent or makes no sense is `None`.

    Args:
        image: opened; its EXIF is read, its pixels are not needed.
        size: width and height of the full image as stored, where `image` is a smaller one.
        image_format: name of the format where `image` does not know it.
        upright: the size is that of the displayed image already (HEIF and TIFF).
        exif: EXIF that was found elsewhere than in `image`.
    """
    with quietly():
        main = read_exif(image) if exif is None else exif
        details = _directory(main, ExifTags.IFD.Exif)
        width, height = size or image.size
        orientation = read_orientation(main)
        if swaps_sides(orientation) and not upright:
            width, height = height, width
        latitude, longitude = _place(_directory(main, ExifTags.IFD.GPSInfo))
        return Metadata(
            width=width,
            height=height,
            format=image_format or image.format or "unknown",
            taken=_taken(main, details),
            camera=_camera(
                clean_text(_value(main, ExifTags.Base.Make)),
                clean_text(_value(main, ExifTags.Base.Model)),
            ),
            lens=clean_text(_value(details, ExifTags.Base.LensModel)),
            latitude=latitude,
            longitude=longitude,
            orientation=orientation,
        )


def read_exif(image: Image.Image) -> Image.Exif:
    """Return the image's EXIF, empty where it has none or where it cannot be read."""
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return Image.Exif()


def read_orientation(exif: Image.Exif) -> int:
    """Return the EXIF orientation, 1 (upright) where it is absent or none of 1 to 8."""
    value = _number(_value(exif, ExifTags.Base.Orientation))
    return int(value) if value is not None and value in range(1, 9) else UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Tell whether the displayed image's width is the stored image's height."""
    return orientation >= 5  # noqa: PLR2004 - 5 to 8 transpose, Exif 3.0 section 4.6.5.1


def clean_text(value: object) -> str | None:
    """Return a tag's text without its padding, or `None` where nothing legible is left.

    EXIF text is ASCII by the standard and UTF-8 or Latin-1 in practice. What follows the first
    NUL is rubbish; control characters (escape sequences, line ends) and surrogates become
    blanks; runs of blanks become one; at most 200 characters stay.
    """
    if isinstance(value, str):
        try:
            raw = value.encode("latin-1")
        except UnicodeEncodeError:
            raw = value.encode("utf-8", "replace")
    elif isinstance(value, bytes):
        raw = value
    else:
        return None
    raw = raw.split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    legible = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)
    return " ".join(legible.split())[:TEXT_LIMIT].strip() or None


def _directory(exif: Image.Exif, tag: ExifTags.IFD) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(tag)
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return {}


def _value(tags: Mapping[int, Any], tag: int) -> object:
    # Pillow decodes a tag when it is asked for, so every single one may raise.
    try:
        return cast("object", tags.get(tag))
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return None


def _number(value: object) -> float | None:
    """Return a finite float, or `None`: zero denominators, text and tuples are no numbers."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _taken(main: Mapping[int, Any], details: Mapping[int, Any]) -> str | None:
    for tag in _DATE_TAGS:
        holder = main if tag == ExifTags.Base.DateTime else details
        text = clean_text(_value(holder, tag))
        taken = _iso(text) if text else None
        if taken:
            return taken
    return None


def _iso(text: str) -> str | None:
    """Return "2024-05-01T12:00:00" for "2024:05:01 12:00:00" and its usual corruptions."""
    found = _DATE.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - local clock
    except ValueError:
        return None
    return moment.isoformat() if year >= EARLIEST_YEAR else None


def _camera(make: str | None, model: str | None) -> str | None:
    """Return "Canon EOS R5" for "Canon", "Canon EOS R5", and "Apple iPhone 13" for the two."""
    if not make or not model:
        return make or model
    makers = make.casefold().replace(",", " ").split()
    first = model.casefold().split()[0]
    if first in makers or model.casefold().startswith(make.casefold()):
        return model
    return f"{make} {model}"[:TEXT_LIMIT]


def _place(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    """Return latitude and longitude in degrees, or twice `None`.

    A position without its hemisphere is ambiguous and dropped, and so is exactly 0, 0, which
    is what devices write that have found no satellite.
    """
    tags = ExifTags.GPS
    latitude = _degrees(gps, tags.GPSLatitude, tags.GPSLatitudeRef, "NS", limit=90)
    longitude = _degrees(gps, tags.GPSLongitude, tags.GPSLongitudeRef, "EW", limit=180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None
    return latitude, longitude


def _degrees(
    gps: Mapping[int, Any], tag: int, reference_tag: int, hemispheres: str, *, limit: float
) -> float | None:
    """Return degrees + minutes / 60 + seconds / 3600 with the hemisphere's sign."""
    reference = (clean_text(_value(gps, reference_tag)) or " ")[0].upper()
    value = _value(gps, tag)
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if reference not in hemispheres or len(parts) > 3:  # noqa: PLR2004 - degrees, minutes, seconds
        return None
    degrees = 0.0
    for part, unit in zip(parts, (1, 60, 3600), strict=False):
        number = _number(part)
        if number is None or number < 0:
            return None
        degrees += number / unit
    if degrees > limit:
        return None
    signed = -degrees if reference == hemispheres[1] else degrees
    return round(signed, 7) + 0.0  # no negative zero
