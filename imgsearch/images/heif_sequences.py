"""The first frame of a HEIF sequence as a still HEIF, which is what libheif's bindings read.

ISO/IEC 14496-12, sections 8.3 to 8.7, for tracks; ISO/IEC 23008-12 for items. Depends on nothing
that decodes; a track's own matrix is not obeyed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from imgsearch.images import boxes

if TYPE_CHECKING:
    from imgsearch.images.boxes import Box

_SAMPLES: Final = "mdia/minf/stbl"
_ENTRY: Final = b"hvc1"
# Of a VisualSampleEntry: where its size stands, and where the boxes within it begin.
_SIZE_OFFSET: Final = 24
_INNER_OFFSET: Final = 78


def first_frame(data: bytes) -> bytes | None:
    """Return a still HEIF of a sequence's first frame, None where there is no HEVC track."""
    moov = boxes.first(data, "moov")
    if moov is None:
        return None
    for track in boxes.boxes(data, moov.start, moov.end):
        if track.kind == b"trak":
            try:
                still = _still(data, track)
            except (struct.error, IndexError):
                continue
            if still:
                return still
    return None


def _still(data: bytes, track: Box) -> bytes | None:
    def table(name: str) -> int | None:
        found = boxes.first(data, f"{_SAMPLES}/{name}", track.start, track.end)
        return found.start + 4 if found else None

    entries, sizes = table("stsd"), table("stsz")
    short, long = table("stco"), table("co64")
    if entries is None or sizes is None or (short is None and long is None):
        return None
    entry = next(boxes.boxes(data, entries + 4, track.end), None)
    if entry is None or entry.kind != _ENTRY:
        return None
    config = boxes.first(data, "hvcC", entry.start + _INNER_OFFSET, entry.end)
    if config is None:
        return None
    width, height = struct.unpack_from(">HH", data, entry.start + _SIZE_OFFSET)
    (length,) = struct.unpack_from(">L", data, sizes)
    if not length:
        (length,) = struct.unpack_from(">L", data, sizes + 8)
    (start,) = (
        struct.unpack_from(">L", data, short + 4)
        if short is not None
        else struct.unpack_from(">Q", data, (long or 0) + 4)
    )
    frame = data[start : start + length]
    if len(frame) < length:
        return None
    return _container(frame, data[config.start : config.end], width, height)


def _container(frame: bytes, config: bytes, width: int, height: int) -> bytes:
    """Return a HEIF of one item."""
    head = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(offset: int) -> bytes:
        place = struct.pack(">HHHLL", 1, 0, 1, offset, len(frame))
        item = _box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"hvc1\0")
        size = _box(b"ispe", struct.pack(">LLL", 0, width, height))
        return _box(
            b"meta",
            bytes(4),
            _box(b"hdlr", bytes(8), b"pict", bytes(13)),
            _box(b"pitm", struct.pack(">LH", 0, 1)),
            _box(b"iloc", bytes(4), b"\x44\0", struct.pack(">H", 1), place),
            _box(b"iinf", struct.pack(">LH", 0, 1), item),
            _box(
                b"iprp",
                _box(b"ipco", _box(b"hvcC", config), size),
                _box(b"ipma", struct.pack(">LLHB2B", 0, 1, 1, 2, 0x81, 2)),
            ),
        )

    return head + meta(len(head) + len(meta(0)) + 8) + _box(b"mdat", frame)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">L", 8 + len(body)) + kind + body
