"""What viewers show is read, and what is not read is not called damaged."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import heif_files
import numpy as np
import picture_files
import pytest
from picture_checks import largest_difference, needs, reason_for, squash

from imgsearch.images.loading import load

if TYPE_CHECKING:
    from PIL import Image

PICTURE = picture_files.photograph(200, 150)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [8, 100, 224])
def test_a_jpeg_may_lack_its_end_marker_but_nothing_else(size: int, *, progressive: bool) -> None:
    jpeg = picture_files.encode(PICTURE, "JPEG", progressive=progressive)
    for missing in (1, 2):
        np.testing.assert_array_equal(squash(jpeg[:-missing], size), squash(jpeg, size))
    for missing in (3, 4, 5, 10, 50, 500):
        assert "truncated" in reason_for(jpeg[:-missing], size=size)


def damaged_chunk(png: bytes, kind: bytes) -> bytes:
    """Return the PNG with another checksum in its first chunk of a kind."""
    place = png.index(kind)
    end = place + 4 + int.from_bytes(png[place - 4 : place], "big")
    return png[:end] + b"\0\1\2\3" + png[end + 4 :]


@pytest.mark.parametrize("kind", [b"gAMA", b"sRGB", b"tEXt", b"pHYs", b"iCCP"])
def test_a_wrong_checksum_costs_only_the_chunk(kind: bytes) -> None:
    png = picture_files.encode(PICTURE, "PNG", icc_profile=picture_files.rgb_profile(), dpi=(9, 9))
    chunks = [(b"gAMA", struct.pack(">L", 45455)), (b"sRGB", b"\0"), (b"tEXt", b"a\0b")]
    whole = png[:33] + b"".join(picture_files.png_chunk(*chunk) for chunk in chunks) + png[33:]
    plain = picture_files.encode(PICTURE, "PNG")
    expected = squash(plain if kind == b"iCCP" else png)
    np.testing.assert_array_equal(squash(damaged_chunk(whole, kind)), expected)


def test_a_wrong_checksum_of_the_header_is_damage() -> None:
    assert "damaged PNG" in reason_for(damaged_chunk(picture_files.encode(PICTURE, "PNG"), b"IHDR"))


def test_a_profile_that_is_too_long_costs_itself_alone() -> None:
    """Pillow refuses a PNG whose profile becomes longer than a megabyte."""
    profile = zlib.compress(bytes((1 << 20) + 1))
    png = picture_files.encode(PICTURE, "PNG")
    long = png[:33] + picture_files.png_chunk(b"iCCP", b"a\0\0" + profile) + png[33:]
    np.testing.assert_array_equal(squash(long), squash(png))


def test_an_animation_that_is_broken_shows_its_first_picture() -> None:
    """It announces frames, and none begins; viewers show what is there."""
    png = picture_files.encode(PICTURE, "PNG")
    announced = picture_files.png_chunk(b"acTL", struct.pack(">LL", 2, 0))
    frame = picture_files.png_chunk(b"fdAT", bytes(20))
    broken = png[:33] + announced + png[33:-12] + frame + png[-12:]
    np.testing.assert_array_equal(squash(broken), squash(png))


def test_an_animation_is_its_first_frame() -> None:
    frames = [PICTURE, PICTURE.rotate(180)]
    animated = picture_files.encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(squash(animated), squash(picture_files.encode(PICTURE, "PNG")))


@pytest.mark.parametrize("compression", [34925, 50000, 50001])
def test_a_compression_that_is_not_built_in_is_no_damage(compression: int) -> None:
    """LZMA, Zstandard and WebP within TIFF: here bytes that none of them wrote."""
    tiff = bytearray(picture_files.encode(PICTURE, "TIFF", compression="tiff_deflate"))
    place = tiff.index(struct.pack("<HHL", 259, 3, 1)) + 8
    tiff[place : place + 2] = struct.pack("<H", compression)
    assert "not supported: a kind of TIFF" in reason_for(bytes(tiff))


# ── Bitmaps ─────────────────────────────────────────────────────────────────────────────────


def test_a_bitmap_needs_no_file_header() -> None:
    bitmap = picture_files.encode(PICTURE, "BMP")
    np.testing.assert_array_equal(squash(bitmap[14:]), squash(bitmap))


def masked_bitmap(masks: tuple[int, ...], depth: int, pixels: list[int], *, header: int) -> bytes:
    """Return a bitmap of 2 x 2 pixels; rows are padded to 4 bytes, and lowest first."""
    rows = struct.pack(f"<4{'H' if depth == 16 else 'L'}", *pixels)
    info = struct.pack("<LllHHLLllLL", header, 2, 2, 1, depth, 3, len(rows), 0, 0, 0, 0)
    info += struct.pack(f"<{len(masks)}L", *masks)
    return (
        b"BM" + struct.pack("<LHHL", 14 + len(info) + len(rows), 0, 0, 14 + len(info)) + info + rows
    )


def test_a_bitmap_may_have_any_masks() -> None:
    """4 bits: 15 is 255, 8 is 136. 10 bits: 1023 is 255, 512 is 128 (127.6)."""
    four = (0xF00, 0xF0, 0xF)
    short = masked_bitmap(four, 16, [0xF00, 0x0F0, 0x00F, 0x888], header=40)
    bottom, top = [(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (136, 136, 136)]
    assert squash(short, 2).tolist() == [[list(c) for c in top], [list(c) for c in bottom]]
    ten = (0x3FF00000, 0xFFC00, 0x3FF)
    deep = masked_bitmap(ten, 32, [0x3FF00000, 0, 0, 512 << 10], header=40)
    assert squash(deep, 2).tolist() == [[[0, 0, 0], [0, 128, 0]], [[255, 0, 0], [0, 0, 0]]]
    clear = masked_bitmap((*four, 0xF000), 16, [0xFF00, 0x0F00, 0xF000, 0xF000], header=56)
    assert squash(clear, 2)[1].tolist() == [[255, 0, 0], [255, 255, 255]]
    assert "truncated" in reason_for(short[:-1])


# ── TIFF ────────────────────────────────────────────────────────────────────────────────────


def big_tiff(image: Image.Image) -> bytes:
    """Return an uncompressed BigTIFF, little-endian, of one strip."""
    pixels = image.tobytes()
    tags: list[tuple[int, int, int, bytes]] = [
        (256, 4, 1, struct.pack("<Q", image.width)),
        (257, 4, 1, struct.pack("<Q", image.height)),
        (258, 3, 3, struct.pack("<4H", 8, 8, 8, 0)),
        (259, 3, 1, struct.pack("<Q", 1)),
        (262, 3, 1, struct.pack("<Q", 2)),
        (273, 16, 1, struct.pack("<Q", 16 + 8 + 20 * 9 + 8)),
        (277, 3, 1, struct.pack("<Q", 3)),
        (278, 4, 1, struct.pack("<Q", image.height)),
        (279, 16, 1, struct.pack("<Q", len(pixels))),
    ]
    head = b"II+\0" + struct.pack("<HHQ", 8, 0, 16)
    entries = b"".join(struct.pack("<HHQ", *tag[:3]) + tag[3] for tag in tags)
    return head + struct.pack("<Q", len(tags)) + entries + bytes(8) + pixels


def test_a_big_tiff_is_read_and_its_truncation_seen() -> None:
    whole = big_tiff(PICTURE)
    np.testing.assert_array_equal(squash(whole), squash(picture_files.encode(PICTURE, "TIFF")))
    for share in (0.3, 0.9):
        assert "truncated" in reason_for(whole[: int(share * len(whole))])
    assert reason_for(b"MM\0+" + whole[4:]).startswith("not supported: a BigTIFF")


def edited_tiff(image: Image.Image, tag: int, value: int) -> bytes:
    """Return an uncompressed TIFF with another value in one of its tags."""
    tiff = bytearray(picture_files.encode(image, "TIFF"))
    place = tiff.index(struct.pack("<HHL", tag, 3, 1))
    tiff[place + 8 : place + 10] = struct.pack("<H", value)
    return bytes(tiff)


def test_what_no_decoder_reads_is_not_called_damaged() -> None:
    unknown = edited_tiff(PICTURE, 262, 32_844)  # LogL
    assert reason_for(unknown).startswith("not supported: a kind of TIFF")
    packed = masked_bitmap((0, 0, 0), 16, [0] * 4, header=40)
    packed = packed[:30] + struct.pack("<L", 5) + packed[34:]  # a PNG within a bitmap
    assert reason_for(packed).startswith("not supported: a kind of BMP")


@pytest.mark.parametrize("error", [IndexError("list index out of range"), KeyError(33), ValueError(
    "not enough values to unpack (expected 2, got 1)")])  # fmt: skip
def test_pythons_own_words_are_nobodys_reason(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("imgsearch.images.pillow_decoder.open_strictly", fail)
    png = picture_files.encode(PICTURE, "PNG")
    assert reason_for(png) == "damaged PNG: its header makes no sense"


# ── RAW ─────────────────────────────────────────────────────────────────────────────────────


def canon_raw(preview: bytes, exif: bytes) -> bytes:
    """Return a CR3 of which LibRaw can read nothing: its EXIF and a JPEG."""
    block = exif.removeprefix(b"Exif\0\0")
    first = struct.pack(">L", 8 + len(block)) + b"CMT1" + block
    return (
        struct.pack(">L", 24) + b"ftypcrx " + bytes(4) + b"crx isom"
        + struct.pack(">L", 8 + len(first)) + b"moov" + first
        + struct.pack(">L", 8 + len(preview)) + b"mdat" + preview
    )  # fmt: skip


def test_a_whole_preview_stands_for_sensor_data_that_cannot_be_read() -> None:
    pytest.importorskip("rawpy")
    stored = picture_files.stored_as(picture_files.corners(480, 640), 6)
    preview = picture_files.encode(stored, "JPEG", quality=95)
    exif = picture_files.exif(orientation=6, make="Canon", model="Canon EOS R5")
    picture = load(canon_raw(preview, exif), size=8, resize="squash")
    assert largest_difference(picture.pixels[0, 0], picture_files.RED) <= 6
    assert largest_difference(picture.pixels[0, 7], picture_files.GREEN) <= 6
    metadata = picture.metadata
    assert (metadata.width, metadata.height, metadata.format) == (480, 640, "RAW")
    assert (metadata.camera, metadata.orientation) == ("Canon EOS R5", 6)
    assert "truncated" in reason_for(canon_raw(preview, exif)[:-500])
    thumbnail = picture_files.encode(picture_files.corners(160, 120), "JPEG")
    assert "RAW" in reason_for(canon_raw(thumbnail, exif))


# ── HEIF ────────────────────────────────────────────────────────────────────────────────────


def test_a_heif_sequence_shows_its_first_frame() -> None:
    needs("HEIF")
    image = picture_files.corners(128, 64)
    whole = heif_files.sequence(image)
    still = picture_files.encode(image, "HEIF")
    assert largest_difference(squash(whole), squash(still)) <= 2
    assert load(whole, size=8, resize="squash").metadata.width == 128
    assert "truncated" in reason_for(whole[:-50])
    other = whole.replace(b"hvc1", b"avc1")
    assert reason_for(other) == "not supported: a HEIF sequence without a still image"


def test_an_avif_may_lack_its_pixel_information() -> None:
    """As those of libheif 1.11, which phones have."""
    avif = picture_files.encode(PICTURE, "AVIF")
    assert b"pixi" in avif
    np.testing.assert_array_equal(squash(avif.replace(b"pixi", b"skip")), squash(avif))


def test_an_avif_that_breaks_a_rule_is_not_called_damaged() -> None:
    avif = picture_files.encode(PICTURE, "AVIF")
    assert reason_for(avif.replace(b"ispe", b"skip")) == (
        "not supported: AVIF that breaks a rule of its format, on which Pillow insists"
    )
