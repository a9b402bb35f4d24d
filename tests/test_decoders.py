"""Pictures are decoded no larger than is needed, and none that is too large."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import picture_files
import pytest
from picture_checks import flat, reason_for, squash
from PIL import Image

from imgsearch.images import pillow_decoder
from imgsearch.images.geometry import Plan
from imgsearch.images.loading import load
from imgsearch.images.strict_pillow import StrictJpeg


def whole_and_reduced(image: Image.Image, *, size: int, **options: Any) -> tuple[Any, Any]:
    data = picture_files.encode(image, "JPEG", quality=92, **options)
    with Image.open(io.BytesIO(data)) as opened:
        full = opened.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(full, np.int64), squash(data, size)


@pytest.mark.parametrize(("size", "seed"), [(32, 1), (48, 2), (64, 3), (100, 4)])
def test_a_jpeg_decoded_at_reduced_scale_stays_close_to_the_whole(size: int, seed: int) -> None:
    """Measured: 0.3 grey levels in the mean on 12 megapixels, 0.4 on photographs of 300 pixels.

    The largest differences, up to 26 levels there, lie in the last row or column, where a
    reduced pixel holds some of the encoder's padding.
    """
    full, reduced = whole_and_reduced(picture_files.photograph(801, 603, seed=seed), size=size)
    difference = np.abs(full - reduced)
    assert difference.mean() <= 1
    assert difference.max() <= 16


def test_a_jpeg_is_decoded_no_smaller_than_twice_the_wanted_size() -> None:
    data = picture_files.encode(picture_files.photograph(800, 600), "JPEG")
    for size, expected in ((300, 800), (151, 800), (150, 400), (75, 200), (37, 100), (5, 100)):
        plan = Plan((0.0, 0.0, 800.0, 600.0), (size, size))
        image = StrictJpeg(io.BytesIO(data))
        pillow_decoder.reduce_jpeg(image, data, plan.needed(image.size))
        assert image.width == expected


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
    assert "250 megapixels" in reason_for(announcing(jpeg, 20_000, 20_000), size=5_100)
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
