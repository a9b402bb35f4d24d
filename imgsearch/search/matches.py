"""The values that queries take and give: filters, copies, matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
class Match:
    """A picture that looks like the query.

    Attributes:
        rank: 1 for the nearest.
        score: cosine similarity in the space that is searched, rounded to six decimals; 1 is
            the same. Larger is nearer. Equal scores are ordered by path.
        path: absolute path of the file.
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

    rank: int
    score: float
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
