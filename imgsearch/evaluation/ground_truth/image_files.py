"""The image files of a folder: found once, and referred to by every kind of ground truth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.values import Item
from imgsearch.images import formats
from imgsearch.indexing.scan import ScanRules, UnlistedFolder, walk
from imgsearch.paths import ScannedFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageFiles:
    """All image files beneath a folder, in the order of the walk.

    Attributes:
        root: the folder, absolute.
        names: of every file, its path relative to the root with "/" between the parts.
        sizes: of every file, in bytes.
        items: every file, uncropped and unedited.
        positions: by name, the position in `names`, `sizes` and `items`.
    """

    root: Path
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    items: tuple[Item, ...]
    positions: Mapping[str, int]

    def locate(self, path: str) -> int:
        """Return the position of a file that an annotation names.

        Args:
            path: relative to the root, or absolute and within it.

        Raises:
            UsageError: it is none of these files; the message says why.
        """
        name = self._name(path)
        position = self.positions.get(name)
        if position is not None:
            return position
        if os.path.lexists(self.root / name):
            raise UsageError(
                f"{path!r} is in {self.root}, but is not among its images: it is hidden or "
                "excluded, it has no suffix of an image format, or it is a link that was not "
                "followed"
            )
        raise UsageError(f"{path!r} is not in {self.root}; paths are relative to that folder")

    def _name(self, path: str) -> str:
        plain = PurePath(os.path.normpath(path))
        if not plain.is_absolute():
            return plain.as_posix()
        for root in (self.root, self.root.resolve()):
            if plain.is_relative_to(root):
                return plain.relative_to(root).as_posix()
        raise UsageError(f"{path!r} lies outside of {self.root}; all images must be within it")


def find_image_files(
    root: str | Path, *, exclude: tuple[str, ...] = (), follow_symlinks: bool = False
) -> ImageFiles:
    """Find all image files beneath a folder by their suffixes, without opening any.

    Hidden files and folders are left out, as `imgsearch index` leaves them out.

    Args:
        root: the folder.
        exclude: glob patterns, as for `imgsearch index`.
        follow_symlinks: whether symbolic links are followed.

    Raises:
        UsageError: there is no such folder, a folder beneath it can't be listed, or there is no
            image file.
    """
    folder = paths.absolute(root)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give the one that holds the labelled images")
    rules = ScanRules(suffixes=formats.suffixes(), exclude=exclude, follow_symlinks=follow_symlinks)
    names, sizes = [], []
    for found in walk(folder, rules):
        name = os.fsdecode(found.path)
        if not isinstance(found, ScannedFile):
            doing = "listed" if isinstance(found, UnlistedFolder) else "looked at"
            raise UsageError(
                f"{folder / name} can't be {doing} ({found.reason}); without its images the "
                "figures would differ: make it readable, or exclude it"
            )
        names.append(name)
        sizes.append(found.size)
    if not names:
        raise UsageError(f"{folder} contains no images that are not hidden or excluded")
    return ImageFiles(
        root=folder,
        names=tuple(names),
        sizes=tuple(sizes),
        items=tuple(Item(folder / name) for name in names),
        positions={name: position for position, name in enumerate(names)},
    )
