"""What a file's bytes are, told by how they begin; its name counts for nothing.

A camera's RAW is told apart from the TIFF that it is built upon, and AVIF, HEIF and Canon's CR3
from each other. Whatever else is common among photographs is recognised well enough to be named.
"""

from __future__ import annotations

import re
import struct
from typing import Final

_MAGIC: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"IIU\0", "RAW"),  # Panasonic
    (b"IIRO", "RAW"),  # Olympus
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"\0MRM", "RAW"),  # Minolta
    (b"FOVb", "RAW"),  # Sigma
)
_NETPBM: Final = re.compile(rb"P(?:[1-6]|[fF])\s+[\d#]")
# "BM" begins many a text; the length of the header that follows makes it a bitmap.
_BITMAP: Final = re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)
_HEIF_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
)
_OTHER_KINDS: Final = (
    (re.compile(rb"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE), "a web page (HTML)"),
    (re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<svg", re.DOTALL), "an SVG drawing"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "PostScript, which is never run"),
    (re.compile(rb"8BPS"), "a Photoshop document"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL, which is not supported"),
    (re.compile(rb"....ftyp|RIFF....AVI |\x1aE\xdf\xa3", re.DOTALL), "a video"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf"), "an archive"),
    (re.compile(rb"\0{64}"), "nothing but zero bytes at its start"),
)

# TIFF's tags and types.
_PHOTOMETRIC: Final = 262
_SUB_DIRECTORIES: Final = 330
_DNG_VERSION: Final = 50706
_SHORT: Final = 3
# A colour filter array, and linear raw.
_RAW_PHOTOMETRICS: Final = (32803, 34892)


def identify(data: bytes) -> str | None:
    """Tell a file's format by its first bytes, `None` where it is none that is read.

    Returns:
        "JPEG", "PNG", "GIF", "TIFF", "JPEG2000", "WEBP", "BMP", "PPM", "AVIF", "HEIF" or "RAW".
    """
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return "RAW" if kind == "TIFF" and _is_raw(data) else kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _identify_by_brands(data)
    if _BITMAP.match(data):
        return "BMP"
    if _NETPBM.match(data):
        return "PPM"
    return "RAW" if data[6:14] == b"HEAPCCDR" else None  # Canon before 2004


def what_else(data: bytes) -> str:
    """Say in a few words what bytes are that `identify` does not know."""
    if not data:
        return "empty (0 bytes)"
    for pattern, name in _OTHER_KINDS:
        if pattern.match(data[:4096]):
            return f"not a picture: {name}"
    return "not a picture that can be read (no known format)"


def _identify_by_brands(data: bytes) -> str | None:
    """Tell AVIF, HEIF and Canon's CR3 apart: ISO/IEC 14496-12 section 4.3, the `ftyp` box."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    major = data[8:12]
    brands = {major, *(data[start : start + 4] for start in range(16, end - 3, 4))}
    if major == b"crx ":
        return "RAW"
    if major in {b"avif", b"avis"} or (
        brands & {b"avif", b"avis"} and not brands & (_HEIF_BRANDS - {b"mif1", b"msf1"})
    ):
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def _is_raw(data: bytes) -> bool:
    """Tell a camera's RAW from the TIFF that it is built upon.

    RAW files that are TIFF open as TIFF, as the tiny preview in their first directory. What
    marks them is DNGVersion, Canon's "CR", or a directory whose PhotometricInterpretation is a
    colour filter array or linear raw (TIFF/EP, ISO 12234-2; DNG 1.7 specification, chapter 4).
    """
    if data[8:10] == b"CR":
        return True
    order = "<" if data[:2] == b"II" else ">"
    pending = [int.from_bytes(data[4:8], "little" if order == "<" else "big")]
    for _ in range(16):
        if not pending:
            break
        offset = pending.pop(0)
        try:
            (count,) = struct.unpack_from(f"{order}H", data, offset)
            for entry in range(offset + 2, offset + 2 + 12 * min(count, 512), 12):
                tag, kind, length, value = struct.unpack_from(f"{order}HHLL", data, entry)
                if kind == _SHORT:  # it lies in the first half of the value's field
                    (value,) = struct.unpack_from(f"{order}H", data, entry + 8)
                if tag == _DNG_VERSION or (tag == _PHOTOMETRIC and value in _RAW_PHOTOMETRICS):
                    return True
                if tag == _SUB_DIRECTORIES and length == 1:
                    pending.append(value)
                elif tag == _SUB_DIRECTORIES:
                    pending += struct.unpack_from(f"{order}{min(length, 8)}L", data, value)
        except struct.error:
            continue
    return False
