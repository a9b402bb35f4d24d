"""What a sheet says about a file, in words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgsearch.quantities import byte_size

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.search.matches import GalleryFile


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a file.

    Attributes:
        name: of what is known, such as "Taken".
        value: in words; "unknown" where it is not.
        other: what it is of the file that this one is compared with, where that differs, or None.
    """

    name: str
    value: str
    other: str | None = None


def facts(file: GalleryFile, other: GalleryFile | None = None) -> list[Fact]:
    """Return what is known of a picture, and where another one differs.

    Args:
        file: which.
        other: what it is compared with, or None.
    """
    theirs = dict(_known(other)) if other is not None else {}
    return [
        Fact(name, value, theirs[name] if theirs.get(name, value) != value else None)
        for name, value in _known(file)
        if value != "unknown" or theirs.get(name, value) != value
    ]


def _known(file: GalleryFile) -> list[tuple[str, str]]:
    place = None
    if file.latitude is not None and file.longitude is not None:
        place = f"{file.latitude:.4f}, {file.longitude:.4f}"
    return [
        ("Pixels", f"{file.width:,} \N{MULTIPLICATION SIGN} {file.height:,}"),
        ("Bytes", byte_size(file.bytes)),
        ("Format", file.format),
        ("Taken", (file.taken or "unknown").replace("T", " ")),
        ("Camera", file.camera or "unknown"),
        ("Place", place or "unknown"),
    ]


def summary(file: GalleryFile) -> str:
    """Return what matters most of a picture, on one line."""
    known = dict(_known(file))
    taken = (file.taken or "")[:10]
    return " · ".join(part for part in (known["Pixels"], taken, file.camera or "") if part)


def folder_in_root(file: GalleryFile) -> str:
    """Return a file's folder from its photo folder on."""
    if not file.path.is_relative_to(file.root):
        return os.fspath(file.path.parent)
    return os.fspath(file.root.name / file.path.parent.relative_to(file.root))


def link_to(path: Path) -> str | None:
    """Return an address under which a browser on this machine opens a file, or None."""
    return path.as_uri() if path.is_absolute() else None
