"""Telling copies of a file from other names of the very same file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imgsearch.paths import Listings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.search.matches import FileCopy, GalleryFile


def other_files(file: GalleryFile) -> tuple[FileCopy, ...]:
    """Return a file's duplicates as they are on disk now.

    One that only is another way to the file itself, or to a duplicate's, is left out: through
    a symbolic link, a second mount, or a file system that ignores case. Hard links are marked.
    """
    if not file.duplicates:
        return ()
    known = _Known()
    if not file.offline:
        known.meet(file.path)
    copies = []
    for copy in file.duplicates:
        met = None if copy.offline else known.meet(copy.path)
        if met != "same":
            copies.append(replace(copy, hard_link=met == "link"))
    return tuple(copies)


def names_by_file(files: Iterable[GalleryFile]) -> list[list[GalleryFile]]:
    """Return files of one content by the file on disk that they are names of.

    Hard links, a symbolic link and what it leads to, and two spellings on a file system that
    ignores case are names of one file; so are two ways there through mounts. A file that is not
    there is one by itself.
    """
    found: dict[object, list[GalleryFile]] = {}
    listings = Listings()
    for file in files:
        place = listings.spelled(Path(os.path.realpath(file.path)))
        key: object = place
        if not file.offline:
            try:
                status = place.stat()
            except OSError:
                pass
            else:
                key = (status.st_dev, status.st_ino) if status.st_ino else place
        found.setdefault(key, []).append(file)
    return list(found.values())


class _Known:
    """The files met so far, by their one true name and by their number on the device."""

    def __init__(self) -> None:
        self._listings = Listings()
        self._places: set[Path] = set()
        self._numbers: set[tuple[int, int]] = set()

    def meet(self, path: Path) -> Literal["same", "link"] | None:
        """Return whether a file was met by this name, or by another one; note it."""
        place = self._listings.spelled(Path(os.path.realpath(path)))
        if place in self._places:
            return "same"
        self._places.add(place)
        try:
            status = place.stat()
        except OSError:
            return None
        number = (status.st_dev, status.st_ino)
        if not status.st_ino or number not in self._numbers:
            self._numbers.add(number)
            return None
        return "link" if status.st_nlink > 1 else "same"
