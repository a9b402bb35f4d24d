"""Directories of TIFF and BigTIFF, and of the EXIF and RAW that are built on them.

TIFF 6.0, section 2; BigTIFF as libtiff defines it (offsets and counts of 8 bytes). Nothing here
raises, whatever the bytes are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

EXIF_DIRECTORY: Final = 34665
GPS_DIRECTORY: Final = 34853
SUB_DIRECTORIES: Final = 330

# More values than this, text and bytes aside, no tag of an image of 250 megapixels has, not even
# the offsets of its tiles.
MOST_NUMBERS: Final = 2_000_000
MOST_TAGS: Final = 4096
MOST_DIRECTORIES: Final = 16
_LONG: Final = 4
_RATIONAL: Final = 5
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES_OF_BIG: Final = {13: 4, 16: 8, 17: 8, 18: 8}
_BYTES_AND_TEXT: Final = frozenset({1, 2, 6, 7})
_NUMBERS: Final = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag of a directory.

    Attributes:
        kind: TIFF's number of its type.
        count: how many values it has.
        place: where the first of them lies.
        length: bytes that they take; 0 for a type that is not known.
    """

    kind: int
    count: int
    place: int
    length: int


@dataclass(frozen=True, slots=True)
class Tiff:
    """The header of a TIFF.

    Attributes:
        data: the bytes of the whole file or block.
        order: "<" or ">", as `struct` has it.
        big: whether it is a BigTIFF.
    """

    data: bytes
    order: str
    big: bool

    @classmethod
    def of(cls, data: bytes) -> Tiff:
        """Read the header, whatever its magic number is; makers of cameras have their own."""
        order = "<" if data[:2] == b"II" else ">"
        return cls(data, order, data[2:4] in {b"+\0", b"\0+"})

    def first_offset(self) -> int:
        """Return where the first directory lies, -1 if the header ends before it says so."""
        try:
            return int(
                struct.unpack_from(
                    f"{self.order}{'Q' if self.big else 'L'}", self.data, 8 if self.big else 4
                )[0]
            )
        except struct.error:
            return -1

    def count(self, offset: int) -> int:
        """Return how many tags the directory there says that it has."""
        size = 8 if self.big else 2
        order: Literal["little", "big"] = "little" if self.order == "<" else "big"
        return int.from_bytes(self.data[offset : offset + size], order)

    def directory(self, offset: int) -> dict[int, Entry]:
        """Return the tags of the directory that lies there, as many as the file holds."""
        row, field = ("HHQQ", 8) if self.big else ("HHLL", 4)
        start, size = offset + (8 if self.big else 2), 4 + 2 * field
        entries: dict[int, Entry] = {}
        try:
            for place in range(start, start + size * min(self.count(offset), MOST_TAGS + 1), size):
                tag, kind, number, value = struct.unpack_from(
                    f"{self.order}{row}", self.data, place
                )
                length = number * (_SIZES.get(kind) or _SIZES_OF_BIG.get(kind, 0))
                where = place + size - field if length <= field else value
                entries.setdefault(tag, Entry(kind, number, where, length))
        except (struct.error, OverflowError):
            pass  # what was read before the end stays
        return entries

    def numbers(self, entry: Entry | None, *, most: int = MOST_NUMBERS) -> tuple[int, ...]:
        """Return the first whole numbers of a tag, none where it has others or they are missing."""
        code = _NUMBERS.get(entry.kind) if entry else None
        if entry is None or code is None:
            return ()
        count = min(entry.count, most)
        try:
            return struct.unpack_from(f"{self.order}{count}{code}", self.data, entry.place)
        except (struct.error, OverflowError):
            return ()

    def rationals(self, entry: Entry | None, *, most: int = 8) -> list[float]:
        """Return the quotients of a tag of unsigned rationals, 0 for those divided by 0."""
        if entry is None or entry.kind != _RATIONAL:
            return []
        pairs = self.numbers(Entry(_LONG, 2 * min(entry.count, most), entry.place, 0))
        return [
            above / below if below else 0.0
            for above, below in zip(pairs[::2], pairs[1::2], strict=True)
        ]

    def text(self, entry: Entry | None) -> bytes | None:
        """Return the bytes of a tag of text or bytes."""
        if entry is None or entry.kind not in _BYTES_AND_TEXT:
            return None
        return self.data[entry.place : entry.place + entry.length]

    def directories(self) -> Iterator[dict[int, Entry]]:
        """Yield the first directory and those beneath it: EXIF, GPS, sub-directories."""
        pending = [self.first_offset()]
        for _ in range(MOST_DIRECTORIES):
            if not pending:
                return
            offset = pending.pop(0)
            if not 0 < offset < len(self.data):
                continue
            found = self.directory(offset)
            yield found
            for tag in (SUB_DIRECTORIES, EXIF_DIRECTORY, GPS_DIRECTORY):
                pending += self.numbers(found.get(tag), most=8)


def asks_too_much(data: bytes) -> bool:
    """Tell whether the first directories hold more tags or numbers than any image's do.

    Pillow reads each of them; one file can name millions. What lies beyond the end costs nothing.
    """
    tiff = Tiff.of(data)
    offset = tiff.first_offset()
    if min(tiff.count(offset), (len(data) - offset) // 12) > MOST_TAGS:
        return True
    return any(
        entry.count > MOST_NUMBERS
        and entry.length <= len(data)
        and entry.kind not in _BYTES_AND_TEXT
        for directory in tiff.directories()
        for entry in directory.values()
    )
