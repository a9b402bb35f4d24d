"""Files that belong to a file of a group without being the same: told, and kept together.

They are known by their names: a RAW beside its JPEG, a live photo's film, an edit that a program
saved beside its original.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.duplicates.groups import Companion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.duplicates.groups import Group
    from imgsearch.search.matches import GalleryFile

_RAW: Final = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq",
    ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2",
    ".rwl", ".sr2", ".srf", ".srw", ".x3f",
})  # fmt: skip
_FILMS: Final = frozenset({".mov", ".mp4"})
_SIDECARS: Final = frozenset({".xmp", ".aae", ".thm"})
_STILLS: Final = frozenset({".jpg", ".jpeg", ".heic", ".heif", ".png", ".tif", ".tiff", ".webp"})
# What programs put behind the name of the picture that they edited.
_EDITED: Final = re.compile(r"(.+?)(?:[-_ ]+\(?|\()(?:edited|edit|bearbeitet|modifié|editado)\)?")
# A phone's own name for what was edited on it: IMG_E0123 beside IMG_0123.
_PHONE_EDIT: Final = re.compile(r"(img_)e(\d+)")


def relation(file: Path, other: Path) -> str | None:
    """Return, in words, why the second file is a companion of the first; None if it is none.

    Args:
        file: absolute path.
        other: absolute path, in the same folder if it is a companion.
    """
    if file.parent != other.parent or file == other:
        return None
    name, others = file.stem.casefold(), other.stem.casefold()
    kind, others_kind = file.suffix.lower(), other.suffix.lower()
    if others_kind in _SIDECARS and others in (name, file.name.casefold()):
        return "sidecar of the same name"
    if name == others:
        return _of_the_same_name(kind, others_kind)
    if {kind, others_kind} <= _STILLS | _RAW:
        if _original(others) == name:
            return "edited version, by its name"
        if _original(name) == others:
            return "original of an edited version, by its name"
    return None


def _of_the_same_name(kind: str, others_kind: str) -> str | None:
    if others_kind in _RAW and kind not in _RAW:
        return "RAW of the same name"
    if kind in _RAW and others_kind in _STILLS:
        return "picture of the same name beside the RAW"
    return "film of the same name" if others_kind in _FILMS and kind in _STILLS else None


def are_companions(one: GalleryFile, other: GalleryFile) -> bool:
    """Whether a file of one content is a companion of a file of another."""
    places = [other.path, *(copy.path for copy in other.duplicates)]
    return any(
        relation(path, place) is not None
        for path in (one.path, *(copy.path for copy in one.duplicates))
        for place in places
    )


class Companions:
    """Looks for companions on disk; each folder is listed once."""

    def __init__(self) -> None:
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def of(self, group: Group) -> tuple[Companion, ...]:
        """Return the companions of all files of a group, by path."""
        files = [group.keeper, *(member.file for member in group.members)]
        known = {file.path for file in files}
        found = {
            companion.path: companion
            for file in files
            if not file.offline
            for companion in self._beside(file.path)
            if companion.path not in known
        }
        return tuple(found[path] for path in sorted(found, key=paths.encode))

    def _beside(self, path: Path) -> Iterator[Companion]:
        names = self._names(path.parent)
        stem = path.stem.casefold()
        for key in {stem, _original(stem)}:
            for name in names.get(key or "", ()):
                reason = relation(path, path.parent / name)
                if reason is not None:
                    yield Companion(path=path.parent / name, of=path, reason=reason)

    def _names(self, folder: Path) -> dict[str, list[str]]:
        """Return the names in a folder by their stems, and by the stems of their originals."""
        if folder not in self._listed:
            found: dict[str, list[str]] = {}
            try:
                with os.scandir(folder) as entries:
                    listed = sorted(entry.name for entry in entries)
            except OSError:
                listed = []
            for name in listed:
                stem = Path(name).stem.casefold()
                # A sidecar may be named "picture.jpg.xmp".
                for key in {stem, Path(stem).stem, _original(stem) or stem}:
                    found.setdefault(key, []).append(name)
            self._listed[folder] = found
        return self._listed[folder]


def _original(stem: str) -> str | None:
    """Return the stem of the picture that one of this stem was edited from, or None."""
    phone = _PHONE_EDIT.fullmatch(stem)
    if phone is not None:
        return phone[1] + phone[2]
    edited = _EDITED.fullmatch(stem)
    return None if edited is None else edited[1]
