"""A gallery whose pictures have dates, cameras, places, copies, ties and strange names."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
from conftest import FakeSource, write_picture
from PIL import Image

from imgsearch.gallery.gallery import Gallery

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 290
CAMERAS = [None, "NIKON D850", "Canon EOS 5D", "Kamera 'Ä' 100%_"]


def make_gallery(folder: Path) -> Gallery:
    """Index pictures enough for a projection, and tell of each what a camera would."""
    photos = folder / "photos"
    for number in range(COUNT):
        write_picture(photos / f"trip{number % 7}" / f"{number:03}.png", seed=number)
    # The same bytes twice, and the same pixels in other bytes, whose scores are equal.
    (photos / "trip0/again.png").write_bytes((photos / "trip0/000.png").read_bytes())
    for number in range(5):
        tied = Image.open(photos / f"trip{number}" / f"{number:03}.png")
        tied.save(photos / f"trip{number}" / f"tie{number}.bmp")
        tied.resize((48, 48), Image.Resampling.NEAREST).save(photos / f"tie{number}.bmp")
    (photos / "trip1/001.png").rename(photos / os.fsdecode(b"trip1/caf\xe9 %'.png"))
    (folder / "more").mkdir()
    write_picture(folder / "more/one.png", seed=1000)
    gallery = Gallery(folder / "collection.gallery", source=FakeSource())
    gallery.index(photos, folder / "more")
    retell(gallery)
    return gallery


def retell(gallery: Gallery) -> None:
    """Write what cameras would have told into the gallery's rows."""
    drawn = np.random.default_rng(5)
    with sqlite3.connect(gallery.path / "gallery.db") as connection:
        for (content_id,) in connection.execute("SELECT id FROM content ORDER BY hash").fetchall():
            day = int(drawn.integers(0, 700))
            camera = CAMERAS[drawn.integers(len(CAMERAS))]
            placed = drawn.random() < 0.5
            connection.execute(
                "UPDATE content SET taken = ?, camera = ?, lens = ?, latitude = ?, longitude = ?, "
                "width = ? WHERE id = ?",
                (
                    f"20{20 + day // 300}-{day % 12 + 1:02}-{day % 28 + 1:02}T12:00:00"
                    if day % 5
                    else None,
                    camera,
                    "50 mm" if camera and day % 2 else None,
                    48.0 + drawn.random() if placed else None,
                    -2.0 + drawn.random() if placed else None,
                    int(drawn.integers(100, 5000)),
                    content_id,
                ),
            )
    connection.close()
    gallery.close()
