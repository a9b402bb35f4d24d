"""What a file holds before its pixels' data, bounded before Pillow reads it.

Pillow's classes read all of it as they open a file: text, comments and EXIF, segment by segment,
some of it in a time that grows with the square of its length. Each function takes the bytes of a
whole file and returns bytes that show the same image and open at once: the file itself, unless it
holds what is damaged or too much. Pixels are never touched.

Raises `UnreadableImageError` where there is more than any program writes.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final

from imgsearch.errors import UnreadableImageError
from imgsearch.images import boxes
from imgsearch.images.tiff_directories import asks_too_much

# Cameras write tens of segments and some hundred kilobytes; extended XMP with a depth map, ten
# megabytes. Beyond this only what shows the image and its EXIF is kept.
MOST_PREAMBLE: Final = 32 << 20
MOST_EXIF: Final = 1 << 20
MOST_SEGMENTS: Final = 10_000
# Pillow refuses compressed text that becomes longer than this.
MOST_TEXT: Final = 1 << 20
MOST_TEXTS: Final = 100
MOST_BLOCKS: Final = 2_000_000
MOST_COMMENT: Final = 64 << 10

# Those without a length, and those that Pillow takes for such.
_ALONE: Final = frozenset({0, 1, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
_MARKER: Final = re.compile(rb"\xff[^\xff]", re.DOTALL)
_START_OF_SCAN: Final = 0xDA
_APP1: Final = 0xE1
_KEPT_BEYOND: Final = (b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe")
_PNG_SIGNATURE: Final = 8
_TEXT: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# Frames beyond the first, whose order Pillow checks before it shows any.
_ANIMATION: Final = frozenset({b"acTL", b"fcTL", b"fdAT"})
_NETPBM_HEADER: Final = 64 << 10


def of_jpeg(data: bytes) -> bytes:
    """Leave out application segments and comments where there are too many bytes of them."""
    segments = _jpeg_segments(data)
    exif = sum(end - start for start, end, marker in segments if _is_exif(data, start, marker))
    if exif <= MOST_EXIF and sum(end - start for start, end, _ in segments) <= MOST_PREAMBLE:
        return data
    kept, left = [data[:2]], MOST_PREAMBLE
    seen_exif = False
    for start, end, marker in segments:
        is_exif = _is_exif(data, start, marker)
        describes = 0xE0 <= marker <= 0xEF or marker == 0xFE  # noqa: PLR2004 - APP0 to APP15, COM
        wanted = not describes or data.startswith(_KEPT_BEYOND, start + 4)
        if wanted and left >= end - start and not (is_exif and seen_exif):
            kept.append(data[start:end])
            left -= end - start
        seen_exif |= is_exif
    last = segments[-1][1] if segments else 2
    return b"".join([*kept, data[last:]])


def _is_exif(data: bytes, start: int, marker: int) -> bool:
    return marker == _APP1 and data.startswith(b"Exif\0\0", start + 4)


def _jpeg_segments(data: bytes) -> list[tuple[int, int, int]]:
    """Return start, end and marker of the segments before the first scan, ITU-T T.81, B.1."""
    segments: list[tuple[int, int, int]] = []
    position, junk = 2, 0
    while found := _MARKER.search(data, position):
        marker = data[found.end() - 1]
        if marker == _START_OF_SCAN:
            break
        junk += found.end() - 2 - position
        position = found.end()
        if marker not in _ALONE:
            position += max(2, int.from_bytes(data[position : position + 2], "big"))
            segments.append((found.end() - 2, position, marker))
        if len(segments) > MOST_SEGMENTS or junk > MOST_EXIF:
            raise UnreadableImageError(
                f"damaged JPEG: more than {MOST_SEGMENTS} segments, or a megabyte of nothing, "
                "before the picture"
            )
    return segments


def of_png(data: bytes) -> bytes:
    """Leave out text, animation, and chunks that are broken and that a reader may do without.

    PNG 1.2, section 3.2; libpng passes over such chunks as well. EXIF that ImageMagick wrote as
    text stays, and so does XMP, of at most a megabyte, as does a colour profile.
    """
    kept: list[tuple[int, int]] = []
    position, others, texts, dropped = _PNG_SIGNATURE, 0, 0, False
    for _ in range(MOST_BLOCKS):
        if position + 12 > len(data):
            break
        (length,) = struct.unpack_from(">L", data, position)
        kind, end = data[position + 4 : position + 8], position + 12 + length
        if end > len(data):
            break
        others += kind != b"IDAT"
        if others > MOST_SEGMENTS:
            break
        texts += kind in _TEXT
        if kind != b"IDAT" and (
            (kind in _TEXT and texts > MOST_TEXTS) or not _is_wanted(data, position, end, kind)
        ):
            dropped = True
        elif kept and kept[-1][1] == position:
            kept[-1] = (kept[-1][0], end)
        else:
            kept.append((position, end))
        position = end
        if kind == b"IEND":
            break
    else:
        others = MOST_SEGMENTS + 1
    if others > MOST_SEGMENTS:
        raise UnreadableImageError(f"damaged PNG: more than {MOST_SEGMENTS} chunks")
    if not dropped:
        return data
    parts = [data[start:end] for start, end in kept]
    return b"".join([data[:_PNG_SIGNATURE], *parts, data[position:]])


def _is_wanted(data: bytes, start: int, end: int, kind: bytes) -> bool:
    optional = kind[:1].islower()
    if optional and zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(
        data[end - 4 : end], "big"
    ):
        return False
    if kind in _ANIMATION:
        return False
    if kind == b"iCCP":
        return _inflated(data[start + 8 : end - 4], b"zTXt")  # laid out alike
    if kind not in _TEXT:
        return not (kind == b"eXIf" and end - start > MOST_EXIF)
    described = data.startswith((b"Raw profile type ", b"XML:com.adobe.xmp\0"), start + 8)
    return described and end - start <= MOST_TEXT and _inflated(data[start + 8 : end - 4], kind)


def _inflated(text: bytes, kind: bytes) -> bool:
    """Tell whether a chunk's text can be decompressed and stays below a megabyte."""
    _, _, rest = text.partition(b"\0")
    if kind == b"iTXt":
        compressed = rest[:1] == b"\1"
        _, _, rest = rest[2:].partition(b"\0")
        _, _, rest = rest.partition(b"\0")
    else:
        compressed, rest = kind == b"zTXt", rest[1:]
    if not compressed:
        return True
    try:
        reader = zlib.decompressobj()
        reader.decompress(rest, MOST_TEXT)
    except zlib.error:
        return False
    return not reader.unconsumed_tail


def of_gif(data: bytes) -> bytes:
    """Leave out the comments and applications' data before the first frame, where they are long.

    GIF89a, sections 15 and 23 to 26.
    """
    if len(data) < 13:  # noqa: PLR2004 - the logical screen descriptor's end
        return data
    start = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    control, position, blocks = b"", start, 0
    while data[position : position + 1] == b"!":
        kind, begin = data[position + 1 : position + 2], position
        position += 2
        while position < len(data) and data[position]:
            position += data[position] + 1
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise UnreadableImageError("damaged GIF: its comments do not end")
        position += 1
        if kind == b"\xf9":
            control = data[begin:position]
    if position - start <= MOST_COMMENT:
        return data
    return data[:start] + control + data[position:]


def of_netpbm(data: bytes) -> bytes:
    """Refuse a header that does not end within 64 kilobytes; Pillow reads it byte by byte."""
    if len(data) > _NETPBM_HEADER and not _NETPBM.match(data, 0, _NETPBM_HEADER):
        raise UnreadableImageError("damaged PPM: its header makes no sense")
    return data


# Three numbers, PBM's two; between them white space and comments.
_NETPBM: Final = re.compile(
    rb"P[1-7fF](?:\s|#[^\r\n]*+[\r\n])++\d++(?:\s|#[^\r\n]*+[\r\n])++-?[\d.]"
)


def of_tiff(data: bytes) -> bytes:
    """Refuse directories of more tags or numbers than an image of 250 megapixels has."""
    if asks_too_much(data):
        raise UnreadableImageError("damaged TIFF: it has more tags than any picture")
    if data.startswith(b"MM\0+"):
        raise UnreadableImageError("not supported: a BigTIFF whose numbers are big-endian")
    return data


def of_jpeg2000(data: bytes) -> bytes:
    """Refuse headers of more boxes, marker segments or bytes than any encoder writes."""
    if data.startswith(b"\xff\x4f"):
        start, end = 0, len(data)
    else:
        header, stream = boxes.first(data, "jp2h"), boxes.first(data, "jp2c")
        if not header or header.end - header.start > MOST_EXIF:
            raise UnreadableImageError("damaged JPEG2000: its header makes no sense")
        start, end = (stream.start, stream.end) if stream else (0, 0)
    position = start + 2
    for _ in range(MOST_SEGMENTS):  # ITU-T T.800, A.2: the main header
        marker = data[position : position + 2]
        if position >= end or marker in {b"\xff\x90", b"\xff\xd9"}:
            return data
        position += 2 + max(2, int.from_bytes(data[position + 2 : position + 4], "big"))
    raise UnreadableImageError("damaged JPEG2000: its header does not end")
