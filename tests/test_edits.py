"""Each edit does what its name says, always in the same way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import picture_files
import pytest

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.images import loading
from imgsearch.images.edits import DEFAULT_EDITS, LONGEST, Edit, apply, parse_edit

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

PICTURE = picture_files.photograph(120, 80)


def edited(name: str, image: Image.Image = PICTURE) -> NDArray[np.int64]:
    data = apply(name, picture_files.encode(image, "PNG"))
    return loading.display(data, longest=10_000).astype(np.int64)


def pixels(image: Image.Image = PICTURE) -> NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)


@pytest.mark.parametrize("name", DEFAULT_EDITS)
def test_every_default_edit_changes_the_picture_the_same_way_each_time(name: str) -> None:
    first = edited(name)
    assert first.shape != (80, 120, 3) or not np.array_equal(first, pixels())
    np.testing.assert_array_equal(first, edited(name))


@pytest.mark.parametrize("name", DEFAULT_EDITS)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2)])
def test_the_smallest_pictures_survive_every_edit(name: str, size: tuple[int, int]) -> None:
    assert edited(name, picture_files.corners(*size)).size >= 3


def test_a_crop_is_a_part_of_the_picture_from_anywhere() -> None:
    part = edited("crop 60%")
    assert part.shape == (48, 72, 3)
    whole = pixels()
    places = [
        (top, left)
        for top in range(80 - 48 + 1)
        for left in range(120 - 72 + 1)
        if np.array_equal(whole[top : top + 48, left : left + 72], part)
    ]
    assert len(places) == 1
    parts = {edited("crop 60%", picture_files.photograph(120, 80, seed=s)).sum() for s in range(4)}
    assert len(parts) == 4


def test_mirror_and_right_angles_move_pixels_only() -> None:
    np.testing.assert_array_equal(edited("mirror"), pixels()[:, ::-1])
    np.testing.assert_array_equal(edited("rotate 90"), np.rot90(pixels()))
    np.testing.assert_array_equal(edited("rotate 180"), np.rot90(pixels(), 2))
    np.testing.assert_array_equal(edited("rotate 270"), np.rot90(pixels(), 3))


def test_a_small_rotation_keeps_the_frame_and_shows_white_at_its_corners() -> None:
    turned = edited("rotate 10", picture_files.corners())
    assert turned.shape == (64, 96, 3)
    assert turned[0, 0].tolist() == [255, 255, 255]
    assert np.abs(turned[30, 20] - picture_files.RED).max() <= 2
    # Counterclockwise: right of the centre, what was below comes up.
    assert np.abs(turned[30, 90] - picture_files.YELLOW).max() <= 2


def test_resize_takes_a_share_of_each_side() -> None:
    assert edited("resize 25%").shape == (20, 30, 3)
    assert edited("resize 10%").shape == (8, 12, 3)


def test_values_by_hand() -> None:
    """A picture of one half (100, 60, 20) and one half (40, 80, 120)."""
    image = picture_files.corners(40, 20)
    image.paste((100, 60, 20), (0, 0, 20, 20))
    image.paste((40, 80, 120), (20, 0, 40, 20))

    def halves(name: str) -> list[list[int]]:
        found = edited(name, image)
        return [found[5, 5].tolist(), found[5, 35].tolist()]

    assert halves("brightness 60%") == [[60, 36, 12], [24, 48, 72]]
    assert halves("brightness 140%") == [[140, 84, 28], [56, 112, 168]]
    # Greys by ITU-R BT.601: 67.4 and 72.6, on average 70.
    greys = halves("saturation 0%")
    assert [len(set(half)) for half in greys] == [1, 1]
    assert [greys[0][0], greys[1][0]] == [67, 73]
    np.testing.assert_allclose(
        halves("contrast 60%"), [[88, 64, 40], [52, 76, 100]], rtol=0, atol=1
    )


def test_jpeg_loses_more_at_lower_quality() -> None:
    data = picture_files.encode(PICTURE, "PNG")
    assert apply("jpeg 30", data)[:2] == b"\xff\xd8"
    assert len(apply("jpeg 10", data)) < len(apply("jpeg 30", data))
    errors = [np.abs(edited(f"jpeg {quality}") - pixels()).mean() for quality in (90, 30, 10)]
    assert errors == sorted(errors)
    assert errors[-1] > 1


def test_text_covers_some_of_the_lower_third_and_nothing_else() -> None:
    changed = (
        edited("text", picture_files.photograph(300, 200))
        != pixels(picture_files.photograph(300, 200))
    ).any(axis=-1)
    assert not changed[:100].any()
    assert 0.02 < changed.mean() < 0.33
    across = np.flatnonzero(changed.any(axis=0))
    assert across[-1] - across[0] > 200


def test_a_large_picture_is_edited_at_a_bounded_size() -> None:
    assert edited("mirror", picture_files.corners(2000, 1000)).shape == (LONGEST // 2, LONGEST, 3)


def test_names_are_understood() -> None:
    assert parse_edit("crop 60%") == Edit("crop", 60)
    assert parse_edit("jpeg 30") == Edit("jpeg", 30)
    assert parse_edit("mirror") == Edit("mirror", 0)
    assert len(set(DEFAULT_EDITS)) == len(DEFAULT_EDITS)
    assert all(parse_edit(name) for name in DEFAULT_EDITS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("blur 5", "edit: 'blur 5' is not known; expected one of crop N%"),
        ("", "is not known"),
        ("crop", "'crop' was received, expected crop N% .N from 1 to 99."),
        ("crop 60", "expected crop N%"),
        ("crop 0%", "expected crop N%"),
        ("crop 100%", "expected crop N%"),
        ("jpeg 30%", "expected jpeg N .N from 1 to 95."),
        ("rotate 360", "expected rotate N .N from 1 to 359."),
        ("mirror 5", "expected mirror"),
        ("crop  60%", "is not known"),
        ("crop 60%\n", "is not known"),
    ],
)
def test_names_that_make_no_sense_are_refused(name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_edit(name)


def test_what_is_no_picture_cannot_be_edited() -> None:
    with pytest.raises(UnreadableImageError):
        apply("mirror", b"no picture")


def test_the_document_lists_the_default_edits() -> None:
    text = (Path(__file__).parents[1] / "docs" / "ground-truth.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    assert re.findall(r"`(.*?)`", " ".join(rows)) == list(DEFAULT_EDITS)
