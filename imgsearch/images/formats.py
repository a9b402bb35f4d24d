"""The table of file formats: how one is recognised, decoded, and known to be cut short.

A new format is one row of `FORMATS`, or of a program that calls `register`. Where Pillow reads it,
the row names Pillow's class as its `opener`; otherwise the row names a decoder, a function in a
module of its own, which gets the bytes of a file and returns `decoding.Decoded`.

Importing this module loads neither Pillow nor numpy; what a row names is loaded by the first file
that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import UsageError
from imgsearch.images import boxes, preambles, signatures, truncation
from imgsearch.images.format_row import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.images.format_row import Decode

# Raise it when imgsearch learns to read more, so that files refused before are tried again.
READER_VERSION: Final = 3


def _dotted(names: str) -> tuple[str, ...]:
    return tuple(f".{name}" for name in names.split())


# The first row that matches wins: RAW before the TIFF that it is built on, AVIF before HEIF.
FORMATS: Final = (
    Format(
        "JPEG",
        _dotted("jpg jpeg jpe jfif jif mpo"),
        matches=signatures.begins_with(b"\xff\xd8\xff"),
        opener="imgsearch.images.strict_pillow:StrictJpeg",
        bounded=preambles.of_jpeg,
    ),
    Format(
        "PNG",
        _dotted("png apng"),
        matches=signatures.begins_with(b"\x89PNG\r\n\x1a\n"),
        opener="imgsearch.images.strict_pillow:open_png",
        bounded=preambles.of_png,
    ),
    Format(
        "GIF",
        _dotted("gif"),
        matches=signatures.begins_with(b"GIF87a", b"GIF89a"),
        opener="PIL.GifImagePlugin:GifImageFile",
        bounded=preambles.of_gif,
    ),
    Format(
        "JPEG2000",
        _dotted("jp2 j2k j2c jpc jpf jpx"),
        matches=signatures.begins_with(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),
        opener="imgsearch.images.strict_pillow:open_jpeg2000",
        bounded=preambles.of_jpeg2000,
        ends_early=truncation.jpeg2000_ends_early,
        pixel_bytes=25,
        holds_lock=True,
    ),
    Format(
        "WEBP",
        _dotted("webp"),
        matches=signatures.is_webp,
        opener="PIL.WebPImagePlugin:WebPImageFile",
        ends_early=truncation.riff_ends_early,
        pixel_bytes=17,
    ),
    Format(
        "RAW",
        _dotted(
            "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf rw2 rwl "
            "sr2 srf srw x3f"
        ),
        matches=signatures.is_raw,
        decoder="imgsearch.images.raw_decoder:decode_raw",
        package="rawpy",
        ends_early=truncation.raw_ends_early,
    ),
    Format(
        "TIFF",
        _dotted("tif tiff"),
        matches=signatures.is_tiff,
        opener="PIL.TiffImagePlugin:TiffImageFile",
        bounded=preambles.of_tiff,
        ends_early=truncation.tiff_ends_early,
    ),
    Format(
        "AVIF",
        _dotted("avif avifs"),
        matches=signatures.is_avif,
        decoder="imgsearch.images.avif_decoder:decode_avif",
        is_cut=boxes.reach_beyond,
        ends_early=truncation.boxes_end_early,
        pixel_bytes=12,
    ),
    Format(
        "HEIF",
        _dotted("heic heif heics heifs hif"),
        matches=signatures.is_heif,
        decoder="imgsearch.images.heif_decoder:decode_heif",
        package="pillow-heif",
        is_cut=boxes.reach_beyond,
        ends_early=truncation.boxes_end_early,
        pixel_bytes=13,
    ),
    Format(
        "BMP",
        _dotted("bmp dib"),
        matches=signatures.is_bmp,
        opener="imgsearch.images.bitmaps:open_bitmap",
    ),
    Format(
        "PPM",
        _dotted("ppm pgm pbm pnm pfm"),
        matches=signatures.is_netpbm,
        opener="PIL.PpmImagePlugin:PpmImageFile",
        bounded=preambles.of_netpbm,
    ),
    Format(
        "JXL",
        _dotted("jxl"),
        matches=signatures.begins_with(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
        decoder="imgsearch.images.jxl_decoder:decode_jxl",
        package="pillow-jxl-plugin",
        is_cut=boxes.reach_beyond_jxl,
        pixel_bytes=16,
    ),
    Format(
        "PSD",
        _dotted("psd"),
        matches=signatures.begins_with(b"8BPS\0\1"),
        opener="imgsearch.images.rare_formats:open_photoshop",
        ends_early=truncation.photoshop_ends_early,
    ),
    Format(
        "SGI",
        _dotted("sgi"),
        matches=signatures.is_sgi,
        opener="PIL.SgiImagePlugin:SgiImageFile",
    ),
    Format(
        "PCX",
        _dotted("pcx"),
        matches=signatures.is_pcx,
        opener="PIL.PcxImagePlugin:PcxImageFile",
    ),
    Format(
        "ICO",
        _dotted("ico"),
        matches=signatures.is_icon,
        opener="imgsearch.images.rare_formats:open_icon",
        is_cut=truncation.icon_ends_early,
        ends_early=truncation.icon_ends_early,
    ),
    # Last: a Targa has no signature at its start, only a header that makes sense.
    Format(
        "TGA",
        _dotted("tga"),
        matches=signatures.is_targa,
        opener="PIL.TgaImagePlugin:TgaImageFile",
    ),
)
_REGISTERED: Final[list[Format]] = []


def register(row: Format) -> Callable[[], None]:
    """Add a row for as long as this process runs. It is asked before those of `FORMATS`.

    Returns:
        a function that takes the row out again.

    Raises:
        UsageError: there is a format of that name.
    """
    if any(row.name == known.name for known in all_formats()):
        raise UsageError(f"format {row.name}: there is one of that name; choose another")
    _REGISTERED.insert(0, row)
    return lambda: _REGISTERED.remove(row)


def all_formats() -> tuple[Format, ...]:
    """Return every row, in the order in which they are asked."""
    return (*_REGISTERED, *FORMATS)


def is_registered(row: Format) -> bool:
    """Tell whether a program added the row, which other processes do not know."""
    return row in _REGISTERED


def identify(data: bytes) -> Format | None:
    """Tell the format of a whole file by its bytes, `None` where no row matches."""
    return next((row for row in all_formats() if row.matches(data)), None)


def suffixes() -> frozenset[str]:
    """Return the suffixes of every row, in lower case with their dots."""
    return frozenset(suffix for row in all_formats() for suffix in row.suffixes)


def name_of(text: str) -> str:
    """Return the name of the format that a name or suffix means, as in "jpg" or ".HEIC".

    What no row knows is returned in upper case, without a dot.
    """
    word = text.upper().lstrip(".")
    rows = all_formats()
    if any(row.name == word for row in rows):
        return word
    suffix = f".{word.lower()}"
    return next((row.name for row in rows if suffix in row.suffixes), word)


def decoder_of(row: Format) -> Decode:
    """Return what decodes a format.

    Raises:
        ImportError: its package is not installed.
    """
    decode: Decode = named(row.decoder)
    return decode


def named(reference: object) -> Any:  # noqa: ANN401 - the row's field says what it names
    """Return what "module:name" names; anything that is no text is returned as it is."""
    if not isinstance(reference, str):
        return reference
    from importlib import import_module

    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def decoders_fingerprint() -> str:
    """Return what can decode here, such as "reader-1+pillow-13.0.0+heif-1.8.1+raw-none".

    A file that could not be read is worth another try once this has changed.
    """
    from importlib.metadata import PackageNotFoundError, version

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "none"

    parts = [f"reader-{READER_VERSION}", f"pillow-{installed('pillow')}"]
    # Sorted, as the order of the table is free to change and galleries hold this text.
    parts += sorted(
        f"{row.name.lower()}-{installed(row.package)}" for row in FORMATS if row.package
    )
    parts += sorted(
        f"{row.name.lower()}-{installed(row.package) if row.package else 'registered'}"
        for row in _REGISTERED
    )
    return "+".join(parts)
