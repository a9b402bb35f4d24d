"""The lens's name where EXIF's own tag for it is empty: from the maker's note, or from its range.

The layouts of makers' notes are those that ExifTool documents, https://exiftool.org/TagNames/.
Nothing here raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.images.tiff_directories import EXIF_DIRECTORY, Entry, Tiff

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAKE: Final = 271
_MAKER_NOTE: Final = 37500
_LENS_SPECIFICATION: Final = 0xA432
_CANON_LENS: Final = 0x0095
_PANASONIC_LENS: Final = 0x0051
_NIKON_LENS: Final = 0x0084
_OLYMPUS_EQUIPMENT: Final = 0x2010
_OLYMPUS_LENS: Final = 0x0203


def lens_of(block: bytes) -> bytes | str | None:
    """Return the lens's name, or its range such as "18-55mm f/3.5-5.6".

    Args:
        block: a TIFF: EXIF without its "Exif" header, or the bytes of a TIFF or RAW file.
    """
    tiff = Tiff.of(block)
    main = tiff.directory(tiff.first_offset())
    (offset,) = tiff.numbers(main.get(EXIF_DIRECTORY), most=1) or (0,)
    details = tiff.directory(offset) if offset else {}
    note = details.get(_MAKER_NOTE)
    name = _in_note(tiff, note, tiff.text(main.get(_MAKE)) or b"") if note else None
    return name or _range(tiff, details.get(_LENS_SPECIFICATION))


def _in_note(tiff: Tiff, note: Entry, make: bytes) -> bytes | str | None:
    head = tiff.data[note.place : note.place + 12]
    if make.startswith(b"Canon"):
        return tiff.text(tiff.directory(note.place).get(_CANON_LENS))
    if head.startswith(b"Panasonic"):
        return tiff.text(tiff.directory(note.place + 12).get(_PANASONIC_LENS))
    if head.startswith(b"Nikon\0\2"):
        inner = Tiff.of(tiff.data[note.place + 10 : note.place + note.length])
        return _range(inner, inner.directory(inner.first_offset()).get(_NIKON_LENS))
    if head.startswith((b"OLYMPUS\0", b"OM SYSTEM\0")):
        return _olympus(Tiff.of(tiff.data[note.place : note.place + note.length]), head)
    return None


def _olympus(note: Tiff, head: bytes) -> bytes | None:
    start = 12 if head.startswith(b"OLYMPUS") else 16
    inner = Tiff(note.data, "<" if note.data[start - 4 : start - 2] == b"II" else ">", big=False)
    equipment: Mapping[int, Entry] = {}
    entry = inner.directory(start).get(_OLYMPUS_EQUIPMENT)
    if entry:
        places = inner.numbers(entry, most=1)
        equipment = inner.directory(places[0] if places else entry.place)
    return inner.text(equipment.get(_OLYMPUS_LENS))


def _range(tiff: Tiff, entry: Entry | None) -> str | None:
    """Return shortest and longest focal length with their widest apertures, in words."""
    values = tiff.rationals(entry)
    if len(values) != 4 or not 0 < values[0] <= values[1] < 10_000:  # noqa: PLR2004 - such figures
        return None
    short, long, wide, narrow = (f"{value:g}" for value in values)
    focal = short if short == long else f"{short}-{long}"
    if not values[2]:
        return f"{focal}mm"
    return f"{focal}mm f/{wide}" + (f"-{narrow}" if narrow not in {wide, "0"} else "")
