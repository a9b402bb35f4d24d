"""The formats that are read: suffixes, decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from imgsearch.images.pillow_decoder import Decoded, Needed

    Decode = Callable[[bytes, str, Needed, ExitStack], Decoded]

_PILLOW_NAMES: Final = (
    "apng avif avifs bmp dib gif j2c j2k jfif jif jp2 jpc jpe jpeg jpf jpg jpx mpo pbm pfm pgm "
    "png pnm ppm tif tiff webp"
)
_HEIF_NAMES: Final = "heic heif heics heifs hif"
_RAW_NAMES: Final = (
    "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf rw2 rwl sr2 srf "
    "srw x3f"
)
HEIF_SUFFIXES: Final = frozenset(f".{name}" for name in _HEIF_NAMES.split())
RAW_SUFFIXES: Final = frozenset(f".{name}" for name in _RAW_NAMES.split())
SUFFIXES: Final = (
    frozenset(f".{name}" for name in _PILLOW_NAMES.split()) | HEIF_SUFFIXES | RAW_SUFFIXES
)
# Raised when imgsearch learns to read more, so that refused files are tried again.
READER_VERSION: Final = 1


def decoders_fingerprint() -> str:
    """Return what can read pictures here, such as "reader-1+pillow-13.0.0+heif-1.8.1+raw-none".

    A file that could not be read is worth another try once this has changed.
    """
    from importlib.metadata import PackageNotFoundError, version

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "none"

    return (
        f"reader-{READER_VERSION}+pillow-{installed('pillow')}"
        f"+heif-{installed('pillow-heif')}+raw-{installed('rawpy')}"
    )


def decoder_of(kind: str) -> Decode:
    """Return what decodes a format, by its name in `signatures`."""
    if kind == "HEIF":
        from imgsearch.images.heif_decoder import decode_heif

        return decode_heif
    if kind == "RAW":
        from imgsearch.images.raw_decoder import decode_raw

        return decode_raw
    from imgsearch.images.pillow_decoder import decode_with_pillow

    return decode_with_pillow
