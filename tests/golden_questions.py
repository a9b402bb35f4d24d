"""What golden galleries are asked, by the command line and by calls of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from golden_galleries import ADDED, BEACH, GOLDEN, HOME, MANY, PROJECTED, REAL, SMALL
from golden_pictures import Photo

from imgsearch import CropBox, Expansion, Filters, Near

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imgsearch import Gallery

    Arguments = tuple[str, ...]
    Call = Callable[[Gallery, Path], Any]

OUTSIDE = Photo("outside.png", 9000, (48, 32))


def query(*arguments: str) -> Arguments:
    """Return the arguments of a query that is answered with a document."""
    return ("query", *arguments, "--json")


def place(photo: Photo) -> str:
    """Return a picture's path, with `/golden` for the folder of all roots."""
    return f"{HOME}/{photo.path}"


_EXPORT = ("export", f"{HOME}/export", "--json")
_EVERY: dict[str, Arguments] = {
    "info": ("info", "--json"),
    "unreadable": ("info", "--unreadable", "--json"),
    "check": ("check", "--json"),
    "export": _EXPORT,
}
_BEACH, _HARBOUR, _CAT = (place(SMALL[n]) for n in (0, 2, 5))
_NOT_UTF8 = place(SMALL[8])
_EXACT: dict[str, Arguments] = {
    **_EVERY,
    "export of the second recipe": (*_EXPORT, "--recipe", "fake-2"),
    "nearest": query(_CAT, "-k", "20"),
    "nearest to one that has a copy": query(_BEACH, "-k", "2"),
    "nearest to several": query(_BEACH, _CAT, "-k", "3"),
    "nearest to a name that is not UTF-8": query(_NOT_UTF8, "-k", "2", "--include-self"),
    "with itself": query(_BEACH, "-k", "2", "--include-self"),
    "every file": query(_BEACH, "-k", "2", "--include-self", "--all-files"),
    "under": query(_BEACH, "--under", f"{HOME}/photos/home"),
    "under one of two": query(
        _CAT, "--under", f"{HOME}/archive/1998", "--under", f"{HOME}/photos/trip"
    ),
    "after": query(_CAT, "--after", "2024-01-15T23:59"),
    "before": query(_CAT, "--before", "2023-07-01T18:30"),
    "between": query(_CAT, "--after", "2023", "--before", "2024"),
    "camera": query(_CAT, "--camera", "IPHONE"),
    "near": query(_CAT, "--near", "48.8566,2.3522,5"),
    "near enough": query(_CAT, "--near", "48.8566,2.3522,50"),
    "wide": query(_CAT, "--min-width", "32"),
    "high": query(_CAT, "--min-height", "17"),
    "format": query(_CAT, "--format", "tif"),
    "one of two formats": query(_CAT, "--format", "ppm", "--format", "PNG", "-k", "4"),
    "several filters": query(
        _CAT, "--under", f"{HOME}/photos", "--camera", "canon", "--min-width", "17"
    ),
    "least score": query(_CAT, "--min-score", "0.7"),
    "minus": query(_BEACH, _CAT, "--minus", _HARBOUR, "-k", "3"),
    "expanded": query(_CAT, "--expand", "3", "-k", "4"),
    "expanded by another power": query(
        _CAT, "--expand", "2:1.5", "-k", "3", "--format", "png", "--include-self"
    ),
    "second recipe": query(_CAT, "--recipe", "fake-2", "-k", "3"),
    "second recipe by its identifier": query(_CAT, "--recipe", "8d2a4c78", "-k", "1"),
    "centred": query(_CAT, "--projection", "centred", "-k", "3"),
    "each": query("--each", _BEACH, _CAT, "-k", "1"),
    "lines": ("query", _BEACH, "-k", "2", "--jsonl"),
    "comma-separated": ("query", _NOT_UTF8, "-k", "12", "--csv"),
    "paths": ("query", _BEACH, "-k", "12", "--paths"),
    "exact paths": ("query", _BEACH, "-k", "12", "--paths", "-0"),
}
_ONE, _TWO, _THREE = (place(photo) for photo in PROJECTED[10:13])
_PROJECTED: dict[str, Arguments] = {
    **_EVERY,
    "nearest": query(_ONE, "-k", "6"),
    "nearest to several": query(_ONE, _TWO, "-k", "3"),
    "under": query(_ONE, "--under", f"{HOME}/photos/2", "-k", "3"),
    "least score": query(_ONE, "--min-score", "0.3"),
    "minus": query(_ONE, "--minus", _TWO, "--minus", _THREE, "-k", "3"),
    "expanded": query(_ONE, "--expand", "5", "-k", "3"),
    "without projection": query(_ONE, "--projection", "none", "-k", "3"),
    "another projection": query(_ONE, "--projection", "24:0.25", "-k", "3"),
}
_OLD, _NEW = place(MANY[20]), place(ADDED[2])
_APPROXIMATE: dict[str, Arguments] = {
    **_EVERY,
    "nearest": query(_OLD, "-k", "6"),
    "nearest to a new one": query(_NEW, "-k", "6"),
    "among the new": query(_OLD, "--under", f"{HOME}/photos/new", "-k", "3"),
    "format": query(_OLD, "--format", "ppm", "-k", "3"),
    "minus": query(_OLD, "--minus", _NEW, "-k", "3"),
    "expanded": query(_NEW, "--expand", "4", "-k", "3"),
    "exactly": query(_OLD, "--projection", "none", "-k", "3"),
}
_REAL = place(REAL[3])
_COMPACT: dict[str, Arguments] = {
    **_EVERY,
    "index": ("index", "--offline", "--json"),
    "nearest": query(_REAL, "-k", "4"),
    "second recipe": query(_REAL, "--recipe", "5e11ccf9", "-k", "4"),
    "outside": query(f"{HOME}/outside.png", "-k", "3", "--offline"),
    "a part": query(_REAL, "--crop", "10%,20%,50%,50%", "-k", "3", "--offline"),
    "embedded again": query(
        _REAL, "--crop", "0%,0%,100%,100%", "-k", "1", "--include-self", "--offline"
    ),
    "outside under the second recipe": query(
        f"{HOME}/outside.png", "--recipe", "5e11ccf9", "-k", "3", "--offline"
    ),
}
NEEDS_NETWORK = {
    "outside", "a part", "embedded again", "outside under the second recipe",
    "nearest to the added",
}  # fmt: skip
COMMANDS = {
    "exact": _EXACT,
    "projected": _PROJECTED,
    "lists": _APPROXIMATE,
    "refined": _APPROXIMATE,
    "compact": _COMPACT,
}

_BYTES = OUTSIDE.encoded()
# What the fake backbone must embed, so that a command line without it has no answer.
_EMBEDDED: dict[str, Call] = {
    "bytes": lambda gallery, _: gallery.query(_BYTES, k=3),
    "a file outside": lambda gallery, base: gallery.query(base / OUTSIDE.path, k=3),
    "minus bytes": lambda gallery, base: gallery.query(_first(gallery, base), minus=[_BYTES], k=3),
    "a part": lambda gallery, base: gallery.query(
        _first(gallery, base), crop=CropBox.parse("0%,0%,50%,75%"), k=3
    ),
    "expanded": lambda gallery, _: gallery.query(_BYTES, expand=Expansion(3, 2), k=3),
}
CALLS: dict[str, dict[str, Call]] = {
    "exact": {
        **_EMBEDDED,
        "stored bytes": lambda gallery, _: gallery.query(BEACH.encoded(), k=2),
        "filtered": lambda gallery, base: gallery.query(
            _BYTES,
            where=Filters(
                under=(base / "photos",),
                after="2023",
                before="2024-06",
                camera="canon",
                near=Near(48.85, 2.3, 40),
                min_width=16,
                min_height=16,
                formats=("png",),
            ),
        ),
        "least score": lambda gallery, _: gallery.query(_BYTES, min_score=0.79),
    },
    "projected": _EMBEDDED,
    "lists": _EMBEDDED,
    "refined": _EMBEDDED,
    "compact": {
        "stored bytes": lambda gallery, _: gallery.query(REAL[3].encoded(), k=2),
        "bytes": lambda gallery, _: gallery.query(_BYTES, k=2),
    },
}


def _first(gallery: Gallery, base: Path) -> Path:
    return base / GOLDEN[gallery.path.stem].photos[3].path
