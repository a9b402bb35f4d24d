"""Small versions of pictures for a sheet: so many at most, each no larger than it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.errors import ImgsearchError
from imgsearch.explaining.spotlight import spotlight
from imgsearch.images import loading, thumbnails
from imgsearch.sheets.frames import framed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.gallery.explaining import ScoreMap
    from imgsearch.gallery.questioning import Questioning
    from imgsearch.search.matches import GalleryFile, Match

# A tile is at most 320 pixels wide; the rest is for screens of a higher resolution.
LONGEST: Final = 440
# At 10 to 30 kB each, a sheet stays below about twenty megabytes.
MOST_PICTURES: Final = 800
# A query's own picture beside that of a match.
INSET: Final = 160


@dataclass(frozen=True, slots=True)
class Picture:
    """A small version of an image.

    Attributes:
        width: in pixels.
        height: likewise; neither is above `LONGEST`.
        uri: holds the encoded image.
    """

    width: int
    height: int
    uri: str

    @property
    def shape(self) -> int:
        """Width by height in tenths, as far as a row can show it."""
        return min(30, max(5, round(10 * self.width / self.height)))


class Pictures:
    """Makes the pictures of one sheet, as long as there is room."""

    def __init__(self, gallery: Questioning, *, most: int = MOST_PICTURES) -> None:
        self._gallery = gallery
        self.room = most

    def of_content(self, content: str, lit: ScoreMap | None = None) -> Picture | None:
        """Return a picture of the gallery's, or None where no file holds it any more.

        Args:
            content: its hash.
            lit: what of it stays bright; None for all.
        """
        try:
            return self._small(self._gallery.image(content, longest=LONGEST), lit)
        except ImgsearchError:
            return None

    def of_match(self, match: Match) -> Picture | None:
        """Return a match's picture with a frame around the part that matched, if one did."""
        if match.box in (None, (0, 0, match.width, match.height)):
            return self.of_content(match.content)
        try:
            pixels = self._gallery.image(match.content, longest=LONGEST)
            return self._small(framed(pixels, match.box, (match.width, match.height)), None)
        except ImgsearchError:
            return None

    def of_file(self, file: GalleryFile) -> Picture | None:
        """Return a picture that the gallery may hold, or only is asked whether it does."""
        return self.of_content(file.content) or self.of_query(file.path)

    def of_query(
        self, image: Path | bytes, lit: ScoreMap | None = None, *, longest: int = LONGEST
    ) -> Picture | None:
        """Return a picture that was asked about, or None where it cannot be read any more.

        Args:
            image: its path, or its bytes.
            lit: what of it stays bright; None for all.
            longest: of the longer side, in pixels.
        """
        try:
            data = loading.read_file(image) if isinstance(image, Path) else image
            return self._small(loading.display(data, longest=longest), lit)
        except ImgsearchError:
            return None

    def _small(self, pixels: NDArray[np.uint8], lit: ScoreMap | None) -> Picture:
        self.room -= 1
        height, width = pixels.shape[:2]
        if lit is not None:
            scales = (width / lit.size[0], height / lit.size[1]) * 2
            box = tuple(edge * scale for edge, scale in zip(lit.box, scales, strict=True))
            pixels = spotlight(pixels, lit.values, box)
        return Picture(width, height, thumbnails.data_uri(thumbnails.encode(pixels)))
