"""A small collection of sample photos, with names that would be markup in a careless page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from PIL import Image

SAMPLES: Final = Path(__file__).parents[2] / "sample_data" / "photos"
FOLDERS: Final = ("coast", "village", "playroom", "canal", "winter", "kitchen")

MARKUP: Final = "<img src=x onerror=alert(document.title)>"
# A file's name cannot hold a slash, so no element in it is ever closed.
HOSTILE_FOLDER: Final = f"folder {MARKUP}"
HOSTILE_FILE: Final = f"file {MARKUP}.jpg"
HOSTILE_BROKEN: Final = f"broken {MARKUP}.jpg"
HOSTILE_CAMERA: Final = f"camera {MARKUP}"
HOSTILE_LENS: Final = f"lens {MARKUP}"
_MODEL: Final = 0x0110
_EXIF: Final = 0x8769
_LENS_MODEL: Final = 0xA434


def write_collection(folder: Path) -> Path:
    """Copy sample photos into a folder, and add hostile, broken and doubled files."""
    for name in FOLDERS:
        shutil.copytree(SAMPLES / name, folder / name)
    hostile = folder / HOSTILE_FOLDER
    hostile.mkdir()
    write_hostile(hostile / HOSTILE_FILE)
    (hostile / HOSTILE_BROKEN).write_bytes(b"\xff\xd8\xff\xe0 this is no JPEG")
    for original in ("coast/lighthouse_1.jpg", "playroom/teddy_bear_1.jpg"):
        shutil.copy(folder / original, hostile / f"copy of {Path(original).name}")
    return folder


def write_hostile(path: Path) -> None:
    """Write a picture whose camera and lens are markup."""
    exif = Image.Exif()
    exif[_MODEL] = HOSTILE_CAMERA
    exif.get_ifd(_EXIF)[_LENS_MODEL] = HOSTILE_LENS
    Image.effect_mandelbrot((120, 90), (-3, -2.5, 2, 2.5), 50).convert("RGB").save(path, exif=exif)


def write_drive(folder: Path) -> Path:
    """Copy a few sample photos into a folder that is taken away later, as a drive is."""
    shutil.copytree(SAMPLES / "desert", folder)
    return folder
