"""The values that queries take and give: filters, copies, matches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_DATE: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?)?)?)?")
_DATE_FILL: Final = "0000-01-01T00:00:00"
_PARTS_OF_NEAR: Final = 3


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the Earth.

    Attributes:
        latitude: degrees, north positive.
        longitude: degrees, east positive.
        kilometres: radius.
    """

    latitude: float
    longitude: float
    kilometres: float

    def __post_init__(self) -> None:
        """Refuse places that are not on the Earth.

        Raises:
            UsageError: names the value and its range.
        """
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):  # noqa: PLR2004 - degrees of the globe
            raise UsageError(
                f"near: {self.latitude},{self.longitude} is no place: latitudes go from -90 to "
                "90, longitudes from -180 to 180"
            )
        if not self.kilometres > 0:
            raise UsageError(f"near: a radius of {self.kilometres} km is not above 0")

    @classmethod
    def parse(cls, text: str) -> Near:
        """Return the circle of "LATITUDE,LONGITUDE,KILOMETRES".

        Raises:
            UsageError: the text is not three numbers.
        """
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != _PARTS_OF_NEAR:
            raise UsageError(
                f"near: {text!r} is not LATITUDE,LONGITUDE,KILOMETRES, such as 48.85,2.35,10"
            )
        return cls(*numbers)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a match must be, besides similar. Filters act inside the search: k stays k.

    Attributes:
        under: folders or files, one of which the match lies under.
        after: earliest capture time, such as "2024", "2024-05" or "2024-05-01T12:00:00".
        before: capture time that the match is earlier than.
        camera: part of the camera's name, in any case.
        near: circle in which the picture was taken.
        min_width: pixels, as displayed.
        min_height: pixels, as displayed.
        formats: one of these, such as "JPEG", in any case.
    """

    under: tuple[Path, ...] = ()
    after: str | None = None
    before: str | None = None
    camera: str | None = None
    near: Near | None = None
    min_width: int | None = None
    min_height: int | None = None
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse dates that are none.

        Raises:
            UsageError: names the option and the date.
        """
        for option, date in (("after", self.after), ("before", self.before)):
            if date is not None:
                _check_date(option, date)


def full_date(date: str) -> str:
    """Return the first second of a year, month, day or minute, as "2024-05-01T00:00:00"."""
    return date + _DATE_FILL[len(date) :]


def _check_date(option: str, date: str) -> None:
    is_date = _DATE.fullmatch(date) is not None
    if is_date:
        try:
            datetime.fromisoformat(full_date(date))
        except ValueError:
            is_date = False
    if not is_date:
        raise UsageError(
            f"{option}: {date!r} is not a date such as 2024, 2024-05, 2024-05-01 or "
            "2024-05-01T12:00"
        )


@dataclass(frozen=True, slots=True)
class FileCopy:
    """Another file with the very same bytes.

    Attributes:
        path: absolute path.
        root: the photo folder that it belongs to.
        offline: whether that folder is absent now.
    """

    path: Path
    root: Path
    offline: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A picture that looks like the query.

    Attributes:
        rank: 1 for the nearest.
        score: cosine similarity in the space that is searched, rounded to six decimals; 1 is
            the same. Larger is nearer. Equal scores are ordered by path.
        path: absolute path of the file.
        root: the photo folder that it belongs to.
        content: SHA-256 of its bytes, 64 hexadecimal digits.
        width: pixels, as displayed.
        height: pixels, as displayed.
        format: such as "JPEG".
        bytes: size of the file.
        taken: capture time by the camera's clock, "2024-05-01T12:00:00", or None.
        camera: maker and model, or None.
        lens: its name, or None.
        latitude: degrees, or None.
        longitude: degrees, or None.
        offline: whether its photo folder is absent now.
        duplicates: other files with the same bytes, by path.
    """

    rank: int
    score: float
    path: Path
    root: Path
    content: str
    width: int
    height: int
    format: str
    bytes: int
    taken: str | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    offline: bool
    duplicates: tuple[FileCopy, ...] = ()
