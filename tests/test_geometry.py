"""However a picture is stored, its parts are those of the picture as it is displayed."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import picture_files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_checks import EXIF_FORMATS, needs
from PIL import Image

from imgsearch.errors import UsageError
from imgsearch.images.geometry import CropBox
from imgsearch.images.loading import load
from imgsearch.recipe import Resize

ORIENTATIONS = range(1, 9)


@pytest.mark.parametrize("picture_format", EXIF_FORMATS)
@pytest.mark.parametrize("resize", get_args(Resize))
def test_eight_orientations_display_the_same_picture(picture_format: str, resize: Resize) -> None:
    needs(picture_format)
    upright = picture_files.corners(96, 64)
    expected = load(picture_files.encode(upright, "PNG"), size=32, resize=resize)
    for orientation in ORIENTATIONS:
        data = picture_files.encode(
            picture_files.stored_as(upright, orientation),
            picture_format,
            exif=picture_files.exif(orientation=orientation),
        )
        got = load(data, size=32, resize=resize)
        assert (got.metadata.width, got.metadata.height) == (96, 64)
        assert got.metadata.orientation == orientation
        difference = np.abs(got.pixels.astype(int) - expected.pixels.astype(int))
        if picture_format in picture_files.LOSSLESS_FORMATS:
            assert difference.max() == 0
        else:
            assert difference.mean() <= 3


@given(
    orientation=st.integers(1, 8),
    width=st.integers(100, 170),
    height=st.integers(100, 170),
    resize=st.sampled_from(get_args(Resize)),
)
@settings(max_examples=40, deadline=None)
def test_a_reduced_jpeg_is_the_same_whichever_way_it_is_stored(
    orientation: int, width: int, height: int, resize: Resize
) -> None:
    """Odd sides included, where the reduced picture's last pixel is only partly the picture's."""
    upright = picture_files.photograph(width, height)
    stored = picture_files.stored_as(upright, orientation)
    data = picture_files.encode(
        stored,
        "JPEG",
        quality=95,
        subsampling=0,
        exif=picture_files.exif(orientation=orientation),
    )
    expected = load(picture_files.encode(upright, "PNG"), size=12, resize=resize)
    got = load(data, size=12, resize=resize)
    assert got.metadata.width == width
    assert np.abs(got.pixels.astype(int) - expected.pixels.astype(int)).mean() <= 3


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_outside_one_to_eight_turns_nothing(value: int) -> None:
    data = picture_files.encode(
        picture_files.corners(), "JPEG", exif=picture_files.exif(orientation=value)
    )
    picture = load(data, size=8, resize="squash")
    assert (picture.metadata.width, picture.metadata.orientation) == (96, 1)


# ── Crops ───────────────────────────────────────────────────────────────────────────────────


def test_a_crop_is_cut_from_a_scale_that_is_large_enough_for_it() -> None:
    image = picture_files.photograph(800, 600, seed=9)
    data = picture_files.encode(image, "JPEG", quality=95, subsampling=0)
    crop = CropBox(400, 300, 80, 60)
    got = load(data, size=40, resize="squash", crop=crop).pixels
    expected = image.resize((40, 40), Image.Resampling.BICUBIC, box=(400, 300, 480, 360))
    assert np.abs(got.astype(int) - np.asarray(expected).astype(int)).mean() <= 2


def test_a_crop_in_pixels_or_percent_is_of_the_displayed_picture() -> None:
    upright = picture_files.corners(96, 64)
    for orientation in ORIENTATIONS:
        data = picture_files.encode(
            picture_files.stored_as(upright, orientation),
            "PNG",
            exif=picture_files.exif(orientation=orientation),
        )
        for text, colour in (
            ("0,0,48,32", picture_files.RED),
            ("48,0,48,32", picture_files.GREEN),
            ("0%,50%,50%,50%", picture_files.BLUE),
            ("50%, 50%, 50%, 50%", picture_files.YELLOW),
        ):
            pixels = load(data, size=8, resize="squash", crop=CropBox.parse(text)).pixels
            assert (pixels == colour).all()


def test_a_crop_beyond_the_picture_names_the_pictures_size() -> None:
    data = picture_files.encode(picture_files.corners(96, 64), "JPEG")
    for text in ("0,0,97,64", "90,0,10,10", "0,60,10,10", "50%,0%,51%,100%"):
        with pytest.raises(UsageError, match=r"96 x 64 pixels"):
            load(data, size=8, resize="squash", crop=CropBox.parse(text))
    with pytest.raises(UsageError, match=r"less than one pixel"):
        load(data, size=8, resize="squash", crop=CropBox.parse("0%,0%,0.5%,50%"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "1%,2,3,4",
        "-1,0,5,5",
        "0,0,0,5",
        "0,0,5,nan",
        "inf,0,1,1",
    ],
)
def test_a_crop_that_is_no_rectangle_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="crop"):
        CropBox.parse(text)


@given(st.integers(1, 400), st.integers(1, 300), st.data())
def test_every_crop_within_the_picture_stays_within(width: int, height: int, data: Any) -> None:
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    across = data.draw(st.integers(1, width - left))
    down = data.draw(st.integers(1, height - top))
    pixels = CropBox(left, top, across, down).within((width, height))
    assert pixels == (left, top, left + across, top + down)
    part = CropBox(
        100 * left / width, 100 * top / height, 100 * across / width, 100 * down / height, True
    )
    assert part.within((width, height)) == pytest.approx(pixels)
