"""Draw where pictures and matches agree: `python docs/figures/agreement.py GALLERY PICTURE...`.

A row for each picture: it and its nearest match besides itself, as they are, and dark where nothing
of their score comes from. Needs a gallery that holds the pictures.
"""

# ruff: noqa: INP001  # a script beside the document that it illustrates

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from imgsearch import Gallery
from imgsearch.explaining.spotlight import spotlight

if TYPE_CHECKING:
    from imgsearch.gallery.explaining import ScoreMap

HERE: Final = Path(__file__).resolve().parent
TILE: Final = (300, 225)
GAP: Final = 8


def tiles(path: Path, seen: ScoreMap) -> list[Image.Image]:
    """Return a picture as it is and under its map, cut to one shape."""
    with Image.open(path) as opened:
        whole = opened.convert("RGB")
    scale = max(TILE[0] / whole.width, TILE[1] / whole.height)
    size = round(whole.width * scale), round(whole.height * scale)
    pixels = np.array(whole.resize(size, Image.Resampling.LANCZOS))
    across, down = size[0] / seen.size[0], size[1] / seen.size[1]
    left, top, right, bottom = seen.box
    box = (left * across, top * down, right * across, bottom * down)
    left_edge, top_edge = (size[0] - TILE[0]) // 2, (size[1] - TILE[1]) // 2
    part = slice(top_edge, top_edge + TILE[1]), slice(left_edge, left_edge + TILE[0])
    return [Image.fromarray(each[part]) for each in (pixels, spotlight(pixels, seen.values, box))]


def main() -> None:
    """Run with the arguments of the command line."""
    folder, *pictures = map(Path, sys.argv[1:])
    width, height = TILE
    sheet = Image.new(
        "RGB", (4 * (width + GAP) - GAP, len(pictures) * (height + GAP) - GAP), "white"
    )
    with Gallery(folder) as gallery:
        for row, picture in enumerate(pictures):
            (match,) = gallery.query(picture, k=1)
            found = gallery.explain(picture, match)
            drawn = [*tiles(picture, found.one), *tiles(match.path, found.other)]
            for column, tile in enumerate(drawn):
                sheet.paste(tile, (column * (width + GAP), row * (height + GAP)))
            sys.stdout.write(f"{picture.name} and {match.path.name}: {found.score:.3f}\n")
    sheet.save(HERE / "agreement.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
