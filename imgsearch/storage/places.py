"""Places on the Earth, and how far apart they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imgsearch.errors import UsageError

EARTH_RADIUS_KM: Final = 6371.0088
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
                f"near: {self.latitude},{self.longitude} is not a place on Earth: latitudes go "
                "from -90 to 90, longitudes from -180 to 180"
            )
        if not self.kilometres > 0:
            raise UsageError(f"near: a radius of {self.kilometres} km is not above 0")

    @property
    def latitudes(self) -> tuple[float, float]:
        """The least and the greatest latitude of the circle, a little beyond it, in degrees."""
        reach = math.degrees(self.kilometres / EARTH_RADIUS_KM) * 1.000001 + 1e-9
        return self.latitude - reach, self.latitude + reach

    @property
    def longitudes(self) -> tuple[tuple[float, float], ...]:
        """The least and the greatest longitude of the circle, a little beyond it, in degrees.

        Two such pairs where it crosses the date line, and all longitudes where it holds a pole.
        """
        angle = math.radians(self.latitudes[1] - self.latitude)
        widest = math.cos(math.radians(self.latitude))
        if angle + abs(math.radians(self.latitude)) >= math.pi / 2 or math.sin(angle) >= widest:
            return ((-180.0, 180.0),)
        reach = math.degrees(math.asin(math.sin(angle) / widest)) * 1.000001 + 1e-9
        west, east = self.longitude - reach, self.longitude + reach
        if west < -180:  # noqa: PLR2004 - degrees of the globe
            return (-180.0, east), (west + 360, 180.0)
        if east > 180:  # noqa: PLR2004 - likewise
            return (west, 180.0), (-180.0, east - 360)
        return ((west, east),)

    @property
    def inside(self) -> tuple[float, float, float, float]:
        """South, north, west and east of a rectangle that lies within the circle, in degrees.

        On this side of the date line only; of those there are it is nearly the largest.
        """
        angle = min(self.kilometres / EARTH_RADIUS_KM, math.pi / 4) * 0.999999
        reach = math.degrees(angle) * math.sqrt(0.5)
        south, north = self.latitude - reach, self.latitude + reach
        nearest = min(max(south, 0), north)  # to the equator, where a degree is longest
        scale = math.cos(math.radians(self.latitude)) * math.cos(math.radians(nearest))
        left = math.sin(angle / 2) ** 2 - math.sin(math.radians(reach) / 2) ** 2
        half = math.sqrt(left / scale) if left < scale else 1
        width = math.degrees(2 * math.asin(half))
        return south, north, self.longitude - width, self.longitude + width

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


def distance_km(latitude: float, longitude: float, latitude2: float, longitude2: float) -> float:
    """Return the great-circle distance between two places, given in degrees, in kilometres.

    The haversine formula on a sphere of the Earth's mean radius, within 0.5 % of the ellipsoid
    (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984).
    """
    phi, phi2 = math.radians(latitude), math.radians(latitude2)
    half_chord = (
        math.sin((phi2 - phi) / 2) ** 2
        + math.cos(phi) * math.cos(phi2) * math.sin(math.radians(longitude2 - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half_chord)))
