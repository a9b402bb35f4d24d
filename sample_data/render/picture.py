"""What a picture is made of: subject, surroundings, light and camera, as a POV-Ray scene."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Picture:
    """One photograph to be taken; lengths are in the units of its scene.

    ``azimuth`` and ``elevation`` (degrees) and ``distance`` place the camera around ``look``;
    azimuth 0 stands in front (at -z), positive values move to the right. ``size`` is width and
    height in pixels, ``angle`` the horizontal field of view and ``aperture`` the blur's strength.
    """

    path: str
    subject: str
    setting: str
    light: str
    azimuth: float
    elevation: float
    distance: float
    look: Point = (0.0, 1.0, 0.0)
    angle: float = 38.0
    roll: float = 0.0
    size: tuple[int, int] = (640, 480)
    aperture: float = 0.0
    turn: float = 0.0
    group: str | None = None
    outdoors: bool = False
    exposure: float = 0.0

    @property
    def seed(self) -> int:
        """A number that depends on the path alone, so that every run draws the same noise."""
        return zlib.crc32(self.path.encode())

    @property
    def light_name(self) -> str:
        """The name of the light: ``Light_noon()`` is noon."""
        return self.light.removeprefix("Light_").removesuffix("()")

    @property
    def location(self) -> Point:
        """Where the camera stands."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        return (
            self.look[0] + self.distance * math.cos(elevation) * math.sin(azimuth),
            self.look[1] + self.distance * math.sin(elevation),
            self.look[2] - self.distance * math.cos(elevation) * math.cos(azimuth),
        )


def vector(point: Point) -> str:
    """Write a point in POV-Ray's notation."""
    return "<" + ", ".join(f"{value:.4f}" for value in point) + ">"


# A mesh is read only where a macro that uses it is called: reading all of them takes a second.
MESHES = {
    "CrownFine": ("Tree(", "Wood_Ring(0"),
    "Spruce": ("Fir(", "Wood_Ring(1"),
    "CrownCoarse": ("Bush(", "Wood_Ring(2"),
    "PalmCrown": ("Palm(", "Wood_Ring(3"),
    "GrassTile": ("Meadow(",),
    "Fur": ("TeddySkin(",),
}
INDOOR_RADIOSITY = """radiosity { pretrace_start 0.08 pretrace_end 0.04 count 24 nearest_count 4
    minimum_reuse 0.04 adc_bailout 0.05 error_bound 2 recursion_limit 2 low_error_factor 0.8
    gray_threshold 0.2 brightness 1 }"""
OUTDOOR_RADIOSITY = """radiosity { pretrace_start 0.08 pretrace_end 0.04 count 20 nearest_count 3
    minimum_reuse 0.04 adc_bailout 0.05 error_bound 2 recursion_limit 1 low_error_factor 0.8
    gray_threshold 0.1 brightness 1 }"""


def scene(picture: Picture, *, depth: bool = False) -> str:
    """Return the whole POV-Ray scene of a picture.

    The meshes are those of ``meshes.py``. Linear light is rendered; exposure,
    tone curve and noise belong to ``develop.py``.
    """
    width, height = picture.size
    roll = math.radians(picture.roll)
    turn = math.radians(picture.azimuth)
    sky = (math.sin(roll) * math.cos(turn), math.cos(roll), math.sin(roll) * math.sin(turn))
    places = ["outdoors.inc", "landmarks.inc"] if picture.outdoors else ["rooms.inc", "home.inc"]
    seen = picture.subject + picture.setting
    for name, users in MESHES.items():
        if any(user in seen for user in users):
            places.insert(0, f"{name}.inc")
    includes = "\n".join(f'#include "{name}"' for name in ("materials.inc", *places))
    shine = INDOOR_RADIOSITY
    if picture.outdoors:
        shine = OUTDOOR_RADIOSITY
    light = picture.light
    if depth:
        shine, light = "", f"fog {{ distance {picture.distance * 2:.3f} color rgb 1 }}"
    return f"""#version 3.7;
global_settings {{ assumed_gamma 1.0 max_trace_level {1 if depth else 6}
  {shine} }}
#default {{ finish {{ ambient 0 }} }}
#declare DepthPass = {int(depth)};
#declare CamPos = {vector(picture.location)};
#declare Detail = seed({picture.seed % 100000});
{includes}
camera {{ perspective location CamPos up y right x*{width / height:.5f} angle {picture.angle}
  sky {vector(sky)} look_at {vector(picture.look)} }}
{picture.setting}
{light}
union {{ {picture.subject} rotate y*{picture.turn} }}
"""
