"""Whether a file ends before its format says that it does, told without decoding it.

Each function takes the bytes of a file whose format is known, and never raises.
"""

from __future__ import annotations

from typing import Final

# A file below this length, in bytes, has been cut off in its header.
SHORTEST_HEADER: Final = 32


def lacks_header(data: bytes) -> bool:
    """Tell whether the file is shorter than any header; all that is asked of most formats.

    Decoders notice by themselves when the pixels' data ends early.
    """
    return len(data) < SHORTEST_HEADER


def riff_ends_early(data: bytes) -> bool:
    """Compare a file with the length in its RIFF header (WebP: RFC 9649, section 2.4)."""
    return int.from_bytes(data[4:8], "little") + 8 > len(data)


def tiff_ends_early(data: bytes) -> bool:
    """Tell whether a TIFF's first directory lies beyond the end (TIFF 6.0, section 2)."""
    return int.from_bytes(data[4:8], "little" if data[:2] == b"II" else "big") >= len(data)


def boxes_end_early(data: bytes) -> bool:
    """Add up the lengths of a file's boxes (ISO/IEC 14496-12, section 4.2)."""
    offset = 0
    while offset + 8 <= len(data):
        length = int.from_bytes(data[offset : offset + 4], "big")
        if length == 1:
            length = int.from_bytes(data[offset + 8 : offset + 16], "big")
        if length < 8:  # noqa: PLR2004 - shorter than its own header; 0 is "to the end"
            return False
        offset += length
    return offset > len(data) or lacks_header(data)


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
