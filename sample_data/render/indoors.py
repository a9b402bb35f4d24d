"""Photographs taken in rooms: things on tables, desks, sills and floors."""
# ruff: noqa: E501 -- a scene in POV-Ray's language reads best as one line of a table

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


from picture import Picture

OAK = "texture { WoodX(srgb <0.72, 0.52, 0.32>, 1) finish { Satin } }"
WALNUT = "texture { WoodX(srgb <0.42, 0.26, 0.15>, 1) finish { Satin } }"
PINE = "texture { WoodX(srgb <0.88, 0.7, 0.46>, 1) finish { Satin } }"
WHITE = "texture { Plastic(srgb <0.93, 0.92, 0.9>) }"
PLANKS = "texture { Planks(srgb <0.62, 0.45, 0.3>, 1.4, 12) }"
PARQUET = "texture { Parquet(srgb <0.7, 0.5, 0.32>) }"
CREAM, SAGE, BLUE, BLUSH = (
    "srgb <0.93, 0.88, 0.78>",
    "srgb <0.62, 0.7, 0.58>",
    "srgb <0.55, 0.66, 0.75>",
    "srgb <0.88, 0.72, 0.66>",
)


def _table(top: str, wall: str, seed: int, floor: str = PLANKS) -> str:
    return f"object {{ TableRoom({top}, {wall}, {floor}, {seed}) }}"


def _floor(wall: str, rug: str, seed: int, floor: str = PARQUET) -> str:
    return f"object {{ FloorRoom({wall}, {floor}, {rug}, {seed}) }}"


def _kitchen(seed: int, cabinet: str = "srgb <0.9, 0.9, 0.88>") -> str:
    counters = (
        "texture { Marble(srgb <0.93, 0.92, 0.9>, srgb <0.45, 0.45, 0.47>) }",
        "texture { WoodX(srgb <0.68, 0.46, 0.27>, 1) }",
        "texture { Granite(srgb <0.5, 0.48, 0.45>) }",
    )
    walls = (
        "texture { Metro(srgb <0.93, 0.93, 0.9>, srgb <0.7, 0.68, 0.65>, 1.1) }",
        "texture { Tiles(srgb <0.55, 0.72, 0.7>, srgb <0.85, 0.85, 0.82>, 1.5) }",
        "texture { Tiles(srgb <0.9, 0.83, 0.68>, srgb <0.7, 0.65, 0.58>, 1.8) }",
    )
    return f"object {{ Kitchen({counters[seed % 3]}, {walls[seed // 3 % 3]}, {cabinet}, {seed}) }}"


def _desk(top: str, wall: str, seed: int) -> str:
    return f"object {{ Desk({top}, {wall}, {seed}) }}"


def _sill(curtain: str, far: str = "srgb <0.35, 0.5, 0.22>") -> str:
    return f"object {{ Sill(srgb <0.9, 0.88, 0.82>, {curtain}, {far}) }}"


SILL_BLUE = _sill("srgb <0.55, 0.65, 0.75>")
SILL_WHITE = _sill("srgb <0.92, 0.9, 0.85>", "srgb <0.45, 0.5, 0.2>")

# azimuth, elevation, distance (relative), light, setting, portrait, roll
View = tuple[float, float, float, str, str, bool, float]


def _group(
    folder: str,
    name: str,
    subject: str,
    *,
    height: float,
    distance: float,
    views: Sequence[View],
) -> list[Picture]:
    result = []
    for number, (azimuth, elevation, far, light, setting, portrait, roll) in enumerate(views, 1):
        size = (450, 600) if portrait else (600, 450)
        result.append(
            Picture(
                path=f"{folder}/{name}_{number}.jpg",
                subject=subject,
                setting=setting,
                light=f"Light_{light}()",
                azimuth=azimuth,
                elevation=elevation,
                distance=distance * far * (1.12 if portrait else 1.0),
                look=(0.12 * (number - 2.5) * far, height * (0.46 + 0.03 * number), 0.0),
                angle=30 if portrait else 38,
                roll=roll,
                size=size,
                aperture=0.008 if name == "chess" else 0.02,
                group=name,
            )
        )
    return result


def _groups() -> list[Picture]:
    result: list[Picture] = []
    add = result.extend
    add(
        _group(
            "kitchen",
            "teapot",
            "object { Teapot(srgb <0.93, 0.92, 0.88>, srgb <0.1, 0.2, 0.5>) }",
            height=2,
            distance=7.2,
            views=(
                (12, 20, 1.0, "left", _kitchen(0), False, 0),
                (-25, 34, 1.3, "sun", _kitchen(0), True, 1.5),
                (34, 14, 1.15, "evening", _table(OAK, CREAM, 3), False, -1),
                (-8, 26, 1.5, "right", _table(OAK, CREAM, 3), False, 0.5),
            ),
        )
    )
    add(
        _group(
            "kitchen",
            "fruit_bowl",
            "object { FruitBowl(srgb <0.85, 0.87, 0.88>, 4) }",
            height=1.5,
            distance=7.4,
            views=(
                (0, 28, 1.0, "left", _table(PINE, SAGE, 8), False, 0),
                (38, 38, 1.2, "sun", _table(PINE, SAGE, 8), False, 2),
                (-30, 22, 1.35, "soft", _kitchen(4), False, -1),
                (20, 48, 1.1, "evening", _table(PINE, SAGE, 8), True, 0),
            ),
        )
    )
    add(
        _group(
            "windowsill",
            "cactus",
            "object { CactusPot(srgb <0.3, 0.5, 0.25>, srgb <0.75, 0.42, 0.28>) }",
            height=3.6,
            distance=9.5,
            views=(
                (10, 10, 1.0, "soft", SILL_BLUE, True, 0),
                (-28, 18, 1.15, "left", SILL_BLUE, False, 1),
                (32, 14, 1.3, "right", SILL_BLUE, True, -1.5),
                (-5, 24, 1.05, "evening", _desk(OAK, BLUSH, 5), True, 0),
            ),
        )
    )
    add(
        _group(
            "study",
            "film_camera",
            "object { OldCamera(srgb <0.05, 0.05, 0.055>) }",
            height=2,
            distance=6.2,
            views=(
                (-18, 18, 1.0, "left", _desk(WALNUT, CREAM, 2), False, 0),
                (24, 26, 1.25, "sun", _desk(WALNUT, CREAM, 2), False, -2),
                (-40, 32, 1.1, "evening", _desk(WALNUT, CREAM, 2), False, 1),
                (6, 14, 1.4, "soft", _table(OAK, BLUE, 6), False, 0),
            ),
        )
    )
    add(
        _group(
            "bedroom",
            "alarm_clock",
            "object { AlarmClock(srgb <0.75, 0.06, 0.07>, 305, 60) }",
            height=2.8,
            distance=7.2,
            views=(
                (-14, 10, 1.0, "left", _table(WHITE, BLUE, 11), True, 0),
                (20, 16, 1.2, "sun", _table(WHITE, BLUE, 11), False, -1),
                (-34, 22, 1.1, "evening", _table(WALNUT, BLUSH, 12), True, 2),
                (4, 8, 1.5, "flash", _table(WHITE, BLUE, 11), False, 0),
            ),
        )
    )
    add(
        _group(
            "playroom",
            "toy_car",
            "object { ToyCar(srgb <0.1, 0.42, 0.45>, srgb <0.93, 0.9, 0.8>) }",
            height=1.5,
            distance=6.8,
            views=(
                (28, 16, 1.0, "left", _floor(CREAM, "srgb <0.6, 0.25, 0.2>", 21), False, 0),
                (-22, 24, 1.3, "sun", _floor(CREAM, "srgb <0.6, 0.25, 0.2>", 21), False, 2),
                (48, 30, 1.15, "soft", _table(PINE, SAGE, 22), False, -1),
                (8, 10, 1.45, "evening", _table(PINE, SAGE, 22), False, 0),
            ),
        )
    )
    add(
        _group(
            "study",
            "book_stack",
            "object { BookStack(14, 6) }",
            height=2.4,
            distance=7.4,
            views=(
                (15, 14, 1.0, "left", _desk(OAK, SAGE, 31), False, 0),
                (-20, 22, 1.2, "sun", _desk(OAK, SAGE, 31), True, 1),
                (35, 28, 1.1, "evening", _desk(OAK, SAGE, 31), False, -1),
                (0, 10, 1.4, "right", SILL_WHITE, False, 0),
            ),
        )
    )
    add(
        _group(
            "living_room",
            "table_lamp",
            "object { DeskLamp(srgb <0.15, 0.4, 0.42>, 1) }",
            height=4.4,
            distance=11.5,
            views=(
                (0, 6, 1.0, "evening", _table(WALNUT, CREAM, 41), True, 0),
                (30, 14, 1.2, "soft", _table(WALNUT, CREAM, 41), True, 0),
                (-25, 10, 1.1, "left", _table(WALNUT, CREAM, 41), False, -1),
                (12, 20, 1.4, "evening", _desk(OAK, SAGE, 42), True, 1),
            ),
        )
    )
    add(
        _group(
            "living_room",
            "tulips",
            "object { TulipVase(srgb <0.9, 0.9, 0.92>, srgb <0.15, 0.3, 0.6>, srgb <0.85, 0.12, 0.2>, srgb <0.97, 0.75, 0.2>, 5) }",
            height=5,
            distance=11.5,
            views=(
                (0, 10, 1.0, "left", _table(OAK, BLUE, 51), True, 0),
                (28, 18, 1.15, "sun", _table(OAK, BLUE, 51), True, 1),
                (-30, 14, 1.3, "soft", _table(OAK, BLUE, 51), False, 0),
                (10, 8, 1.1, "left", SILL_WHITE, True, -1),
            ),
        )
    )
    add(
        _group(
            "living_room",
            "guitar",
            "object { Guitar(srgb <0.82, 0.5, 0.2>) rotate x * 9 translate -z * 0.2 }",
            height=10,
            distance=20,
            views=(
                (6, 8, 1.0, "left", _floor(SAGE, "srgb <0.2, 0.3, 0.45>", 61), True, 0),
                (-26, 14, 1.12, "sun", _floor(SAGE, "srgb <0.2, 0.3, 0.45>", 61), True, 2),
                (30, 6, 1.25, "evening", _floor(SAGE, "srgb <0.2, 0.3, 0.45>", 61), True, -1),
                (-8, 20, 1.1, "right", _floor(CREAM, "srgb <0.55, 0.3, 0.2>", 62), True, 0),
            ),
        )
    )
    add(
        _group(
            "living_room",
            "armchair",
            "object { Armchair(srgb <0.78, 0.5, 0.1>, srgb <0.3, 0.18, 0.1>) rotate y * 20 }",
            height=8,
            distance=20,
            views=(
                (10, 12, 1.0, "left", _floor(BLUE, "srgb <0.35, 0.35, 0.4>", 71), False, 0),
                (-24, 20, 1.2, "sun", _floor(BLUE, "srgb <0.35, 0.35, 0.4>", 71), True, 0),
                (36, 16, 1.1, "evening", _floor(BLUE, "srgb <0.35, 0.35, 0.4>", 71), False, 1),
                (-6, 26, 1.3, "soft", _floor(CREAM, "srgb <0.6, 0.2, 0.18>", 72), False, -1),
            ),
        )
    )
    add(
        _group(
            "playroom",
            "teddy_bear",
            "object { TeddySkin(srgb <0.62, 0.4, 0.2>, srgb <0.85, 0.7, 0.5>, Fur) }",
            height=3.6,
            distance=9.6,
            views=(
                (-10, 10, 1.0, "left", _floor(BLUSH, "srgb <0.3, 0.45, 0.55>", 81), True, 0),
                (25, 18, 1.2, "sun", _floor(BLUSH, "srgb <0.3, 0.45, 0.55>", 81), False, 0),
                (-36, 22, 1.1, "evening", _floor(BLUSH, "srgb <0.3, 0.45, 0.55>", 81), True, 1),
                (8, 14, 1.4, "flash", _table(OAK, CREAM, 82), False, -1),
            ),
        )
    )
    add(
        _group(
            "study",
            "globe",
            "object { DeskGlobe(srgb <0.3, 0.5, 0.2>, srgb <0.12, 0.35, 0.6>) }",
            height=3.5,
            distance=9,
            views=(
                (0, 10, 1.0, "left", _desk(WALNUT, SAGE, 91), True, 0),
                (24, 18, 1.15, "sun", _desk(WALNUT, SAGE, 91), True, 1),
                (-28, 14, 1.3, "evening", _desk(WALNUT, SAGE, 91), False, 0),
                (12, 22, 1.1, "soft", _table(PINE, BLUSH, 92), False, -1),
            ),
        )
    )
    add(
        _group(
            "study",
            "chess",
            "object { ChessBoard(srgb <0.9, 0.75, 0.52>, srgb <0.35, 0.2, 0.11>) rotate y * 10 }",
            height=1,
            distance=12,
            views=(
                (0, 32, 1.0, "left", _table(WALNUT, CREAM, 101), False, 0),
                (34, 24, 1.0, "sun", _table(WALNUT, CREAM, 101), False, 1),
                (-28, 42, 1.15, "evening", _table(WALNUT, CREAM, 101), False, -2),
                (12, 18, 0.8, "right", _table(WALNUT, CREAM, 101), False, 0),
            ),
        )
    )
    add(
        _group(
            "kitchen",
            "radio",
            "object { Radio(srgb <0.5, 0.28, 0.14>) }",
            height=2.6,
            distance=8.2,
            views=(
                (-12, 12, 1.0, "left", _kitchen(7, "srgb <0.42, 0.52, 0.48>"), False, 0),
                (22, 20, 1.15, "sun", _kitchen(7, "srgb <0.42, 0.52, 0.48>"), False, 0),
                (-34, 16, 1.25, "evening", _table(OAK, CREAM, 112), False, 1.5),
                (6, 26, 1.4, "soft", _kitchen(7, "srgb <0.42, 0.52, 0.48>"), True, 0),
            ),
        )
    )
    return result


# folder/name, subject, setting, light, (azimuth, elevation, distance), height looked at, portrait
Single = tuple[str, str, str, str, tuple[float, float, float], float, bool]
# fmt: off
SINGLES: tuple[Single, ...] = (
    ("kitchen/green_teapot", "object { Teapot(srgb <0.35, 0.5, 0.38>, srgb <0.9, 0.85, 0.7>) }", _kitchen(4), "left", (18, 22, 8), 1, False),
    ("kitchen/kettle", "object { Kettle(srgb <0.75, 0.12, 0.1>) }", _kitchen(2), "right", (-20, 16, 8.5), 1.2, False),
    ("kitchen/blue_mug", "object { Mug(srgb <0.9, 0.9, 0.88>, srgb <0.15, 0.3, 0.55>) rotate y*-30 } object { Saucer(srgb 0.93) }", _table(OAK, SAGE, 201), "left", (10, 28, 4.2), 0.5, False),
    ("kitchen/two_mugs", "object { Mug(srgb <0.85, 0.6, 0.2>, srgb <0.85, 0.6, 0.2>) rotate y*20 } object { Mug(srgb <0.3, 0.45, 0.45>, srgb <0.9, 0.9, 0.85>) rotate y*150 translate <1.5, 0, 0.6> }", _kitchen(8), "soft", (-12, 24, 5.5), 0.6, False),
    ("kitchen/apples", "#local RA = seed(5); object { Apple(srgb <0.75, 0.1, 0.08>, srgb <0.9, 0.65, 0.2>, RA) } object { Apple(srgb <0.7, 0.15, 0.1>, srgb <0.9, 0.65, 0.2>, RA) rotate x*20 translate <1, 0, 0.3> } object { Apple(srgb <0.75, 0.12, 0.08>, srgb <0.8, 0.65, 0.2>, RA) translate <0.4, 0, 1> }", _table(WALNUT, CREAM, 202), "sun", (0, 25, 4.6), 0.5, False),
    ("kitchen/oranges", "object { Bowl(srgb <0.2, 0.35, 0.5>) } #for (I, 0, 6) object { Orange(srgb <0.95, 0.5, 0.08>) translate <0.75*cos(I*1.05), 0.3 + (I = 6)*0.6, 0.75*sin(I*1.05)*(I < 6)> } #end", _kitchen(5), "left", (0, 32, 7), 0.7, False),
    ("kitchen/bread", "object { Bread(srgb <0.72, 0.45, 0.2>) rotate y*15 }", _kitchen(1), "sun", (-15, 24, 7.5), 0.6, False),
    ("kitchen/eggs", "object { Eggs(3) rotate y*25 }", _table(PINE, BLUE, 203), "left", (0, 35, 6), 0.4, False),
    ("kitchen/wine", "object { WineBottle(srgb <0.05, 0.12, 0.06>, srgb <0.92, 0.88, 0.75>) translate x*-0.7 } object { WineGlass(srgb <0.35, 0.02, 0.06>) translate <0.8, 0, -0.4> }", _table(WALNUT, CREAM, 204), "evening", (0, 10, 8.5), 1.5, True),
    ("kitchen/three_bottles", "object { WineBottle(srgb <0.3, 0.35, 0.1>, srgb 0.9) } object { WineBottle(srgb <0.35, 0.18, 0.05>, srgb <0.8, 0.3, 0.2>) scale <1, 0.85, 1> translate <1.1, 0, 0.5> } object { WineBottle(srgb <0.1, 0.2, 0.35>, srgb <0.9, 0.85, 0.6>) scale <1.1, 0.75, 1.1> translate <-1.1, 0, 0.4> }", _kitchen(6), "right", (10, 12, 9), 1.4, False),
    ("kitchen/birthday_cake", "object { Cake(srgb <0.95, 0.85, 0.75>, srgb <0.9, 0.5, 0.6>, 7) }", _table(OAK, BLUSH, 205), "evening", (8, 24, 8), 1, False),
    ("kitchen/pumpkin", "object { Pumpkin(srgb <0.9, 0.42, 0.06>) }", _table(PINE, SAGE, 206), "sun", (0, 20, 7.5), 1, False),
    ("windowsill/small_cactus", "object { Pot(srgb <0.85, 0.85, 0.8>) } object { CactusBody(1.3, 0.75, 14, srgb <0.35, 0.5, 0.3>) translate y*0.8 }", _sill("srgb <0.7, 0.4, 0.35>"), "soft", (-12, 14, 7), 1.2, True),
    ("windowsill/fern", "#local RF = seed(9); object { HousePlant(4, srgb <0.3, 0.4, 0.5>, RF) }", _sill("srgb <0.9, 0.85, 0.7>"), "left", (8, 10, 11), 2.4, True),
    ("windowsill/sunflowers", "object { SunflowerVase(srgb <0.25, 0.4, 0.6>, srgb <0.9, 0.85, 0.7>, 4) }", SILL_WHITE, "sun", (0, 10, 12), 3, True),
    ("living_room/pink_tulips", "object { TulipVase(srgb <0.3, 0.32, 0.35>, srgb <0.7, 0.6, 0.4>, srgb <0.9, 0.45, 0.6>, srgb <0.95, 0.9, 0.9>, 8) }", _table(WHITE, SAGE, 207), "left", (-10, 12, 12), 2.4, True),
    ("living_room/candles", "object { Candle(srgb <0.93, 0.88, 0.75>, 1.6) } object { Candle(srgb <0.93, 0.88, 0.75>, 1) translate <1, 0, 0.4> } object { Candle(srgb <0.65, 0.15, 0.12>, 2.1) translate <-0.9, 0, 0.5> }", _table(WALNUT, SAGE, 208), "evening", (5, 14, 7), 1.2, False),
    ("living_room/red_armchair", "object { Armchair(srgb <0.6, 0.12, 0.12>, srgb <0.7, 0.5, 0.3>) rotate y*-25 }", _floor(CREAM, "srgb <0.25, 0.35, 0.3>", 209), "soft", (0, 14, 21), 4, False),
    ("living_room/wooden_chair", "object { WoodChair(srgb <0.62, 0.4, 0.22>) rotate y*35 }", _floor(BLUE, "srgb <0.6, 0.5, 0.35>", 210), "left", (0, 16, 19), 4, True),
    ("living_room/white_chair", "object { WoodChair(srgb <0.85, 0.84, 0.8>) rotate y*-30 }", _floor(SAGE, "srgb <0.3, 0.3, 0.45>", 211), "sun", (0, 18, 20), 4, True),
    ("living_room/dark_guitar", "object { Guitar(srgb <0.35, 0.12, 0.06>) rotate y*15 }", _floor(BLUSH, "srgb <0.5, 0.45, 0.35>", 212), "left", (0, 10, 20), 5, True),
    ("living_room/sofa", "object { Sofa(srgb <0.3, 0.42, 0.4>, 15) translate z*-2 }", _floor(CREAM, "srgb <0.7, 0.55, 0.3>", 213), "right", (-20, 14, 25), 4, False),
    ("study/angle_lamp", "object { AngleLamp(srgb <0.15, 0.3, 0.25>, 1) translate <-0.6, 0, 0.6> }", _desk(WALNUT, CREAM, 214), "evening", (10, 12, 11), 2.4, True),
    ("study/red_lamp", "object { AngleLamp(srgb <0.75, 0.15, 0.1>, 0) rotate y*150 }", _desk(PINE, BLUE, 215), "left", (-8, 10, 11), 2.4, False),
    ("study/tall_books", "object { BookStack(27, 9) }", _desk(WALNUT, BLUSH, 216), "left", (-18, 14, 9), 1.7, True),
    ("study/brown_camera", "object { OldCamera(srgb <0.4, 0.22, 0.12>) rotate y*20 }", _table(PINE, SAGE, 217), "soft", (0, 22, 7), 0.8, False),
    ("study/old_globe", "object { DeskGlobe(srgb <0.55, 0.42, 0.25>, srgb <0.8, 0.7, 0.5>) }", _desk(OAK, SAGE, 218), "evening", (-10, 12, 9.5), 1.8, True),
    ("study/chess_pieces", "object { ChessPiece(5, texture { WoodY(srgb <0.85, 0.7, 0.48>, 0.3) }) } object { ChessPiece(2, texture { WoodY(srgb <0.25, 0.14, 0.08>, 0.3) }) translate <1.2, 0, 0.5> } object { ChessPiece(0, texture { WoodY(srgb <0.85, 0.7, 0.48>, 0.3) }) translate <-1, 0, 0.3> }", _desk(OAK, BLUE, 219), "left", (0, 12, 6.5), 1.1, False),
    ("study/dice", "object { Dice(srgb <0.75, 0.08, 0.08>) rotate y*25 } object { Dice(srgb <0.9, 0.88, 0.8>) rotate y*-20 translate <1.4, 0, 0.5> }", _table(WALNUT, SAGE, 220), "sun", (0, 25, 4.5), 0.4, False),
    ("playroom/rubber_duck", "object { Duck(srgb <0.97, 0.78, 0.1>) rotate y*40 }", _table(WHITE, BLUE, 221), "left", (0, 14, 6.8), 1.2, False),
    ("playroom/red_toy_car", "object { ToyCar(srgb <0.78, 0.1, 0.08>, srgb 0.9) rotate y*-30 }", _floor(SAGE, "srgb <0.3, 0.35, 0.5>", 222), "left", (0, 18, 8), 0.8, False),
    ("playroom/football", "object { Football() }", _floor(BLUE, "srgb <0.4, 0.5, 0.3>", 223), "sun", (15, 20, 8), 1, False),
    ("playroom/beach_ball", "object { BeachBall(srgb <0.85, 0.12, 0.1>, srgb <0.1, 0.4, 0.7>, srgb <0.95, 0.75, 0.1>) }", _floor(CREAM, "srgb <0.4, 0.6, 0.6>", 224), "soft", (-10, 16, 11), 1.6, False),
    ("playroom/gifts", "object { Gift(srgb <0.2, 0.4, 0.35>, srgb <0.85, 0.7, 0.3>) rotate y*20 } object { Gift(srgb <0.75, 0.15, 0.15>, srgb 0.92) scale 0.7 rotate y*-15 translate <2.3, 0, -0.5> }", _floor(BLUSH, "srgb <0.55, 0.5, 0.45>", 225), "evening", (0, 20, 11), 1.3, False),
    ("bedroom/teal_clock", "object { AlarmClock(srgb <0.25, 0.5, 0.55>, 100, 240) }", _table(OAK, SAGE, 226), "left", (15, 12, 8), 1.4, True),
    ("playroom/grey_bear", "object { TeddySkin(srgb <0.55, 0.53, 0.5>, srgb <0.8, 0.76, 0.7>, Fur) rotate y*20 }", _table(PINE, BLUE, 227), "soft", (0, 12, 11), 1.8, True),
    ("kitchen/white_radio", "object { Radio(srgb <0.85, 0.8, 0.68>) }", _table(OAK, BLUE, 228), "left", (15, 14, 9), 1.2, False),
)
# fmt: on


def _singles() -> list[Picture]:
    return [
        Picture(
            path=f"{name}.jpg",
            subject=subject,
            setting=setting,
            light=f"Light_{light}()",
            azimuth=azimuth,
            elevation=elevation,
            distance=distance,
            look=(0.0, height, 0.0),
            angle=32 if portrait else 40,
            size=(450, 600) if portrait else (600, 450),
            aperture=0.02,
        )
        for name, subject, setting, light, (
            azimuth,
            elevation,
            distance,
        ), height, portrait in SINGLES
    ]


def indoor_pictures() -> list[Picture]:
    """Return the groups and distractors that were taken indoors."""
    return [*_groups(), *_singles()]
