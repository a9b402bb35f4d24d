"""Whatever a file holds, what comes out is what a viewer shows, or one reason why not."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, get_args

import numpy as np
import picture_files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_checks import ALL_FORMATS, largest_difference, needs, squash
from PIL import Image

from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading
from imgsearch.images.loading import display, load, read_file
from imgsearch.recipe import Resize

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("picture_format", ALL_FORMATS)
def test_every_format_gives_the_four_colours_of_its_corners(picture_format: str) -> None:
    needs(picture_format)
    picture = load(
        picture_files.encode(picture_files.corners(), picture_format), size=32, resize="squash"
    )
    pixels = picture.pixels
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    for (row, column), colour in (
        ((4, 4), picture_files.RED),
        ((4, 28), picture_files.GREEN),
        ((28, 4), picture_files.BLUE),
        ((28, 28), picture_files.YELLOW),
    ):
        assert largest_difference(pixels[row, column], colour) <= 6
    expected = {"MPO": "JPEG"}.get(picture_format, picture_format)
    assert (picture.metadata.width, picture.metadata.height) == (96, 64)
    assert picture.metadata.format == expected


@pytest.mark.parametrize("picture_format", picture_files.LOSSLESS_FORMATS)
def test_lossless_formats_give_exactly_pillows_bicubic(picture_format: str) -> None:
    needs(picture_format)
    image = picture_files.photograph(90, 70)
    expected = image.resize((24, 24), Image.Resampling.BICUBIC)
    got = load(picture_files.encode(image, picture_format), size=24, resize="squash").pixels
    np.testing.assert_array_equal(got, np.asarray(expected))


@pytest.mark.parametrize("picture_format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_of_several_is_what_counts(picture_format: str) -> None:
    needs(picture_format)
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((200, 30, 40), (10, 20, 250))]
    data = picture_files.encode(frames[0], picture_format, save_all=True, append_images=frames[1:])
    assert largest_difference(squash(data), (200, 30, 40)) <= 4


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(picture_files.encode(picture_files.corners(), "PNG"))
    assert load(read_file(path), size=8, resize="squash").metadata.format == "PNG"


def test_the_extras_are_imported_only_when_such_a_file_is_met() -> None:
    program = (
        "import sys, imgsearch.images.loading; "
        "print({'pillow_heif', 'rawpy', 'tensorflow', 'PIL.ImageCms'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


# ── Squares ─────────────────────────────────────────────────────────────────────────────────


def test_pad_keeps_the_shape_and_centres_it() -> None:
    data = picture_files.encode(Image.new("RGB", (60, 20), (10, 20, 30)), "PNG")
    pixels = load(data, size=30, resize="pad").pixels
    assert (pixels[:10] == loading.PAD_COLOUR).all()
    assert (pixels[10:20] == (10, 20, 30)).all()
    assert (pixels[20:] == loading.PAD_COLOUR).all()


def test_crop_takes_the_largest_centred_square() -> None:
    image = Image.new("RGB", (60, 20), (200, 0, 0))
    image.paste((0, 200, 0), (20, 0, 40, 20))
    pixels = load(picture_files.encode(image, "PNG"), size=20, resize="crop").pixels
    assert (pixels == (0, 200, 0)).all()


@given(width=st.integers(1, 40), height=st.integers(1, 40), size=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_a_flat_picture_stays_flat_whatever_its_shape(width: int, height: int, size: int) -> None:
    data = picture_files.encode(Image.new("RGB", (width, height), (90, 120, 150)), "PNG")
    for resize in ("squash", "crop"):
        pixels = load(data, size=size, resize=resize).pixels
        assert pixels.shape == (size, size, 3)
        assert (pixels == (90, 120, 150)).all()
    inside = (load(data, size=size, resize="pad").pixels == (90, 120, 150)).all(axis=-1)
    assert inside.any()
    assert inside.any(axis=0).all() or inside.any(axis=1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (3, 2)])
@pytest.mark.parametrize("picture_format", ["PNG", "JPEG"])
@pytest.mark.parametrize("resize", get_args(Resize))
def test_tiny_and_extremely_long_pictures_work(
    size: tuple[int, int], picture_format: str, resize: Resize
) -> None:
    data = picture_files.encode(Image.new("RGB", size, (90, 120, 150)), picture_format)
    picture = load(data, size=32, resize=resize)
    assert picture.pixels.shape == (32, 32, 3)
    assert (picture.metadata.width, picture.metadata.height) == size
    assert largest_difference(picture.pixels[15, 15], (90, 120, 150)) <= 3


def test_display_keeps_the_shape_and_never_enlarges() -> None:
    data = picture_files.encode(picture_files.corners(96, 64), "JPEG")
    assert display(data, longest=48).shape == (32, 48, 3)
    assert display(data, longest=500).shape == (64, 96, 3)
    turned = picture_files.encode(
        picture_files.corners(96, 64), "JPEG", exif=picture_files.exif(orientation=6)
    )
    assert display(turned, longest=48).shape == (48, 32, 3)


# ── Files ───────────────────────────────────────────────────────────────────────────────────


def test_read_file_says_what_is_wrong_with_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "file.jpg").write_bytes(b"12345")
    assert read_file(tmp_path / "file.jpg") == b"12345"
    cases = {"gone.jpg": "vanished", "empty.jpg": "empty", ".": "folder", "file.jpg/x.jpg": "read"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        cases["pipe.jpg"] = "not a regular file"
    for name, word in cases.items():
        with pytest.raises(UnreadableImageError) as refusal:
            read_file(tmp_path / name)
        assert word in refusal.value.reason
        assert str(tmp_path) not in refusal.value.reason
        assert str(tmp_path) in str(refusal.value)
    monkeypatch.setattr(loading, "MAX_FILE_BYTES", 4)
    with pytest.raises(UnreadableImageError, match="larger than"):
        read_file(tmp_path / "file.jpg")


@pytest.mark.parametrize("name", ["\ud800.jpg", "a\0b.jpg"])
def test_read_file_names_a_path_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableImageError, match="no file can have such a name"):
        read_file(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_read_file_reports_a_refused_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"12345")
    path.chmod(0)
    with pytest.raises(UnreadableImageError, match="permission denied"):
        read_file(path)


# ── Threads ─────────────────────────────────────────────────────────────────────────────────


def test_threads_agree_with_one_thread() -> None:
    profile = picture_files.rgb_profile()
    files = [
        picture_files.encode(
            picture_files.photograph(200, 150, seed=seed), picture_format, icc_profile=profile
        )
        for seed, picture_format in enumerate(["JPEG", "PNG", "TIFF", "WEBP"] * 4)
    ]
    expected = [squash(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for got, want in zip(pool.map(squash, files), expected, strict=True):
                np.testing.assert_array_equal(got, want)
