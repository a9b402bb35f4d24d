"""Pictures are decoded no larger than is needed, and none that is too large."""

from __future__ import annotations

import io
import struct

import numpy as np
import picture_files
import pytest
from picture_checks import flat, reason_for, squash
from PIL import Image

from imgsearch.errors import RecipeMismatchError
from imgsearch.images import geometry, pillow_decoder
from imgsearch.images.geometry import Plan
from imgsearch.images.loading import load
from imgsearch.images.strict_pillow import StrictJpeg

RULES = pytest.mark.parametrize("decoder", geometry.RULES)


@RULES
@pytest.mark.parametrize(("size", "seed"), [(32, 1), (48, 2), (64, 3), (100, 4)])
def test_a_jpeg_decoded_at_reduced_scale_stays_close_to_the_whole(
    size: int, seed: int, decoder: int
) -> None:
    """Measured: 0.3 grey levels in the mean on 12 megapixels, 0.4 on photographs of 300 pixels.

    The largest differences, up to 26 levels there, lie in the last row or column, where a
    reduced pixel holds some of the encoder's padding.
    """
    image = picture_files.photograph(801, 603, seed=seed)
    data = picture_files.encode(image, "JPEG", quality=92)
    with Image.open(io.BytesIO(data)) as opened:
        full = opened.resize((size, size), geometry.rules_of(decoder).resampling)
    reduced = load(data, size=size, resize="squash", decoder=decoder).pixels
    difference = np.abs(np.asarray(full, np.int64) - reduced)
    assert difference.mean() <= 1
    assert difference.max() <= 16


@RULES
def test_a_jpeg_is_decoded_no_smaller_than_its_rules_say(decoder: int) -> None:
    """By the first rules, twice the wanted size; by the second, that size."""
    data = picture_files.encode(picture_files.photograph(800, 600), "JPEG")
    for side, expected in ((600, 800), (302, 800), (300, 400), (150, 200), (75, 100), (10, 100)):
        wanted = side // (2 if decoder == 1 else 1)
        plan = Plan((0.0, 0.0, 800.0, 600.0), (wanted, wanted), geometry.rules_of(decoder))
        image = StrictJpeg(io.BytesIO(data))
        pillow_decoder.reduce_jpeg(image, data, plan.needed(image.size))
        assert image.width == expected


@RULES
@pytest.mark.parametrize("scale", [1, 2])
def test_only_a_reduced_picture_is_resized_by_its_rules_filter(scale: int, decoder: int) -> None:
    """Decoding has filtered it once, and the bicubic would blur it again."""
    data = picture_files.encode(picture_files.photograph(320 * scale, 240 * scale), "JPEG")
    with Image.open(io.BytesIO(data)) as opened:
        if decoder == 1:
            expected = opened.resize((200, 200), Image.Resampling.BICUBIC)
        else:
            opened.draft(None, (320, 240))
            assert opened.size == (320, 240)
            filters = {1: Image.Resampling.BICUBIC, 2: Image.Resampling.LANCZOS}
            expected = opened.resize((200, 200), filters[scale])
    got = load(data, size=200, resize="squash", decoder=decoder).pixels
    np.testing.assert_array_equal(got, np.asarray(expected))


def test_the_network_sees_the_same_whether_a_picture_is_indexed_or_asked_about() -> None:
    """A rendering wants more than a small network does."""
    data = picture_files.encode(picture_files.photograph(1280, 960), "JPEG")
    indexed = load(data, size=32, resize="pad", fingerprint=True)
    asked = load(data, size=32, resize="pad")
    np.testing.assert_array_equal(indexed.pixels, asked.pixels)


def test_decoding_rules_of_a_later_imgsearch_are_named_as_such() -> None:
    data = picture_files.encode(picture_files.photograph(64, 48), "JPEG")
    with pytest.raises(RecipeMismatchError, match="rules are version 3, and this imgsearch knows"):
        load(data, size=32, resize="squash", decoder=3)


# ── Limits ──────────────────────────────────────────────────────────────────────────────────


def test_a_header_may_announce_no_more_than_the_limit() -> None:
    for width, height in ((100_000, 100_000), (2**31 - 1, 2**31 - 1), (15_812, 15_812)):
        assert "too large" in reason_for(picture_files.png(width, height, b"\0"))
    assert "truncated" in reason_for(picture_files.png(15_000, 10, b"\0"))


def announcing(jpeg: bytes, width: int, height: int) -> bytes:
    """Return the JPEG with another size in its SOF0 or SOF2 segment.

    libjpeg fills what is missing before the end marker with grey, and calls it a picture.
    """
    place = max(jpeg.find(b"\xff\xc0\0\x11\x08"), jpeg.find(b"\xff\xc2\0\x11\x08")) + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def test_a_jpeg_may_be_larger_because_it_is_decoded_reduced() -> None:
    jpeg = picture_files.encode(picture_files.photograph(64, 64), "JPEG")
    assert "the limit is 500 megapixels" in reason_for(announcing(jpeg, 30_000, 30_000))
    assert load(announcing(jpeg, 20_000, 20_000), size=8, resize="squash").metadata.width == 20_000
    assert "250 megapixels" in reason_for(announcing(jpeg, 20_000, 20_000), size=10_100)
    progressive = picture_files.encode(picture_files.photograph(64, 64), "JPEG", progressive=True)
    assert "the limit is 250 megapixels" in reason_for(announcing(progressive, 20_000, 20_000))


def test_scans_are_counted_in_the_picture_and_not_behind_it() -> None:
    """A phone's moving picture behind the still one holds any byte sequence."""
    for options in ({"progressive": False}, {"progressive": True}):
        jpeg = picture_files.encode(picture_files.photograph(64, 64), "JPEG", **options)
        scans = 10 if options["progressive"] else 1
        tail = b"\xff\xda\0\x02" * 1000
        assert pillow_decoder._count_scans(jpeg + tail) == scans
        assert squash(jpeg + tail).shape == (8, 8, 3)
        first = jpeg.index(b"\xff\xda")
        assert pillow_decoder._count_scans(jpeg[:first] + tail + jpeg[first:]) == 1000 + scans


def test_only_a_jpeg_of_several_scans_has_them_counted() -> None:
    for mode in ("L", "RGB", "CMYK"):
        jpeg = picture_files.encode(flat(mode, 0), "JPEG")
        assert pillow_decoder._is_interleaved(StrictJpeg(io.BytesIO(jpeg)), jpeg)
    several = picture_files.encode(flat("RGB", 0), "JPEG", progressive=True)
    second = several.index(b"\xff\xda", several.index(b"\xff\xda") + 2)
    without_first = several[: several.index(b"\xff\xda")] + several[second:]
    assert not pillow_decoder._is_interleaved(StrictJpeg(io.BytesIO(without_first)), without_first)
