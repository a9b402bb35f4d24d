"""Photographs taken outdoors: buildings, boats, camps and landscapes."""
# ruff: noqa: E501 -- a scene in POV-Ray's language reads best as one line of a table

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


from picture import Picture, Point

# azimuth, elevation, distance, light, portrait, roll, extra surroundings
View = tuple[float, float, float, str, bool, float]

GRASS = "plane { y, 0 texture { Grassy(srgb <0.4, 0.45, 0.22>) } }"
SNOW = "plane { y, 0 texture { Snowy() } }"
SAND = "plane { y, 0 texture { Sandy(srgb <0.88, 0.78, 0.6>) } }"
SEA = "Water(srgb <0.05, 0.2, 0.25>, 0.35, 1.6)"
LAKE = "Water(srgb <0.06, 0.16, 0.17>, 0.1, 0.9)"
GREEN = "texture { Grassy(srgb <0.36, 0.43, 0.22>) scale 6 }"
FAR_HILLS = (
    f"object {{ HillRange(900, 60, 240, {GREEN}, 3) translate <-40, 0, 420> }} "
    f"object {{ HillRange(700, 45, 260, {GREEN}, 8) rotate y*80 translate <420, 0, 60> }} "
    f"object {{ HillRange(700, 45, 260, {GREEN}, 5) rotate y*-80 translate <-420, 0, 60> }}"
)
PEAKS = (
    "object { Mountains(2600, 520, 900, 0.42, 2) translate <-100, 0, 1300> } "
    "object { Mountains(2200, 380, 800, 0.5, 7) rotate y*75 translate <1300, 0, 300> } "
    "object { Mountains(2200, 400, 800, 0.5, 4) rotate y*-75 translate <-1300, 0, 300> }"
)
WOODS = "Wood_Ring(0, 60, 55, 130, -100, 100, 11, srgb <0.3, 0.42, 0.14>, 11)"
FIRS = "Wood_Ring(1, 90, 30, 110, -110, 110, 14, srgb <0.16, 0.3, 0.16>, 12)"


def _group(
    folder: str,
    name: str,
    subject: str,
    setting: str,
    *,
    look: Point,
    angle: float = 42,
    views: Sequence[View],
) -> list[Picture]:
    result = []
    for number, (azimuth, elevation, distance, light, portrait, roll) in enumerate(views, 1):
        result.append(
            Picture(
                path=f"{folder}/{name}_{number}.jpg",
                subject=subject,
                setting=setting,
                light=f"Light_{light}()",
                azimuth=azimuth,
                elevation=elevation,
                distance=distance,
                look=(look[0] + 0.03 * distance * (number - 2.5), look[1], look[2]),
                angle=angle * 0.8 if portrait else angle,
                roll=roll,
                size=(450, 600) if portrait else (600, 450),
                group=name,
                outdoors=True,
            )
        )
    return result


def _groups() -> list[Picture]:
    result: list[Picture] = []
    add = result.extend
    add(
        _group(
            "coast",
            "lighthouse",
            "object { Lighthouse(srgb <0.93, 0.92, 0.9>, srgb <0.75, 0.12, 0.1>) translate <-3, 5.6, 0> }",
            SEA
            + " Coast(3) Rocks(40, 22, 31, 2, srgb <0.5, 0.46, 0.42>, 4)"
            + " object { HillRange(900, 40, 200, texture { Grassy(srgb <0.35, 0.45, 0.25>) scale 6 }, 9) translate <200, 0, 700> }",
            look=(0, 14, 0),
            views=(
                (-15, 2, 52, "clear", False, 0),
                (25, 6, 66, "golden", True, 0),
                (-40, 3, 60, "overcast", True, 1),
                (8, 10, 78, "morning", False, -1),
            ),
        )
    )
    add(
        _group(
            "countryside",
            "windmill",
            "object { Windmill(srgb <0.62, 0.36, 0.26>, srgb <0.3, 0.3, 0.28>, 28) }",
            GRASS
            + " Meadow(srgb <0.4, 0.5, 0.18>, -10, -46, 20, 20, 1.2) Wood_Ring(2, 50, 9, 40, 0, 360, 1.4, srgb <0.35, 0.45, 0.15>, 3)"
            + WOODS
            + FAR_HILLS,
            look=(0, 8.5, 0),
            views=(
                (12, 1, 42, "noon", True, 0),
                (-28, 0, 42, "golden", False, 0),
                (35, 3, 50, "overcast", True, -1),
                (-8, 6, 54, "morning", False, 1),
            ),
        )
    )
    add(
        _group(
            "castle",
            "castle",
            "object { Castle(srgb <0.66, 0.6, 0.5>, srgb <0.45, 0.2, 0.16>) translate y*3.5 }",
            GRASS
            + " object { Island(46, 5.4, texture { Grassy(srgb <0.38, 0.42, 0.2>) }, 2) translate y*-0.2 } Wood_Ring(0, 34, 36, 50, 0, 360, 8, srgb <0.3, 0.42, 0.14>, 9) Wood_Ring(2, 60, 22, 45, 90, 270, 1.8, srgb <0.33, 0.42, 0.15>, 5)"
            + FAR_HILLS,
            look=(0, 11, 0),
            views=(
                (-22, 6, 75, "clear", False, 0),
                (20, 10, 66, "golden", False, 0),
                (-45, 12, 84, "overcast", False, 1),
                (6, 4, 72, "morning", True, 0),
            ),
        )
    )
    add(
        _group(
            "river",
            "stone_bridge",
            "object { StoneBridge(srgb <0.62, 0.58, 0.5>) }",
            LAKE
            + " union { object { Island(30, 4.5, texture { Grassy(srgb <0.38, 0.43, 0.2>) }, 3) translate <-38, -0.4, 4> } object { Island(30, 4.5, texture { Grassy(srgb <0.38, 0.43, 0.2>) }, 6) translate <38, -0.4, 4> } } Wood_Ring(0, 40, 34, 70, -75, 75, 10, srgb <0.34, 0.45, 0.14>, 6) Wood_Ring(2, 50, 22, 32, 60, 120, 2.5, srgb <0.3, 0.42, 0.15>, 8) Wood_Ring(2, 50, 22, 32, 240, 300, 2.5, srgb <0.3, 0.42, 0.15>, 9)"
            + FAR_HILLS,
            look=(0, 3.6, 0),
            views=(
                (-14, 5, 30, "noon", False, 0),
                (24, 8, 36, "golden", False, 0),
                (-34, 4, 33, "overcast", False, -1),
                (6, 11, 44, "morning", False, 1),
            ),
        )
    )
    add(
        _group(
            "harbour",
            "sailing_boat",
            "object { SailBoat(srgb <0.12, 0.22, 0.42>, srgb 0.95, srgb <0.95, 0.93, 0.87>, 1) }",
            SEA
            + " object { Island(160, 26, texture { slope { y } texture_map { [0.6 Stone(srgb <0.5, 0.46, 0.4>, 5)] [0.8 Grassy(srgb <0.35, 0.45, 0.22>) scale 3] } }, 3) translate <-120, -2, 330> } object { HillRange(1200, 60, 300, texture { Grassy(srgb <0.35, 0.45, 0.25>) scale 6 }, 9) translate <200, 0, 1000> }",
            look=(0, 4.6, 0),
            views=(
                (15, 3, 17, "clear", True, 0),
                (-30, 5, 22, "golden", False, 1),
                (42, 8, 19, "overcast", True, -2),
                (-6, 2, 26, "morning", False, 0),
            ),
        )
    )
    add(
        _group(
            "beach",
            "rowing_boat",
            "object { RowBoat(srgb <0.75, 0.14, 0.1>, srgb <0.7, 0.5, 0.3>) rotate <6, 25, 0> translate <0, 0.06, 3.2> }",
            "plane { <0, 1, -0.035>, 0 texture { Sandy(srgb <0.86, 0.76, 0.58>) } } "
            "Water(srgb <0.05, 0.25, 0.28>, 0.35, 0.8) Rocks(14, 5, 13, 0.35, srgb <0.5, 0.46, 0.42>, 4) object { HillRange(900, 50, 200, texture { Grassy(srgb <0.35, 0.45, 0.25>) scale 6 }, 9) translate <150, 0, 700> }".replace(
                "plane { y, 0", "plane { y, 0"
            ),
            look=(0, 0.6, 3.2),
            views=(
                (-10, 14, 8.2, "noon", False, 0),
                (25, 20, 10, "golden", False, -1),
                (-38, 17, 8.8, "overcast", False, 1),
                (8, 24, 12, "clear", True, 0),
            ),
        )
    )
    add(
        _group(
            "winter",
            "log_cabin",
            "object { Cabin(srgb <0.5, 0.32, 0.2>, 1) }",
            SNOW
            + " Wood_Ring(1, 60, 11, 60, -95, 95, 10, srgb <0.2, 0.32, 0.2>, 5) Wood_Ring(1, 12, 7, 12, 40, 120, 6, srgb <0.22, 0.34, 0.22>, 7)"
            + PEAKS,
            look=(0, 2.4, 0),
            views=(
                (-18, 4, 19, "winter", False, 0),
                (24, 7, 24, "dusk", False, 0),
                (-40, 9, 22, "overcast", False, 1),
                (8, 5, 28, "morning", True, -1),
            ),
        )
    )
    add(
        _group(
            "camping",
            "tent",
            "object { Tent(srgb <0.92, 0.45, 0.08>, srgb <0.2, 0.3, 0.38>) rotate y*-14 } object { CampFire() translate <2.1, 0, -2> }",
            GRASS + " Meadow(srgb <0.38, 0.46, 0.18>, -7, -9, 14, 16, 1)" + FIRS + PEAKS,
            look=(0, 0.8, 0),
            views=(
                (10, 7, 6.4, "morning", False, 0),
                (-28, 12, 7.6, "noon", False, 1),
                (34, 9, 7, "overcast", False, -1),
                (-4, 6, 10, "golden", True, 0),
            ),
        )
    )
    add(
        _group(
            "festival",
            "hot_air_balloon",
            "object { Balloon(srgb <0.85, 0.12, 0.1>, srgb <0.97, 0.8, 0.15>, srgb <0.12, 0.25, 0.6>) rotate y*10 translate y*14 }",
            "plane { y, -25 texture { Grassy(srgb <0.4, 0.45, 0.22>) scale 3 } } union {"
            + FAR_HILLS
            + " translate y*-25 } Wood_Ring(0, 1, 900, 901, 0, 1, 10, srgb 0.3, 1)",
            look=(0, 24, 0),
            views=(
                (0, -12, 42, "clear", True, 0),
                (28, -4, 50, "morning", False, 0),
                (-32, -16, 46, "golden", True, 2),
                (10, 3, 62, "overcast", False, 0),
            ),
        )
    )
    add(
        _group(
            "canal",
            "canal_houses",
            "CanalRow(8, 6)",
            "plane { y, -0.02 texture { Cobbles(srgb <0.5, 0.47, 0.44>) } } difference { plane { y, 0.05 } box { <-100, -5, -30>, <100, 5, -7> } texture { Cobbles(srgb <0.5, 0.47, 0.44>) } } box { <-100, -2, -30>, <100, -1.1, -7> texture { pigment { srgb <0.08, 0.14, 0.12> } normal { bumps 0.08 scale 0.7 } finish { diffuse 0.3 specular 0.4 roughness 0.01 reflection { 0.1, 0.9 fresnel on } } } interior { ior 1.33 } } #for (I, -3, 3) object { Lamppost() translate <I*6.5, 0.05, -6.3> } #end #local RT = seed(4); #for (I, -2, 2) object { Tree(7, srgb <0.36, 0.46, 0.14>, RT) translate <I*7.5 + 3, 0, -5> } #end",
            look=(0, 5.2, 0),
            views=(
                (-8, 3, 27, "noon", False, 0),
                (22, 5, 30, "golden", False, 0),
                (-28, 4, 32, "overcast", False, 1),
                (6, 2, 23, "morning", False, -1),
            ),
        )
    )
    add(
        _group(
            "village",
            "church",
            "object { Church(srgb <0.93, 0.9, 0.82>, srgb <0.55, 0.24, 0.17>) rotate y*-25 translate <3, 2.6, 0> }",
            GRASS
            + " object { Island(32, 4, texture { Grassy(srgb <0.38, 0.42, 0.2>) }, 5) translate y*-0.1 } Wood_Ring(0, 12, 15, 30, -70, 140, 9, srgb <0.33, 0.44, 0.14>, 3) Wood_Ring(2, 40, 12, 30, 90, 270, 1.5, srgb <0.36, 0.45, 0.16>, 5)"
            + PEAKS
            + FAR_HILLS,
            look=(0, 10, 0),
            views=(
                (0, 3, 54, "clear", True, 0),
                (30, 7, 58, "golden", False, 0),
                (-26, 5, 60, "overcast", True, 1),
                (12, 9, 60, "morning", False, 0),
            ),
        )
    )
    add(
        _group(
            "roadtrip",
            "camper_van",
            "object { Van(srgb <0.2, 0.5, 0.55>, srgb <0.93, 0.91, 0.85>) rotate y*32 }",
            SAND.replace("0.88, 0.78, 0.6", "0.6, 0.54, 0.42")
            + " Rocks(60, 5, 30, 0.35, srgb <0.55, 0.48, 0.4>, 4) Wood_Ring(2, 70, 6, 60, -100, 100, 0.9, srgb <0.42, 0.45, 0.22>, 3) Wood_Ring(1, 40, 35, 110, -90, 90, 10, srgb <0.2, 0.33, 0.18>, 5)"
            + PEAKS,
            look=(0, 1.25, 0),
            views=(
                (0, 7, 7.6, "noon", False, 0),
                (-32, 10, 9, "golden", False, 0),
                (28, 5, 8.2, "overcast", False, -1),
                (-14, 14, 11.5, "clear", False, 1),
            ),
        )
    )
    add(
        _group(
            "mountains",
            "mountain_lake",
            "object { RowBoat(srgb <0.3, 0.42, 0.35>, srgb <0.7, 0.5, 0.3>) rotate y*60 translate <5, -0.1, 6> } object { Mountains(900, 330, 500, 0.42, 12) translate <-30, -3, 520> }",
            LAKE
            + " union { Wood_Ring(1, 130, 150, 240, -60, 60, 16, srgb <0.16, 0.3, 0.17>, 5) } object { HillRange(700, 36, 160, texture { Grassy(srgb <0.3, 0.42, 0.2>) scale 5 }, 5) translate <0, -2, 260> } Rocks(30, 10, 22, 0.8, srgb <0.5, 0.48, 0.45>, 6)"
            + PEAKS,
            look=(0, 30, 150),
            angle=52,
            views=(
                (-6, -7, 190, "clear", False, 0),
                (5, -7, 200, "golden", False, 0),
                (-14, -6.5, 205, "overcast", False, 0),
                (12, -7, 185, "morning", False, 1),
            ),
        )
    )
    add(
        _group(
            "desert",
            "oasis",
            "Wood_Ring(3, 9, 2, 9, 0, 360, 7, srgb <0.3, 0.4, 0.15>, 4) cylinder { y*0.02, y*0.06, 7 texture { pigment { srgb <0.08, 0.25, 0.27> } normal { bumps 0.05 scale 0.5 } finish { diffuse 0.4 reflection { 0.08, 0.8 fresnel on } } } interior { ior 1.33 } scale <1.2, 1, 0.7> translate <1, 0, -4> } Wood_Ring(2, 26, 6, 11, 0, 360, 1.1, srgb <0.35, 0.45, 0.15>, 6)",
            SAND.replace("0.88, 0.78, 0.6", "0.86, 0.64, 0.4")
            + " object { Dunes(500, 30, 300, srgb <0.88, 0.64, 0.4>, 3) translate <0, -1, 200> } object { Dunes(400, 30, 400, srgb <0.88, 0.64, 0.4>, 6) translate <270, -1, 100> } object { Dunes(400, 30, 400, srgb <0.88, 0.64, 0.4>, 9) translate <-270, -1, 100> }",
            look=(0, 3.6, 0),
            views=(
                (0, 6, 27, "clear", False, 0),
                (26, 9, 33, "golden", False, 0),
                (-30, 11, 30, "noon", False, 1),
                (10, 5, 40, "morning", False, 0),
            ),
        )
    )
    add(
        _group(
            "fair",
            "ferris_wheel",
            "object { FerrisWheel(srgb <0.75, 0.15, 0.2>, 14) rotate y*-18 }",
            "plane { y, 0 texture { Cobbles(srgb <0.55, 0.52, 0.48>) } } Wood_Ring(0, 40, 26, 60, -100, 100, 9, srgb <0.33, 0.44, 0.14>, 3) #for (I, -2, 2) object { Lamppost() translate <I*5, 0, -9> } #end object { Bench(srgb <0.55, 0.38, 0.22>) translate <-4, 0, -8.4> } object { Bench(srgb <0.55, 0.38, 0.22>) translate <5, 0, -8> } union { Skyscrapers(4, 26, 170) translate z*190 }",
            look=(0, 9.5, 0),
            views=(
                (4, -3, 42, "clear", True, 0),
                (32, 0, 40, "dusk", False, 0),
                (-24, -2, 46, "overcast", True, 1),
                (14, 2, 48, "golden", False, 0),
            ),
        )
    )
    return result


# folder/name, subject and setting, light, (azimuth, elevation, distance), height looked at, portrait
Single = tuple[str, str, str, tuple[float, float, float], float, bool]
RIVER_BANK = "object { Island(60, 5, texture { Grassy(srgb <0.38, 0.42, 0.2>) }, 4) translate <-30, -0.5, 40> } "
BLADES = " Meadow(srgb <0.4, 0.48, 0.18>, -8, -10, 16, 18, 1) "
ISLE = "texture { slope { y } texture_map { [0.6 Stone(srgb <0.5, 0.46, 0.4>, 4)] [0.8 Grassy(srgb <0.35, 0.42, 0.2>) scale 3] } }"
DUNES = (
    "object { Dunes(360, 70, 240, srgb <0.9, 0.66, 0.42>, 12) translate <20, -1, 130> } "
    "object { Dunes(400, 30, 400, srgb <0.9, 0.66, 0.42>, 15) translate <240, -1, 90> } "
)
WARM_SAND = SAND.replace("0.88, 0.78, 0.6", "0.86, 0.64, 0.4")
PAVING = "plane { y, 0 texture { Cobbles(srgb <0.52, 0.49, 0.46>) } } "
AUTUMN = "Wood_Ring(0, 60, 5, 40, -90, 90, 10, srgb <0.75, 0.36, 0.08>, 21) "

# fmt: off
SINGLES: tuple[Single, ...] = (
    ("coast/striped_lighthouse", "object { Lighthouse(srgb 0.93, srgb <0.1, 0.12, 0.2>) translate <2, 5, 0> } Coast(7) " + SEA, "dusk", (18, 3, 58), 14, True),
    ("coast/rocky_island", "object { Island(60, 30, " + ISLE + ", 12) translate <0, -2, 160> } " + SEA, "sunset", (0, 2, 40), 4, False),
    ("coast/open_sea", SEA + " object { HillRange(900, 40, 200, " + GREEN + ", 2) translate <-300, 0, 900> }", "golden", (0, 3, 20), 3, False),
    ("coast/palm_beach", "plane { <0.02, 1, -0.05>, 0 texture { Sandy(srgb <0.92, 0.84, 0.66>) } } " + SEA + " Wood_Ring(3, 14, 5, 26, -80, 80, 7, srgb 0.4, 5)", "clear", (-5, 3, 20), 3, False),
    ("beach/parasol", "object { Parasol(srgb <0.85, 0.15, 0.12>) translate z*3 } plane { <0, 1, -0.04>, 0 texture { Sandy(srgb <0.9, 0.8, 0.6>) } } " + SEA, "noon", (12, 10, 7), 1.1, False),
    ("beach/two_parasols", "object { Parasol(srgb <0.1, 0.35, 0.65>) translate <-1.8, 0.1, 3> } object { Parasol(srgb <0.95, 0.7, 0.1>) translate <2.2, 0.1, 4> } plane { <0, 1, -0.04>, 0 texture { Sandy(srgb <0.9, 0.8, 0.6>) } } " + SEA, "clear", (-18, 7, 10), 1.2, False),
    ("beach/blue_boat", "object { RowBoat(srgb <0.15, 0.35, 0.6>, srgb <0.75, 0.6, 0.4>) rotate <4, -40, 0> translate z*3 } plane { <0, 1, -0.04>, 0 texture { Sandy(srgb <0.8, 0.72, 0.56>) } } Rocks(20, 6, 14, 0.4, srgb <0.45, 0.43, 0.4>, 9) " + SEA, "overcast", (20, 15, 9), 0.8, False),
    ("harbour/two_yachts", "object { SailBoat(srgb 0.95, srgb <0.1, 0.3, 0.5>, srgb <0.1, 0.3, 0.5>, 0) rotate y*30 } object { SailBoat(srgb <0.6, 0.1, 0.1>, srgb 0.95, srgb 0.9, 0) rotate y*35 translate <3, 0, 5> } object { HillRange(500, 40, 120, " + GREEN + ", 4) translate <0, 0, 200> } " + LAKE, "morning", (0, 4, 20), 4, True),
    ("harbour/red_sail", "object { SailBoat(srgb <0.35, 0.2, 0.12>, srgb 0.9, srgb <0.7, 0.2, 0.12>, 1) rotate y*-150 } " + SEA, "sunset", (10, 2, 22), 4.5, False),
    ("countryside/white_windmill", "object { Windmill(srgb <0.95, 0.93, 0.9>, srgb <0.35, 0.2, 0.15>, 52) } Wood_Ring(2, 40, 8, 30, 0, 360, 1.2, srgb <0.45, 0.45, 0.2>, 4) " + GRASS + FAR_HILLS, "clear", (-20, 2, 44), 8, True),
    ("countryside/wind_turbines", "object { Turbine(20) translate <-15, 0, 60> } object { Turbine(75) translate <25, 0, 110> } object { Turbine(50) translate <70, 0, 170> } " + GRASS + FAR_HILLS, "noon", (0, -4, 40), 22, False),
    ("countryside/hay_bales", "object { HayBale(srgb <0.8, 0.65, 0.35>) rotate y*58 } object { HayBale(srgb <0.8, 0.65, 0.35>) rotate y*70 translate <5, 0, 7> } object { HayBale(srgb <0.8, 0.65, 0.35>) rotate y*40 translate <-8, 0, 16> } plane { y, 0 texture { Grassy(srgb <0.68, 0.56, 0.28>) } } Meadow(srgb <0.72, 0.6, 0.28>, -8, -7, 16, 14, 1) " + WOODS, "golden", (-12, 8, 8), 1, False),
    ("countryside/lone_tree", "#local RT = seed(3); object { Tree(9, srgb <0.34, 0.45, 0.14>, RT) } " + GRASS + BLADES + FAR_HILLS, "noon", (0, 4, 19), 4, False),
    ("countryside/autumn_tree", "#local RT = seed(9); object { Tree(9, srgb <0.85, 0.45, 0.08>, RT) } " + GRASS + BLADES + FAR_HILLS, "golden", (10, 3, 17), 4.2, True),
    ("countryside/farmhouse", "object { House(12, 4.5, 8, 4, texture { Bricks(srgb <0.6, 0.32, 0.24>, 0.13) }, texture { RoofTiles(srgb <0.35, 0.33, 0.33>) }, 1, 5, srgb 0.93, srgb <0.15, 0.35, 0.25>) rotate y*20 } " + GRASS + WOODS, "overcast", (0, 5, 27), 3, False),
    ("forest/autumn_wood", AUTUMN + GRASS.replace("0.4, 0.45, 0.22", "0.55, 0.38, 0.15"), "morning", (0, 4, 10), 3, True),
    ("forest/spruce_wood", "Wood_Ring(1, 110, 6, 70, -90, 90, 13, srgb <0.16, 0.3, 0.15>, 31) " + GRASS + BLADES, "overcast", (0, 4, 9), 3.5, True),
    ("forest/toadstools", "object { Mushroom(srgb <0.8, 0.1, 0.06>, 1.7) scale 0.1 } object { Mushroom(srgb <0.8, 0.1, 0.06>, 1.2) scale 0.09 translate <0.22, 0, 0.1> } " + GRASS + " Meadow(srgb <0.36, 0.45, 0.16>, -2, -0.6, 10, 10, 0.4) Wood_Ring(1, 70, 5, 50, -90, 90, 12, srgb <0.16, 0.3, 0.15>, 8)", "morning", (12, 12, 0.85), 0.12, False),
    ("forest/red_bench", "object { Bench(srgb <0.55, 0.22, 0.14>) } " + GRASS + " Meadow(srgb <0.38, 0.46, 0.18>, -6, -5, 12, 12, 1) " + AUTUMN, "golden", (25, 10, 4.6), 0.6, False),
    ("winter/snowman", "object { Snowman() } Wood_Ring(1, 50, 9, 50, -95, 95, 9, srgb <0.2, 0.32, 0.2>, 15) " + SNOW, "winter", (-10, 6, 6.8), 1.6, True),
    ("winter/snowy_firs", "Wood_Ring(1, 80, 12, 80, -95, 95, 12, srgb <0.55, 0.62, 0.62>, 17) " + SNOW + PEAKS, "dusk", (0, 4, 12), 4, False),
    ("mountains/alpine_hut", "object { Cabin(srgb <0.55, 0.36, 0.22>, 0) rotate y*25 } Wood_Ring(1, 40, 16, 70, -95, 95, 11, srgb <0.18, 0.32, 0.18>, 41) " + GRASS + BLADES + PEAKS, "clear", (0, 5, 20), 2.4, False),
    ("mountains/snow_peaks", "object { Mountains(2400, 700, 900, 0.3, 21) translate z*1100 } " + GRASS, "morning", (0, -8, 60), 30, False),
    ("desert/dunes", DUNES + WARM_SAND, "golden", (0, 3, 30), 6, False),
    ("desert/pyramids", "object { Pyramid(26, srgb <0.82, 0.66, 0.44>) rotate y*32 translate <-10, 0, 40> } object { Pyramid(18, srgb <0.82, 0.66, 0.44>) rotate y*28 translate <48, 0, 80> } " + WARM_SAND + DUNES, "noon", (0, 3, 50), 9, False),
    ("city/skyline", "union { Skyscrapers(6, 40, 150) translate z*140 } " + LAKE, "golden", (0, 2, 30), 22, False),
    ("city/phone_box", "object { PhoneBox(srgb <0.72, 0.07, 0.07>) rotate y*-25 } " + PAVING + " union { CanalRow(3, 7) translate z*7 }", "overcast", (0, 6, 6), 1.35, True),
    ("city/brick_street", PAVING + " union { CanalRow(15, 7) }", "morning", (35, 6, 24), 5, False),
    ("city/park_bench", "object { Bench(srgb <0.3, 0.42, 0.3>) rotate y*15 } object { Lamppost() translate <2, 0, 1> } plane { y, 0 texture { Gravel(srgb <0.7, 0.65, 0.55>) } } " + WOODS.replace("55, 130", "8, 60"), "noon", (-15, 8, 5.5), 0.9, False),
    ("roadtrip/orange_van", "object { Van(srgb <0.8, 0.35, 0.12>, srgb 0.93) rotate y*150 } " + WARM_SAND + " Rocks(50, 5, 30, 0.4, srgb <0.6, 0.42, 0.3>, 14) " + DUNES, "clear", (0, 8, 9), 1.25, False),
    ("castle/ruined_tower", "object { Island(30, 6, " + GREEN.replace("scale 6", "") + ", 8) } union { Tower(0, 0, 4, 15, texture { Stone(srgb <0.5, 0.48, 0.45>, 1) }, srgb 0) translate y*3.5 } " + GRASS + FAR_HILLS, "sunset", (0, 4, 45), 9, True),
    ("festival/striped_balloon", "object { Balloon(srgb <0.2, 0.55, 0.3>, srgb 0.95, srgb <0.2, 0.55, 0.3>) translate y*20 } plane { y, -25 texture { Grassy(srgb <0.4, 0.45, 0.22>) scale 3 } } union {" + FAR_HILLS + " translate y*-25 }", "golden", (0, -10, 55), 30, False),
    ("camping/blue_tent", "object { Tent(srgb <0.15, 0.3, 0.6>, srgb <0.75, 0.75, 0.72>) rotate y*30 } " + WARM_SAND.replace("0.86, 0.64, 0.4", "0.5, 0.46, 0.4") + " Rocks(60, 3, 30, 0.3, srgb <0.5, 0.48, 0.45>, 3) " + PEAKS, "dusk", (0, 8, 7), 0.9, False),
    ("temple/red_gate", "object { Torii(srgb <0.8, 0.2, 0.1>) } " + LAKE + " Wood_Ring(1, 60, 40, 120, -80, 80, 12, srgb <0.18, 0.32, 0.18>, 19) object { HillRange(700, 50, 160, " + GREEN + ", 6) translate z*240 }", "morning", (12, 4, 17), 3.2, False),
)
# fmt: on


def _singles() -> list[Picture]:
    return [
        Picture(
            path=f"{name}.jpg",
            subject=subject,
            setting="",
            light=f"Light_{light}()",
            azimuth=azimuth,
            elevation=elevation,
            distance=distance,
            look=(0.0, height, 0.0),
            angle=36 if portrait else 44,
            size=(450, 600) if portrait else (600, 450),
            outdoors=True,
        )
        for name, subject, light, (azimuth, elevation, distance), height, portrait in SINGLES
    ]


def outdoor_pictures() -> list[Picture]:
    """Return the groups and distractors that were taken outdoors."""
    return [*_groups(), *_singles()]
