"""Capture times, cameras and places for the pictures; every camera is invented."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from PIL import Image
from PIL.TiffImagePlugin import IFDRational


@dataclass(frozen=True)
class Camera:
    """A camera that exists in this project alone."""

    make: str
    model: str
    lens: str
    focal_length: float
    widest: float


@dataclass(frozen=True)
class Trip:
    """Where and when the photographs of some folders were taken."""

    place: str
    latitude: float
    longitude: float
    first: date
    days: int
    camera: int
    offset: str


CAMERAS = (
    Camera("Lumora", "Lumora F2", "Lumora 28-70mm F2.8-4", 42.0, 2.8),
    Camera("Kestrel Optics", "Kestrel K-7", "Kestrel 35mm F2", 35.0, 2.0),
    Camera("Pomelo", "Pomelo Phone 9", "Pomelo Phone 9 back camera 5.1mm F1.8", 5.1, 1.8),
    Camera("Nordlys", "Nordlys Trek 4", "Nordlys 24-105mm F4", 58.0, 4.0),
)

# Coordinates are of real towns and coasts, rounded; homes lie in a town centre, never in a street.
TRIPS = {
    "kitchen": Trip("Freiburg", 47.996, 7.849, date(2023, 3, 4), 20, 2, "+01:00"),
    "windowsill": Trip("Freiburg", 47.996, 7.849, date(2023, 4, 8), 12, 2, "+02:00"),
    "study": Trip("Freiburg", 47.996, 7.849, date(2023, 11, 11), 15, 1, "+01:00"),
    "bedroom": Trip("Freiburg", 47.996, 7.849, date(2024, 1, 13), 9, 2, "+01:00"),
    "playroom": Trip("Freiburg", 47.996, 7.849, date(2023, 12, 24), 8, 2, "+01:00"),
    "living_room": Trip("Freiburg", 47.996, 7.849, date(2024, 2, 3), 25, 1, "+01:00"),
    "coast": Trip("Quimper", 47.798, -4.373, date(2022, 7, 16), 6, 0, "+02:00"),
    "beach": Trip("Quimper", 47.842, -4.352, date(2022, 7, 18), 5, 2, "+02:00"),
    "harbour": Trip("Concarneau", 47.872, -3.916, date(2022, 7, 21), 3, 0, "+02:00"),
    "countryside": Trip("Zwolle", 52.513, 6.094, date(2023, 5, 18), 4, 3, "+02:00"),
    "canal": Trip("Haarlem", 52.381, 4.637, date(2023, 5, 23), 2, 3, "+02:00"),
    "city": Trip("Utrecht", 52.091, 5.122, date(2023, 5, 25), 3, 2, "+02:00"),
    "castle": Trip("Cochem", 50.142, 7.167, date(2021, 9, 11), 2, 0, "+02:00"),
    "river": Trip("Wertheim", 49.758, 9.517, date(2021, 9, 14), 2, 0, "+02:00"),
    "village": Trip("Brixen", 46.715, 11.657, date(2022, 6, 3), 2, 3, "+02:00"),
    "mountains": Trip("Toblach", 46.735, 12.219, date(2022, 6, 5), 4, 3, "+02:00"),
    "camping": Trip("Toblach", 46.706, 12.216, date(2022, 6, 6), 3, 3, "+02:00"),
    "forest": Trip("Titisee", 47.904, 8.155, date(2021, 10, 16), 9, 1, "+02:00"),
    "winter": Trip("Lillehammer", 61.115, 10.466, date(2024, 2, 17), 5, 3, "+01:00"),
    "roadtrip": Trip("Granada", 37.177, -3.599, date(2024, 4, 20), 6, 2, "+02:00"),
    "desert": Trip("Merzouga", 31.099, -4.013, date(2024, 4, 28), 3, 0, "+01:00"),
    "festival": Trip("Bristol", 51.447, -2.641, date(2023, 8, 11), 2, 1, "+01:00"),
    "fair": Trip("Munich", 48.132, 11.549, date(2023, 9, 23), 2, 2, "+02:00"),
    "temple": Trip("Kyoto", 35.012, 135.678, date(2019, 11, 2), 1, 1, "+09:00"),
}
HOURS = {
    "morning": 7.6, "noon": 12.6, "clear": 11.0, "golden": 19.0, "sunset": 20.2, "dusk": 20.7,
    "overcast": 14.5, "winter": 11.2, "left": 10.2, "right": 15.4, "sun": 16.6, "soft": 13.1,
    "evening": 20.3, "flash": 21.6, "back": 17.0,
}  # fmt: skip


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    seconds = round(abs(value) * 3600 * 100)
    return (
        IFDRational(seconds // 360000),
        IFDRational(seconds // 6000 % 60),
        IFDRational(seconds % 6000, 100),
    )


def exif(path: str, light: str) -> Image.Exif:
    """Return the EXIF block of the picture at ``path`` (relative to ``photos``).

    The hour fits the light; place, day and camera belong to the folder's trip. Every fifth picture
    or so has no place, as in real collections. Tags: Exif 2.32, JEITA CP-3451.
    """
    draw = random.Random(path)
    trip = TRIPS[path.partition("/")[0]]
    camera = CAMERAS[trip.camera if draw.random() < 0.8 else 2]
    hour = HOURS[light] + draw.uniform(-0.6, 0.6)
    taken = datetime.combine(trip.first, time()) + timedelta(
        days=draw.randrange(trip.days), hours=hour, seconds=draw.randrange(60)
    )
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    block = Image.Exif()
    block[0x010F], block[0x0110], block[0x0112] = camera.make, camera.model, 1
    block[0x0131], block[0x0132] = "imgsearch sample data", stamp
    block[0x013B], block[0x8298] = "imgsearch", "CC0-1.0"
    details = block.get_ifd(0x8769)
    dark = light in {"evening", "dusk", "flash", "sunset"}
    details[0x829A] = IFDRational(1, 60 if dark else draw.choice([125, 250, 320, 500]))
    details[0x829D] = IFDRational(round(camera.widest * draw.choice([1, 1.4, 2]) * 10), 10)
    details[0x8827] = draw.choice([800, 1600, 3200] if dark else [100, 100, 200, 400])
    details[0x9000] = b"0232"
    details[0x9003] = details[0x9004] = stamp
    details[0x9010] = details[0x9011] = trip.offset
    details[0x9209] = 1 if light == "flash" else 16
    details[0x920A] = IFDRational(round(camera.focal_length * 10), 10)
    details[0xA434] = camera.lens
    if draw.random() < 0.82:
        latitude = trip.latitude + draw.uniform(-0.01, 0.01)
        longitude = trip.longitude + draw.uniform(-0.01, 0.01)
        place = block.get_ifd(0x8825)
        place[0] = b"\x02\x03\x00\x00"
        place[1], place[2] = "N" if latitude >= 0 else "S", _degrees(latitude)
        place[3], place[4] = "E" if longitude >= 0 else "W", _degrees(longitude)
    return block
