"""What the bytes are is told by the bytes."""

from __future__ import annotations

import picture_files
from picture_checks import reason_for

from imgsearch.images import formats


def identify(data: bytes) -> str | None:
    found = formats.identify(data)
    return found.name if found else None


def test_tiff_is_no_raw_and_raw_no_tiff() -> None:
    assert identify(picture_files.encode(picture_files.corners(), "TIFF")) == "TIFF"
    assert identify(picture_files.raw_photo()) == "RAW"
    for head in (b"II*\0\x10\0\0\0CR", b"IIRO", b"FUJIFILMCCD-RAW ", b"FOVb", b"IIU\0", b"\0MRM"):
        assert identify(head.ljust(64, b"\0")) == "RAW"
    assert identify(b"\0\0\0\x18ftypcrx \0\0\0\0crx isom") == "RAW"
    assert identify(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "AVIF"
    assert identify(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf") == "HEIF"


def test_formats_outside_the_list_are_refused_though_pillow_reads_them() -> None:
    for picture_format in ("EPS", "DDS", "QOI"):
        data = picture_files.encode(picture_files.corners(), picture_format)
        assert "not a picture" in reason_for(data)
