"""Whether a file ends before its format says that it does, told without decoding it.

Each function takes the bytes of a file whose format is known, and never raises.
"""

from __future__ import annotations

from typing import Final

from imgsearch.images import boxes
from imgsearch.images.tiff_directories import Tiff

# A file below this length, in bytes, has been cut off in its header.
SHORTEST_HEADER: Final = 32
# TIFF's tags of where strips and tiles lie, and of how long they are.
_DATA: Final = ((273, 279), (324, 325))


def lacks_header(data: bytes) -> bool:
    """Tell whether the file is shorter than any header; all that is asked of most formats.

    Decoders notice by themselves when the pixels' data ends early.
    """
    return len(data) < SHORTEST_HEADER


def riff_ends_early(data: bytes) -> bool:
    """Compare a file with the length in its RIFF header (WebP: RFC 9649, section 2.4)."""
    return int.from_bytes(data[4:8], "little") + 8 > len(data)


def tiff_ends_early(data: bytes) -> bool:
    """Tell whether a TIFF's first directory, or data that it names, lies beyond the end."""
    tiff = Tiff.of(data)
    offset = tiff.first_offset()
    if not 0 <= offset < len(data):
        return True
    directory = tiff.directory(offset)
    for places, counts in _DATA:
        ends = zip(
            tiff.numbers(directory.get(places)), tiff.numbers(directory.get(counts)), strict=False
        )
        if any(start + length > len(data) for start, length in ends):
            return True
    return False


def boxes_end_early(data: bytes) -> bool:
    """Tell whether a box or an item's data lies beyond the end (ISO/IEC 14496-12)."""
    return boxes.reach_beyond(data) or lacks_header(data)


def jpeg2000_ends_early(data: bytes) -> bool:
    """Look for a codestream's end marker (ITU-T T.800, section A.4.4), or add up boxes."""
    if data[:1] == b"\xff":
        return not data.endswith(b"\xff\xd9")
    return boxes_end_early(data)


def raw_ends_early(data: bytes) -> bool:
    """Ask what the maker has built the RAW on: TIFF, boxes (Canon's CR3), or its own format."""
    if data[:2] in {b"II", b"MM"}:
        return tiff_ends_early(data)
    return boxes_end_early(data) if data[4:8] == b"ftyp" else lacks_header(data)


def photoshop_ends_early(data: bytes) -> bool:
    """Follow the lengths of a Photoshop file's sections up to its flattened image."""
    position = 26
    for _ in range(3):
        position += 4 + int.from_bytes(data[position : position + 4], "big")
    return position + 2 > len(data)


def icon_ends_early(data: bytes) -> bool:
    """Tell whether an image that an icon's directory names lies beyond the end."""
    count = int.from_bytes(data[4:6], "little")
    places = range(14, 6 + 16 * count, 16)
    return any(
        int.from_bytes(data[place : place + 4], "little")
        + int.from_bytes(data[place + 4 : place + 8], "little")
        > len(data)
        for place in places
    )
