"""Boxes of ISO base media files (HEIF, AVIF, JPEG 2000, JPEG XL, Canon's CR3), without decoding.

ISO/IEC 14496-12, section 4.2, and ISO/IEC 23008-12 for items and their properties. Nothing here
raises, whatever the bytes are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.images.geometry import Box as Area

# No still image has more boxes on one level; more are a way to keep a reader busy.
MOST_BOXES: Final = 10_000
# The boxes of a file's top level that hold an image, or may stand before one that does.
_TOP_LEVEL: Final = frozenset(
    b"ftyp meta mdat moov moof free skip uuid udta jp2h jp2c jxlc jxlp jxll jbrd Exif brob".split()
)
_SHORTEST: Final = 8
_FULL: Final = 4  # version and flags


@dataclass(frozen=True, slots=True)
class Box:
    """One box.

    Attributes:
        kind: its four-letter type.
        start: where its content begins.
        end: where it says that it ends, which may lie beyond the file.
    """

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes between two offsets; the last one may claim to reach beyond."""
    offset, end = start, len(data) if end is None else min(end, len(data))
    for _ in range(MOST_BOXES):
        if offset + _SHORTEST > end:
            return
        length, header = int.from_bytes(data[offset : offset + 4], "big"), _SHORTEST
        if length == 1:
            length, header = int.from_bytes(data[offset + 8 : offset + 16], "big"), 2 * _SHORTEST
        elif length == 0:
            length = end - offset
        if length < header:
            return
        yield Box(data[offset + 4 : offset + 8], offset + header, offset + length)
        offset += length


def first(data: bytes, path: str, start: int = 0, end: int | None = None) -> Box | None:
    """Return the first box along a path of types such as "meta/iprp/ipco"."""
    found: Box | None = None
    for kind in path.split("/"):
        found = next((box for box in boxes(data, start, end) if box.kind == kind.encode()), None)
        if found is None:
            return None
        start, end = found.start + (_FULL if found.kind == b"meta" else 0), found.end
    return found


def content(data: bytes, kind: str, *, identity: bytes = b"") -> bytes | None:
    """Return what the first top-level box of a type holds, after an identity such as a UUID."""
    for box in boxes(data):
        if box.kind == kind.encode() and data.startswith(identity, box.start):
            return data[box.start + len(identity) : box.end]
    return None


def reach_beyond(data: bytes) -> bool:
    """Tell whether a box, or the data of an item, claims to lie beyond the end of the file."""
    last = max(boxes(data), key=lambda box: box.end, default=None)
    # What follows the last box of a whole file need not be one.
    if last and last.end > len(data) and last.kind in _TOP_LEVEL:
        return True
    try:
        return _end_of_items(data) > len(data)
    except (struct.error, IndexError):
        return False


def reach_beyond_jxl(data: bytes) -> bool:
    """Tell whether a JPEG XL in a container was cut; a bare codestream does not say."""
    return data.startswith(b"\0") and reach_beyond(data)


def _end_of_items(data: bytes) -> int:
    """Return where the data of the last item ends (ISO/IEC 14496-12, section 8.11.3)."""
    iloc = first(data, "meta/iloc")
    if iloc is None or iloc.end > len(data):
        return 0
    version, sizes = data[iloc.start], data[iloc.start + 4 : iloc.start + 6]
    of_offset, of_length, of_base = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    of_index = sizes[1] & 15 if version else 0
    reader = _Numbers(data, iloc.start + 6, iloc.end)
    wide = 4 if version > 1 else 2
    furthest = 0
    for _ in range(reader.take(wide)):
        reader.take(wide)
        method = reader.take(2) & 15 if version else 0
        reader.take(2)
        base = reader.take(of_base)
        for _ in range(reader.take(2)):
            reader.take(of_index)
            offset, length = base + reader.take(of_offset), reader.take(of_length)
            if method == 0:  # counted from the start of the file
                furthest = max(furthest, offset + length)
    return furthest


@dataclass(slots=True)
class _Numbers:
    """Reads big-endian numbers one after the other.

    Attributes:
        data: the file.
        offset: where the next one begins.
        end: `IndexError` is raised for one that lies beyond it.
    """

    data: bytes
    offset: int
    end: int

    def take(self, size: int) -> int:
        """Return the next number of that many bytes; 0 for none."""
        self.offset += size
        if self.offset > self.end:
            raise IndexError
        return int.from_bytes(self.data[self.offset - size : self.offset], "big")


def clean_aperture(data: bytes, size: tuple[int, int]) -> Area | None:
    """Return the part of the primary item that its `clap` property leaves, in stored pixels.

    ISO/IEC 14496-12, section 12.1.4. `None` where there is none, or none that makes sense.
    """
    try:
        place = _property_of_primary(data, b"clap")
        if place is None:
            return None
        figures = struct.unpack_from(">LLLLlLlL", data, place)
        width, height, across, down = (
            Fraction(figures[index], figures[index + 1]) for index in range(0, 8, 2)
        )
    except (struct.error, IndexError, ZeroDivisionError):
        return None
    left = (size[0] - width) / 2 + across
    top = (size[1] - height) / 2 + down
    # libavif asks for whole pixels as well, and shows all of the image otherwise.
    if any(value.denominator != 1 for value in (left, top, width, height)):
        return None
    inside = left >= 0 and top >= 0 and left + width <= size[0] and top + height <= size[1]
    if not inside or width < 1 or height < 1:
        return None
    return float(left), float(top), float(left + width), float(top + height)


def _property_of_primary(data: bytes, kind: bytes) -> int | None:
    """Return where a property of the primary item begins (ISO/IEC 23008-12, section 9.3)."""
    primary, ipco = first(data, "meta/pitm"), first(data, "meta/iprp/ipco")
    ipma = first(data, "meta/iprp/ipma")
    if primary is None or ipco is None or ipma is None:
        return None
    wide = 4 if data[primary.start] else 2
    wanted = _Numbers(data, primary.start + _FULL, primary.end).take(wide)
    properties = list(boxes(data, ipco.start, ipco.end))
    of_item = 4 if data[ipma.start] else 2
    of_index = 2 if data[ipma.start + 3] & 1 else 1
    reader = _Numbers(data, ipma.start + _FULL, ipma.end)
    for _ in range(reader.take(4)):
        item = reader.take(of_item)
        for _ in range(reader.take(1)):
            index = reader.take(of_index) & (0x7FFF if of_index == 2 else 0x7F)  # noqa: PLR2004 - bytes
            if item == wanted and 0 < index <= len(properties):
                found = properties[index - 1]
                if found.kind == kind:
                    return found.start
    return None
