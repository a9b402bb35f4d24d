"""An item's pixels are those that the gallery embeds; crops and edits come before the resize."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import picture_files
import pytest

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.evaluation.ground_truth.items import load_item
from imgsearch.evaluation.ground_truth.values import Item
from imgsearch.images import edits, loading
from imgsearch.images.geometry import CropBox
from imgsearch.indexing.file_loader import load_files
from imgsearch.recipe import Recipe, Resize

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a JPEG that a camera held upright: 120 × 80 pixels as displayed."""
    path = tmp_path / "picture.jpg"
    stored = picture_files.stored_as(picture_files.photograph(120, 80), 6)
    path.write_bytes(picture_files.encode(stored, "JPEG", exif=picture_files.exif(orientation=6)))
    return path


@pytest.mark.parametrize("resize", get_args(Resize))
def test_a_plain_item_is_what_the_gallery_embeds(picture: Path, resize: Resize) -> None:
    recipe = Recipe(
        backbone="fake-1",
        weights="sha256:" + "0" * 64,
        layer="last",
        size=48,
        resize=resize,
        pooling="gap",
        dim=48,
        preprocessing="raw",
    )
    (loaded,) = load_files(
        [picture], lambda path: path, recipe=recipe, is_embedded=lambda _hash: False
    )
    assert loaded.image is not None
    pixels = load_item(Item(picture), size=48, resize=resize)
    np.testing.assert_array_equal(pixels, loaded.image.pixels)
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("crop", [CropBox(10, 5, 60, 70), CropBox(10, 20, 50, 40, percent=True)])
def test_a_crop_is_what_a_query_with_it_embeds(picture: Path, crop: CropBox) -> None:
    expected = loading.load(picture.read_bytes(), size=32, resize="pad", crop=crop).pixels
    pixels = load_item(Item(picture, crop=crop), size=32, resize="pad")
    np.testing.assert_array_equal(pixels, expected)


def test_a_crop_that_ends_a_pixel_beyond_the_picture_ends_with_it(picture: Path) -> None:
    def pixels(crop: CropBox) -> NDArray[np.uint8]:
        return load_item(Item(picture, crop=crop), size=32, resize="squash")

    whole = pixels(CropBox(20, 10, 100, 70))
    np.testing.assert_array_equal(pixels(CropBox(20, 10, 101, 70)), whole)
    np.testing.assert_array_equal(pixels(CropBox(20, 10, 100.5, 71)), whole)
    for beyond in (
        CropBox(20, 10, 101.5, 70),
        CropBox(120, 10, 1, 9),
        CropBox(60, 0, 60, 50, percent=True),
        CropBox(5, 5, 0.2, 0.2),
    ):
        with pytest.raises(UnreadableImageError, match=r"picture\.jpg: crop: .* 120 x 80"):
            pixels(beyond)


def test_an_edit_comes_first_then_the_crop_then_the_resize(picture: Path) -> None:
    edited = edits.apply("rotate 90", picture.read_bytes())
    crop = CropBox(0, 60, 80, 60)  # the lower half of 80 × 120 pixels
    expected = loading.load(edited, size=16, resize="crop", crop=crop).pixels
    item = Item(picture, crop=crop, edit="rotate 90")
    np.testing.assert_array_equal(load_item(item, size=16, resize="crop"), expected)


def test_what_cannot_be_loaded_says_why(tmp_path: Path, picture: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff and no more")
    for item in (Item(broken), Item(broken, edit="mirror"), Item(tmp_path / "gone.jpg")):
        with pytest.raises(UnreadableImageError) as caught:
            load_item(item, size=16, resize="squash")
        assert str(caught.value) == f"{item.path}: {caught.value.reason}"
    with pytest.raises(UsageError, match="edit: 'blur' is not known"):
        load_item(Item(picture, edit="blur"), size=16, resize="squash")


def test_a_mistake_without_a_crop_is_not_taken_for_one(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise UsageError("some other mistake")

    monkeypatch.setattr(loading, "load", refuse)
    with pytest.raises(UsageError, match="some other mistake"):
        load_item(Item(picture), size=16, resize="squash")


def test_a_picture_in_memory_is_left_as_it_is() -> None:
    """Editing does not write to the bytes that it is given."""
    file = BytesIO()
    picture_files.photograph(40, 30).save(file, "PNG")
    data = file.getvalue()
    copy = bytes(bytearray(data))
    edits.apply("text", data)
    assert data == copy
