"""The values that queries and listings give: files of the gallery, their copies, matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# x and y of the left upper corner, width and height.
PixelBox = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class FileCopy:
    """Another file with the very same bytes.

    Attributes:
        path: absolute path.
        root: the photo folder that it belongs to.
        offline: whether that folder is absent now.
        hard_link: whether it is a hard link to the match itself, or to a duplicate before it:
            another name of the same bytes on disk.
    """

    path: Path
    root: Path
    offline: bool
    hard_link: bool = False


@dataclass(frozen=True, slots=True)
class GalleryFile:
    """A file of the gallery, with what is known of its content.

    Attributes:
        path: absolute path.
        root: the photo folder that it belongs to.
        content: SHA-256 of its bytes, 64 hexadecimal digits.
        width: pixels, as displayed.
        height: pixels, as displayed.
        format: such as "JPEG".
        bytes: size of the file.
        taken: capture time by the camera's clock, "2024-05-01T12:00:00", or None.
        camera: maker and model, or None.
        lens: its name, or None.
        latitude: degrees, or None.
        longitude: degrees, or None.
        offline: whether its photo folder is absent now.
        duplicates: other files with the same bytes, by path.
    """

    path: Path
    root: Path
    content: str
    width: int
    height: int
    format: str
    bytes: int
    taken: str | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    offline: bool
    duplicates: tuple[FileCopy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(GalleryFile):
    """A file whose image looks like the query, with what `GalleryFile` says of it.

    Attributes:
        rank: 1 for the nearest.
        score: cosine similarity in the space that is searched, rounded to six decimals; 1 is
            the same. Larger is nearer. Equal scores are ordered by path.
        kind: how it is the same as the picture asked about, "identical", "pixels", "copy", "edit"
            or "burst"; None where it is merely similar, or nobody asked (`Gallery.with_kinds`).
        box: which part of the upright image matches, where parts were searched; all of it where
            the whole does. None where wholes were.
    """

    rank: int
    score: float
    kind: str | None = None
    box: PixelBox | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of many queries found.

    Attributes:
        matches: the nearest first.
        reason: why the image could not be read, and then there is no match; or None.
    """

    matches: tuple[Match, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike two images are.

    Attributes:
        score: cosine similarity of the two in the space that queries search, six decimals.
        raw_score: likewise of their embeddings, before any projection.
        same_content: whether their bytes are the same.
        projection: version of the projection, or "none".
    """

    score: float
    raw_score: float
    same_content: bool
    projection: str
