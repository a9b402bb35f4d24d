"""How the bytes of each format begin; a file's name counts for nothing.

Each function takes the bytes of a whole file, and never raises.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from imgsearch.images.tiff_directories import Tiff

if TYPE_CHECKING:
    from collections.abc import Callable

_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the latter two are BigTIFF
# Panasonic, Olympus (three), Fujifilm, Minolta, Sigma.
_RAW: Final = (b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW", b"\0MRM", b"FOVb")
# "BM" begins many a text; the length of the header that follows makes it a bitmap.
_BITMAP: Final = rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"
# The same header without "BM" before it: one plane, and a depth that there is.
_HEADERLESS: Final = (
    rb"[\x28\x34\x38\x40\x6c\x7c]\0\0\0.{8}\x01\0[\1\4\x08\x10\x18\x20]\0[\0-\3]\0\0\0"
)
_NETPBM: Final = rb"P(?:[1-6]|[fF])\s+[\d#]"
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_HEVC_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")
)
# Any codec may be in a file of these brands; where none is named it is HEVC.
_ANY_CODEC_BRANDS: Final = frozenset((b"mif1", b"msf1"))

# TIFF's tags and types.
_PHOTOMETRIC: Final = 262
_DNG_VERSION: Final = 50706
# A colour filter array, and linear raw.
_RAW_PHOTOMETRICS: Final = (32803, 34892)


def begins_with(*magics: bytes) -> Callable[[bytes], bool]:
    """Return a predicate: whether a file begins with one of these bytes."""
    return lambda data: data.startswith(magics)


def is_webp(data: bytes) -> bool:
    """Tell WebP from what else is in a RIFF container (RFC 9649, section 2.4)."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def is_bmp(data: bytes) -> bool:
    """Tell whether the file is a Windows bitmap, with or without its file header (DIB)."""
    return re.match(rb"(?:%b|%b)" % (_BITMAP, _HEADERLESS), data, re.DOTALL) is not None


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
    tiff = Tiff.of(data)
    for directory in tiff.directories():
        kinds = tiff.numbers(directory.get(_PHOTOMETRIC), most=1)
        if _DNG_VERSION in directory or (kinds and kinds[0] in _RAW_PHOTOMETRICS):
            return True
    return False


def is_sgi(data: bytes) -> bool:
    """Tell whether the file is a SGI image: magic, compression, 1 or 2 bytes, 1 to 3 dimensions."""
    return re.match(rb"\x01\xda[\0\1][\1\2]\0[\1-\3]", data) is not None


def is_pcx(data: bytes) -> bool:
    """Tell whether the file is a PCX: manufacturer 10, a version, run lengths, a depth."""
    return re.match(rb"\x0a[\0\2\3\4\5]\x01[\1\2\4\x08]", data) is not None


def is_icon(data: bytes) -> bool:
    """Tell whether the file is a Windows icon: a directory whose first image lies behind it."""
    if not data.startswith(b"\0\0\1\0") or len(data) < 22:  # noqa: PLR2004 - one entry
        return False
    count, (length, offset) = data[4] | data[5] << 8, struct.unpack_from("<LL", data, 14)
    return 0 < count <= _MOST_ICONS and length > 0 and offset >= 6 + 16 * count


def is_targa(data: bytes) -> bool:
    """Tell whether the file is a Targa: its footer, or a header each field of which makes sense.

    Truevision TGA specification 2.0, pages 6 to 10 and 19.
    """
    if len(data) < 18 or not _TARGA.match(data):  # noqa: PLR2004 - its header's length
        return False
    width, height = struct.unpack_from("<HH", data, 12)
    return bool(width and height)


_MOST_ICONS: Final = 256
# Image with a colour map or without; run lengths or not; the map's depth; the pixels' depth.
_TARGA: Final = re.compile(
    rb".(?:\x01[\1\x09].{4}[\x10\x18\x20]|\0[\2\3\x0a\x0b]\0{5}).{8}[\x08\x10\x18\x20][\0-\x3f]",
    re.DOTALL,
)
