"""No image is made up of what a file lacks, and each is shown as viewers show it."""

from __future__ import annotations

import struct

import heif_files
import numpy as np
import picture_files
import pytest
from picture_checks import largest_difference, needs, reason_for, squash
from PIL import Image

from imgsearch.images import boxes
from imgsearch.images.loading import load


def without_length(heic: bytes) -> bytes:
    """Return the file with an `mdat` box that goes on to the end, however far that is."""
    place = heic.rindex(b"mdat") - 4
    return heic[:place] + bytes(4) + heic[place + 4 :]


def test_a_tiled_heic_that_was_cut_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Libheif may leave out the tiles that are missing, and show green in their place."""
    needs("HEIF")
    image = picture_files.photograph(256, 192)
    whole = heif_files.tiled_heic(image)
    expected = image.resize((64, 64), Image.Resampling.BICUBIC)
    assert np.abs(squash(whole, 64) - np.asarray(expected, np.int64)).mean() <= 3
    assert squash(without_length(whole)).shape == (8, 8, 3)
    # A maker's trailer is no box.
    assert squash(whole + b"\0\1\2\3SEFT" + bytes(range(40))).shape == (8, 8, 3)
    monkeypatch.setattr("pillow_heif.open_heif", lambda *_, **__: pytest.fail("decoded"))
    for heic in (whole, without_length(whole)):
        for share in (0.5, 0.7, 0.9, 0.99):
            assert "truncated" in reason_for(heic[: int(share * len(heic))])


def test_an_avif_is_cropped_by_its_clean_aperture() -> None:
    """48 x 32 of 96 x 64 pixels, moved left and up by half of that: the red quarter."""
    needs("AVIF")
    whole = picture_files.encode(
        picture_files.corners(96, 64), "AVIF", quality=95, subsampling="4:4:4"
    )
    cropped = heif_files.with_clean_aperture(whole, 48, 32, across=-24, down=-16)
    picture = load(cropped, size=8, resize="squash")
    assert (picture.metadata.width, picture.metadata.height) == (48, 32)
    assert largest_difference(picture.pixels, np.broadcast_to(picture_files.RED, (8, 8, 3))) <= 6
    beyond = heif_files.with_clean_aperture(whole, 200, 32, across=0, down=0)
    assert load(beyond, size=8, resize="squash").metadata.width == 96


def test_raw_without_sensor_data_is_no_black_picture() -> None:
    pytest.importorskip("rawpy")
    whole = picture_files.raw_photo(size=(4032, 3024))
    cut = bytearray(whole[:64_000])
    place = cut.index(struct.pack("<HHL", 259, 3, 1))
    cut[place + 8 : place + 10] = struct.pack("<H", 7)  # lossless JPEG, of which there is none
    assert "truncated" in reason_for(bytes(cut))


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_only_exif_turns_an_image(picture_format: str) -> None:
    """Browsers and file managers do not look for an orientation in XMP."""
    needs(picture_format)
    xmp = b'<x:xmpmeta><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    image = picture_files.corners(96, 64)
    if picture_format == "PNG":
        png = picture_files.encode(image, "PNG")
        text = picture_files.png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        data = png[:33] + text + png[33:]
    elif picture_format == "TIFF":
        data = picture_files.encode(image, "TIFF", tiffinfo={700: xmp})
    else:
        data = picture_files.encode(image, picture_format, xmp=xmp)
    assert xmp in data
    metadata = load(data, size=8, resize="squash").metadata
    assert (metadata.width, metadata.height, metadata.orientation) == (96, 64, 1)


@pytest.mark.parametrize(
    "head", [b"", b"\0\0\0\x08meta", b"\0\0\0\1meta" + b"\xff" * 8, b"\0" * 99]
)
def test_boxes_of_any_bytes_raise_nothing(head: bytes) -> None:
    generator = np.random.default_rng(3)
    for _ in range(200):
        data = head + generator.bytes(int(generator.integers(0, 200)))
        assert boxes.reach_beyond(data) in {True, False}
        boxes.clean_aperture(data, (10, 10))
