"""Draw queries.jpg: sample pictures, and beside each what the gallery answers.

    python docs/figures/query.py PICTURE...

The gallery is made anew from sample_data/photos with the small backbone that comes with imgsearch,
and searched as `imgsearch query` does: the figure shows nothing that the program does not.
"""

# ruff: noqa: INP001  # a script beside the document that it illustrates

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from imgsearch import Gallery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch import Match

PHOTOS: Final = Path(__file__).parents[2] / "sample_data" / "photos"
TARGET: Final = Path(__file__).parent / "queries.jpg"
MATCHES: Final = 6
TILE: Final = 200
GAP: Final = 14
QUERY_GAP: Final = 44
CAPTION: Final = 30
INK: Final = (32, 33, 36)
FAINT: Final = (112, 117, 122)


def tile(path: Path) -> Image.Image:
    """Return the middle square of a picture."""
    with Image.open(path) as picture:
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = picture.convert("RGB").crop((left, top, left + side, top + side))
        return square.resize((TILE, TILE), Image.Resampling.LANCZOS)


def draw(rows: Sequence[tuple[Path, Sequence[Match]]]) -> Image.Image:
    """Return a figure with a row for each query: the picture, then its matches and scores."""
    width = TILE + QUERY_GAP + MATCHES * (TILE + GAP)
    height = CAPTION + len(rows) * (TILE + CAPTION + GAP)
    figure = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(figure)
    font = ImageFont.load_default(17)
    pen.text((2, 2), "asked", fill=FAINT, font=font)
    pen.text((TILE + QUERY_GAP + 2, 2), "answered, with scores", fill=FAINT, font=font)
    for row, (query, matches) in enumerate(rows):
        top = CAPTION + row * (TILE + CAPTION + GAP)
        figure.paste(tile(query), (0, top))
        for column, match in enumerate(matches):
            left = TILE + QUERY_GAP + column * (TILE + GAP)
            figure.paste(tile(match.path), (left, top))
            pen.text((left + 2, top + TILE + 5), f"{match.score:.2f}", fill=INK, font=font)
    return figure


def main() -> None:
    """Draw the figure for the pictures named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--backbone", default="compact")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Gallery(Path(folder) / "gallery", recipe=arguments.backbone) as gallery,
    ):
        gallery.index(PHOTOS)
        rows = [(picture, gallery.query(picture, k=MATCHES)) for picture in arguments.pictures]
        draw(rows).save(TARGET, quality=88, optimize=True)


if __name__ == "__main__":
    main()
