"""What a match must be besides similar: the value, and its SQL."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root


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


EARTH_RADIUS_KM: Final = 6371.0088


def parts_under(path: Path, roots: Collection[Root]) -> list[tuple[int, bytes]]:
    """Return the parts of roots, by id and relative folder, that lie under a path."""
    parts: list[tuple[int, bytes]] = []
    for root in roots:
        below = paths.relative_to(path, root.path)
        if below is not None:
            parts.append((root.id, below))
        elif root.path.is_relative_to(path):
            parts.append((root.id, b""))
    if not parts:
        known = ", ".join(str(root.path) for root in roots)
        raise UsageError(f"under: {path} is not in the gallery, whose folders are {known}")
    return parts


def lies_under(root_id: int, path: bytes, under: Sequence[list[tuple[int, bytes]]]) -> bool:
    """Say whether a file lies in one of the parts that `parts_under` gave for each path."""
    return not under or any(
        root_id == wanted and (below in (b"", path) or path.startswith(below + b"/"))
        for parts in under
        for wanted, below in parts
    )


def allowed_ids(
    store: Store, where: Filters, under: Sequence[list[tuple[int, bytes]]]
) -> NDArray[np.int64] | None:
    """Return the ids of the contents that pass the filters; None when there are none."""
    conditions: list[str] = []
    values: list[object] = []

    def require(condition: str, *arguments: object) -> None:
        conditions.append(condition)
        values.extend(arguments)

    if under:
        parts = [part for some in under for part in some]
        either = " OR ".join(
            ["(root_id = ? AND (path = ? OR (path >= ? AND path < ?)))"] * len(parts)
        )
        require(
            f"id IN (SELECT content_id FROM file WHERE {either})",  # noqa: S608 - only question marks
            *(
                value
                for root_id, below in parts
                for value in (root_id, below, *paths.beneath(below))
            ),
        )
    if where.after is not None:
        require("taken >= ?", full_date(where.after))
    if where.before is not None:
        require("taken < ?", full_date(where.before))
    if where.camera is not None:
        require("instr(lower(camera), lower(?)) > 0", _text(where.camera))
    if where.min_width is not None:
        require("width >= ?", where.min_width)
    if where.min_height is not None:
        require("height >= ?", where.min_height)
    if where.formats:
        from imgsearch.images import formats

        marks = ", ".join("?" * len(where.formats))
        require(f"format IN ({marks})", *(formats.name_of(_text(name)) for name in where.formats))
    if where.near is not None:
        near = where.near
        store.connection.create_function("distance_km", 4, distance_km, deterministic=True)
        require(
            "latitude IS NOT NULL AND longitude IS NOT NULL "
            "AND distance_km(latitude, longitude, ?, ?) <= ?",
            near.latitude,
            near.longitude,
            near.kilometres,
        )
    return store.content_ids_where(" AND ".join(conditions), values) if conditions else None


def _text(word: str) -> str:
    """Return a word that SQLite takes, also where a command line held bytes that are no UTF-8."""
    return word.encode("utf-8", "replace").decode("utf-8")


def distance_km(latitude: float, longitude: float, latitude2: float, longitude2: float) -> float:
    """Return the great-circle distance between two places in kilometres.

    The haversine formula on the sphere of the Earth's mean radius, off by 0.5 % at most from
    the ellipsoid (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984).
    """
    phi, phi2 = math.radians(latitude), math.radians(latitude2)
    half_chord = (
        math.sin((phi2 - phi) / 2) ** 2
        + math.cos(phi) * math.cos(phi2) * math.sin(math.radians(longitude2 - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half_chord)))
