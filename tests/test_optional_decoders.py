"""RAW shows its preview where that will do, and a missing package is named with its remedy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import picture_files
import pytest
from picture_checks import reason_for
from PIL import Image

from imgsearch.images.loading import load

if TYPE_CHECKING:
    from pathlib import Path


MISSING = {
    "heif_decoder": ("pillow_heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow-heif"),
    "raw_decoder": ("rawpy", picture_files.raw_photo(), "rawpy"),
}


@pytest.mark.parametrize("module", MISSING)
def test_a_missing_package_is_named_as_pip_knows_it(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, data, package = MISSING[module]
    monkeypatch.setitem(sys.modules, imported, None)
    monkeypatch.delitem(sys.modules, f"imgsearch.images.{module}", raising=False)
    assert reason_for(data).endswith(f"a package that is not installed: pip install {package}")


def test_a_package_that_is_installed_but_broken_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installing it once more would not help."""
    (tmp_path / "rawpy.py").write_text("raise ImportError('libgomp.so.1: cannot open')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in ("rawpy", "imgsearch.images.raw_decoder"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    reason = reason_for(picture_files.raw_photo())
    assert reason == "RAW needs rawpy, which is installed but broken: libgomp.so.1: cannot open"


def test_raw_without_a_preview_is_developed() -> None:
    pytest.importorskip("rawpy")
    picture = load(picture_files.raw_photo((60, 60, 200)), size=16, resize="squash")
    red, green, blue = picture.pixels[8, 8].astype(int)
    assert blue > red + 30
    assert blue > green + 30
    metadata = picture.metadata
    assert (metadata.width, metadata.height, metadata.format) == (128, 96, "RAW")
    assert (metadata.camera, metadata.taken) == ("Imaginary One", "2024-05-01T12:00:00")


def test_raw_with_a_large_preview_shows_the_preview_upright() -> None:
    pytest.importorskip("rawpy")
    upright = picture_files.corners(192, 256)
    for orientation in (1, 3, 6, 8):
        turned = picture_files.stored_as(upright, orientation)
        sensor = (128, 96) if turned.width > turned.height else (96, 128)
        data = picture_files.raw_photo(
            preview=picture_files.encode(turned, "JPEG", quality=95, subsampling=0),
            size=sensor,
            orientation=orientation,
        )
        picture = load(data, size=32, resize="squash")
        expected = load(picture_files.encode(upright, "PNG"), size=32, resize="squash")
        assert np.abs(picture.pixels.astype(int) - expected.pixels.astype(int)).mean() <= 3
        assert (picture.metadata.width, picture.metadata.height) == (96, 128)
        assert picture.metadata.orientation == orientation


def test_raw_with_a_small_preview_is_developed_instead() -> None:
    pytest.importorskip("rawpy")
    preview = picture_files.encode(Image.new("RGB", (32, 24), (250, 0, 0)), "JPEG")
    data = picture_files.raw_photo((60, 60, 200), preview=preview)
    red, _, blue = load(data, size=16, resize="squash").pixels[8, 8].astype(int)
    assert blue > red


def test_a_preview_of_another_shape_is_not_taken_for_the_picture() -> None:
    pytest.importorskip("rawpy")
    preview = picture_files.encode(Image.new("RGB", (256, 128), (250, 0, 0)), "JPEG")
    data = picture_files.raw_photo((60, 60, 200), preview=preview)
    red, _, blue = load(data, size=16, resize="squash").pixels[8, 8].astype(int)
    assert blue > red
