"""How the bytes of each format begin; a file's name counts for nothing.

Each function takes the bytes of a whole file, and never raises.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the latter two are BigTIFF
# Panasonic, Olympus (three), Fujifilm, Minolta, Sigma.
_RAW: Final = (b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW", b"\0MRM", b"FOVb")
# "BM" begins many a text; the length of the header that follows makes it a bitmap.
_BITMAP: Final = rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"
_NETPBM: Final = rb"P(?:[1-6]|[fF])\s+[\d#]"
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_HEVC_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")
)
# Any codec may be in a file of these brands; where none is named it is HEVC.
_ANY_CODEC_BRANDS: Final = frozenset((b"mif1", b"msf1"))

# TIFF's tags and types.
_PHOTOMETRIC: Final = 262
_SUB_DIRECTORIES: Final = 330
_DNG_VERSION: Final = 50706
_SHORT: Final = 3
# A colour filter array, and linear raw.
_RAW_PHOTOMETRICS: Final = (32803, 34892)


def begins_with(*magics: bytes) -> Callable[[bytes], bool]:
    """Return a predicate: whether a file begins with one of these bytes."""
    return lambda data: data.startswith(magics)


def is_webp(data: bytes) -> bool:
    """Tell WebP from what else is in a RIFF container (RFC 9649, section 2.4)."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def is_bmp(data: bytes) -> bool:
    """Tell whether the file is a Windows bitmap."""
    return re.match(_BITMAP, data, re.DOTALL) is not None


def is_netpbm(data: bytes) -> bool:
    """Tell whether the file is a PBM, PGM, PPM or PFM."""
    return re.match(_NETPBM, data) is not None


def is_tiff(data: bytes) -> bool:
    """Tell whether the file is a TIFF, which a camera's RAW may be as well."""
    return data.startswith(_TIFF)


def is_avif(data: bytes) -> bool:
    """Tell whether the file's brands name AV1, and no HEVC besides unless AV1 comes first."""
    major, brands = _brands(data)
    return major in _AVIF_BRANDS or bool(brands & _AVIF_BRANDS and not brands & _HEVC_BRANDS)


def is_heif(data: bytes) -> bool:
    """Tell whether the file's brands name HEVC, or HEIF without a codec; AVIF may as well."""
    _, brands = _brands(data)
    return bool(brands & (_HEVC_BRANDS | _ANY_CODEC_BRANDS))


def is_raw(data: bytes) -> bool:
    """Tell whether the file is a camera's RAW, whatever it is built on."""
    if data.startswith(_TIFF):
        return _is_raw_tiff(data)
    # Canon before 2004, and Canon's CR3.
    return data.startswith(_RAW) or data[6:14] == b"HEAPCCDR" or _brands(data)[0] == b"crx "


def _brands(data: bytes) -> tuple[bytes, set[bytes]]:
    """Return the major brand and all brands of the `ftyp` box (ISO/IEC 14496-12, section 4.3).

    Empty where the file does not begin with one.
    """
    if data[4:8] != b"ftyp":
        return b"", set()
    end = min(int.from_bytes(data[:4], "big"), 256)
    major = data[8:12]
    return major, {major, *(data[start : start + 4] for start in range(16, end - 3, 4))}


def _is_raw_tiff(data: bytes) -> bool:
    """Tell a camera's RAW from the TIFF that it is built on.

    Such a RAW opens as TIFF, as the tiny preview in its first directory. What marks it is
    DNGVersion, Canon's "CR", or a directory whose PhotometricInterpretation is a colour filter
    array or linear raw (TIFF/EP, ISO 12234-2; DNG 1.7 specification, chapter 4).
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
