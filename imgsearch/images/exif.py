"""What a file tells besides its pixels: when, with what and where they were taken. Owner of EXIF.

The tags and their types are those of Exif 3.0 (CIPA DC-008-2023), sections 4.6.5 (0th IFD and
Exif IFD) and 4.6.6 (GPS IFD). Cameras, phones and editors break that standard in every way; a
value that makes no sense becomes `None`, and nothing here raises. What EXIF does not tell, XMP and
IPTC may (`descriptions`); the orientation is EXIF's alone.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any, Final, cast

from PIL import ExifTags, Image

from imgsearch.images.capture_dates import first_date
from imgsearch.images.descriptions import Xmp, find_exif, find_iptc, find_xmp, iptc_date
from imgsearch.images.lenses import lens_of
from imgsearch.images.metadata import TEXT_LIMIT, UPRIGHT, Metadata, swaps_sides
from imgsearch.images.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIFF: Final = frozenset({b"II", b"MM"})


def read_metadata(
    image: Image.Image,
    *,
    size: tuple[int, int] | None = None,
    image_format: str | None = None,
    upright: bool = False,
    exif: Image.Exif | None = None,
    data: bytes = b"",
) -> Metadata:
    """Read what a file tells about its image; what is absent or makes no sense is `None`.

    Args:
        image: opened; its EXIF is read, its pixels are not needed.
        size: width and height of the full image as stored, where `image` is a smaller one.
        image_format: name of the format where `image` does not know it.
        upright: the size is that of the displayed image already (HEIF and TIFF).
        exif: EXIF that was found elsewhere than in `image`.
        data: the bytes of the whole file, for what `image` does not know of.
    """
    with quietly():
        main = read_exif(image) if exif is None else exif
        elsewhere = find_exif(data)
        if elsewhere and not main:
            main = load_exif(elsewhere)
            main.pop(ExifTags.Base.Orientation, None)  # no viewer of JPEG 2000 obeys it
        details = exif_directory(main, ExifTags.IFD.Exif)
        width, height = size or image.size
        orientation = read_orientation(main)
        if swaps_sides(orientation) and not upright:
            width, height = height, width
        xmp = Xmp(find_xmp(image.info, data))
        iptc = find_iptc(image.info, data)
        # What is no TIFF would be read as one that is broken, entry by entry.
        block = image.info.get("exif") or elsewhere or (data if data[:2] in _TIFF else b"")
        place = _place(exif_directory(main, ExifTags.IFD.GPSInfo))
        if place == (None, None):
            place = _known_place(xmp.degrees("exif:GPSLatitude"), xmp.degrees("exif:GPSLongitude"))
        return Metadata(
            width=width,
            height=height,
            format=image_format or image.format or "unknown",
            taken=_taken(main, details, xmp, iptc),
            camera=_camera(
                clean_text(tag_value(main, ExifTags.Base.Make)) or clean_text(xmp.get("tiff:Make")),
                clean_text(tag_value(main, ExifTags.Base.Model))
                or clean_text(xmp.get("tiff:Model")),
            ),
            lens=clean_text(tag_value(details, ExifTags.Base.LensModel))
            or clean_text(xmp.get("exifEX:LensModel", "aux:Lens"))
            or clean_text(lens_of(block.removeprefix(b"Exif\0\0"))),
            latitude=place[0],
            longitude=place[1],
            orientation=orientation,
        )


def read_exif(image: Image.Image) -> Image.Exif:
    """Return the image's EXIF, empty where it has none or where it cannot be read."""
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return Image.Exif()


def load_exif(block: bytes | None) -> Image.Exif:
    """Return what an EXIF block holds, nothing where it is broken."""
    exif = Image.Exif()
    try:
        exif.load(block or b"")
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return Image.Exif()
    return exif


def read_orientation(exif: Image.Exif) -> int:
    """Return the EXIF orientation, 1 (upright) where it is absent or none of 1 to 8."""
    value = _number(tag_value(exif, ExifTags.Base.Orientation))
    return int(value) if value is not None and value in range(1, 9) else UPRIGHT


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


def exif_directory(exif: Image.Exif, tag: ExifTags.IFD) -> Mapping[int, Any]:
    """Return one of EXIF's inner directories, empty where it is broken."""
    try:
        return exif.get_ifd(tag)
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return {}


def tag_value(tags: Mapping[int, Any], tag: int) -> object:
    """Return a tag's value; None where it is absent or broken."""
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


def _taken(
    main: Mapping[int, Any], details: Mapping[int, Any], xmp: Xmp, iptc: bytes | None
) -> str | None:
    base = ExifTags.Base
    return first_date(
        (
            clean_text(tag_value(details, base.DateTimeOriginal)),
            # Where some editors put it.
            clean_text(tag_value(main, base.DateTimeOriginal)),
            xmp.get("exif:DateTimeOriginal"),
            xmp.get("photoshop:DateCreated"),
            iptc_date(iptc, day=55, time=60),
            # The moment of scanning, which most cameras write as well.
            clean_text(tag_value(details, base.DateTimeDigitized)),
            clean_text(tag_value(main, base.DateTimeDigitized)),
            xmp.get("exif:DateTimeDigitized", "xmp:CreateDate", "xap:CreateDate"),
            iptc_date(iptc, day=62, time=63),
            # The last change, which is all that some phones and most messengers leave.
            clean_text(tag_value(main, base.DateTime)),
            xmp.get("tiff:DateTime", "xmp:ModifyDate", "xap:ModifyDate"),
        )
    )


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
    return _known_place(
        _degrees(gps, tags.GPSLatitude, tags.GPSLatitudeRef, "NS", limit=90),
        _degrees(gps, tags.GPSLongitude, tags.GPSLongitudeRef, "EW", limit=180),
    )


def _known_place(
    latitude: float | None, longitude: float | None
) -> tuple[float | None, float | None]:
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None
    return round(latitude, 7), round(longitude, 7)


def _degrees(
    gps: Mapping[int, Any], tag: int, reference_tag: int, hemispheres: str, *, limit: float
) -> float | None:
    """Return degrees + minutes / 60 + seconds / 3600 with the hemisphere's sign."""
    reference = (clean_text(tag_value(gps, reference_tag)) or " ")[0].upper()
    value = tag_value(gps, tag)
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
