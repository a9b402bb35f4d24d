"""Pillow decodes what is whole, whatever it or a host program is set to."""

from __future__ import annotations

import struct

import picture_files
import pytest
from picture_checks import ALL_FORMATS, largest_difference, needs, reason_for, squash
from PIL import Image, ImageFile


@pytest.mark.parametrize("picture_format", ALL_FORMATS)
@pytest.mark.parametrize("lenient", [False, True])
def test_a_truncated_file_is_refused_as_such(
    picture_format: str, *, lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a host program has told Pillow to make do with half a picture."""
    needs(picture_format)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    data = picture_files.encode(picture_files.photograph(160, 120), picture_format)
    for share in (0.1, 0.5, 0.9):
        assert "truncated" in reason_for(data[: int(share * len(data))])


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_a_truncated_compressed_tiff_is_refused(compression: str) -> None:
    image = picture_files.photograph(160, 120)
    data = picture_files.encode(image, "TIFF", compression=compression)
    assert "truncated" in reason_for(data[: len(data) // 2])


def test_pillows_own_limit_and_registry_are_neither_obeyed_nor_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    before = (dict(Image.OPEN), list(Image.ID), Image.MAX_IMAGE_PIXELS)
    for picture_format in ("JPEG", "PNG", "BMP", "PPM", "AVIF", "HEIF", "JPEG2000"):
        if picture_files.can_write(picture_format):
            data = picture_files.encode(picture_files.corners(), picture_format)
            before = (dict(Image.OPEN), list(Image.ID), Image.MAX_IMAGE_PIXELS)
            assert squash(data).shape == (8, 8, 3)
            assert (dict(Image.OPEN), list(Image.ID), Image.MAX_IMAGE_PIXELS) == before
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_a_transparent_sample_counts_at_the_depth_of_the_file() -> None:
    """PNG 1.2 section 4.2.9: tRNS holds a sample at the depth of the picture's own samples."""
    grey4 = picture_files.png(4, 1, b"\0\x33\x55", depth=4, colour=0, chunks=[(b"tRNS", b"\0\x03")])
    assert squash(grey4, 4)[0, :, 0].tolist() == [255, 255, 85, 85]
    grey2 = picture_files.png(4, 1, b"\0\x5f", depth=2, colour=0, chunks=[(b"tRNS", b"\0\x01")])
    assert squash(grey2, 4)[0, :, 0].tolist() == [255, 255, 255, 255]
    grey16 = picture_files.png(
        4, 1, b"\0" + struct.pack(">4H", 900, 900, 30069, 65535), depth=16, colour=0,
        chunks=[(b"tRNS", struct.pack(">H", 900))],
    )  # fmt: skip
    assert squash(grey16, 4)[0, :, 0].tolist() == [255, 255, 117, 255]
    rgb16 = picture_files.png(
        2, 1, b"\0" + struct.pack(">6H", 1000, 2000, 3000, 60000, 2000, 3000), depth=16, colour=2,
        chunks=[(b"tRNS", struct.pack(">3H", 1000, 2000, 3000))],
    )  # fmt: skip
    pixels = squash(rgb16, 2)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert largest_difference(pixels[0, 1], (233, 8, 12)) <= 1
