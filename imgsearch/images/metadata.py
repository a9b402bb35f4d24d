"""What is known about an image besides its pixels; `exif` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UPRIGHT: Final = 1
TEXT_LIMIT: Final = 200


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


def swaps_sides(orientation: int) -> bool:
    """Tell whether the displayed image's width is the stored image's height."""
    return orientation >= 5  # noqa: PLR2004 - 5 to 8 transpose, Exif 3.0 section 4.6.5.1
