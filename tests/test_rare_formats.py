"""Photoshop documents, icons and JPEG XL, as far as their own rules go."""

from __future__ import annotations

import io
import struct
import sys
from typing import Any

import numpy as np
import picture_files
import pytest
from picture_checks import reason_for, squash
from PIL import Image

from imgsearch.images import formats, rare_formats
from imgsearch.images.loading import display, load


def photoshop(
    image: Image.Image, *, layers: int = 0, depth: int = 8, resources: bytes = b""
) -> bytes:
    """Return a Photoshop document that is its flattened image alone, uncompressed."""
    channels = [band.tobytes() for band in image.split()]
    mode = {"L": 1, "RGB": 3, "RGBA": 3, "CMYK": 4}[image.mode]
    layer = struct.pack(">LLh", 6, 2, layers)
    return (
        b"8BPS\0\1" + bytes(6)
        + struct.pack(">HLLHH", len(channels), image.height, image.width, depth, mode)
        + bytes(4)
        + struct.pack(">L", len(resources)) + resources
        + layer
        + b"\0\0" + b"".join(channels)
    )  # fmt: skip


def test_a_photoshop_document_shows_its_flattened_image() -> None:
    for mode in ("L", "RGB"):
        image = picture_files.corners(8, 8).convert(mode)
        np.testing.assert_array_equal(squash(photoshop(image)), np.asarray(image.convert("RGB")))
    assert (
        load(photoshop(picture_files.corners(9, 8)), size=8, resize="squash").metadata.format
        == "PSD"
    )


def test_a_fourth_channel_is_transparency_only_where_the_document_says_so() -> None:
    """Otherwise it is a selection that someone has saved."""
    image = Image.new("RGBA", (8, 8), (200, 30, 40, 0))
    assert squash(photoshop(image, layers=-1))[0, 0].tolist() == [255, 255, 255]
    assert squash(photoshop(image, layers=1))[0, 0].tolist() == [200, 30, 40]


def test_a_photoshop_document_that_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = photoshop(picture_files.photograph(64, 48), resources=bytes(96))
    for share in (0.05, 0.3, 0.9):
        assert "truncated" in reason_for(whole[: int(share * len(whole))])
    deep = photoshop(picture_files.corners(8, 8), depth=16)
    assert (
        reason_for(deep) == "not supported: a Photoshop document of mode 3 with 16 bits a channel"
    )
    monkeypatch.setattr(rare_formats, "MOST_RESOURCES", 95)
    assert "its resources are larger" in reason_for(whole)


def test_an_icon_shows_its_largest_image() -> None:
    image = picture_files.corners(64, 64)
    icon = picture_files.encode(image, "ICO", sizes=[(16, 16), (64, 64), (32, 32)])
    assert load(icon, size=8, resize="squash").metadata.width == 64
    np.testing.assert_array_equal(squash(icon, 64), np.asarray(image))
    bitmap = picture_files.encode(image, "ICO", sizes=[(64, 64)], bitmap_format="bmp")
    np.testing.assert_array_equal(squash(bitmap, 64), np.asarray(image))


@pytest.mark.parametrize("data", [
    b"\0\0\1\0\0\0" + bytes(40), b"\0\0\2\0" + bytes(500), b"\0\0\1\0\1\0" + bytes(40), bytes(500),
    b"A text that is no picture at all.", b"\n\5\1 and so on and on and on and on",
])  # fmt: skip
def test_what_only_begins_like_a_rare_format_is_none(data: bytes) -> None:
    assert formats.identify(data) is None


# ── JPEG XL ─────────────────────────────────────────────────────────────────────────────────


def encode_jxl(image: Image.Image, **options: Any) -> bytes:
    pytest.importorskip("pillow_jxl")
    file = io.BytesIO()
    image.save(file, "JXL", **options)
    return file.getvalue()


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("size", [(96, 64), (97, 61), (64, 64), (300, 200), (1, 1), (3000, 20)])
def test_the_header_of_a_jpeg_xl_tells_its_size(size: tuple[int, int], *, container: bool) -> None:
    data = encode_jxl(picture_files.corners(*size), lossless=True, use_container=container)
    from imgsearch.images.jxl_decoder import announced_size

    assert announced_size(data) == size


def test_a_jpeg_xl_is_read_with_its_metadata_and_refused_if_cut() -> None:
    image = picture_files.corners(96, 64)
    exif = picture_files.exif(taken="2024:05:01 12:34:56", make="Imaginary", model="One")
    whole = encode_jxl(image, lossless=True, exif=exif)
    expected = image.resize((8, 8), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(squash(whole), np.asarray(expected))
    metadata = load(whole, size=8, resize="squash").metadata
    assert (metadata.format, metadata.camera) == ("JXL", "Imaginary One")
    assert "truncated" in reason_for(whole[: len(whole) // 2])
    bare = encode_jxl(picture_files.photograph(160, 120))
    assert "JXL" in reason_for(bare[: len(bare) // 2])


def test_a_jpeg_xl_is_named_with_its_package_where_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    monkeypatch.setitem(sys.modules, "pillow_jxl.JpegXLImagePlugin", None)
    monkeypatch.delitem(sys.modules, "imgsearch.images.jxl_decoder", raising=False)
    assert reason_for(b"\xff\x0a" + bytes(40)).endswith("pip install pillow-jxl-plugin")


def test_a_targa_may_have_a_map_of_16_bit_colours() -> None:
    """Two colours of 5 bits each, blue lowest: 31 << 10 is red, 31 << 5 green; TGA 2.0, page 6."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 2, 16, 0, 0, 2, 1, 8, 0x20)
    targa = head + struct.pack("<HH", 31 << 10, 31 << 5) + bytes([0, 1])
    pixels = display(targa, longest=2)
    assert pixels.tolist() == [[[255, 0, 0], [0, 255, 0]]]
