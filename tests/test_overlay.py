"""Two pictures laid over each other: where, how far they agree, and what was done."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scenes import cropped, scene

from imgsearch.duplicates.hashes import near_pairs, oriented
from imgsearch.duplicates.judge import LOWEST, Judge, score_of
from imgsearch.duplicates.looks import Look, compare
from imgsearch.images.fingerprints import SIDE, decoded, fingerprint_of, hash_of
from imgsearch.images.loading import fingerprint, load
from imgsearch.images.renderings import ORIENTATIONS, Rendering

if TYPE_CHECKING:
    from imgsearch.duplicates.changes import Laid

PLAIN = scene(1)


def kept(image: Image.Image) -> bytes:
    """Return an image's rendering as it is stored."""
    written = BytesIO()
    image.save(written, "PNG")
    return fingerprint(written.getvalue()).rendering


def laid(one: Image.Image, other: Image.Image) -> Laid:
    """Return how the second image lies upon the first."""
    found = Judge({1: kept(one), 2: kept(other)}.get).lay(1, 2)
    assert found is not None
    return found


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_hash_tells_those_of_all_orientations(orientation: int) -> None:
    turned = Rendering(PLAIN.convert("L"), PLAIN).oriented(orientation)
    mine = np.frombuffer(hash_of(PLAIN), np.uint8)[np.newaxis]
    theirs = np.frombuffer(hash_of(turned.colour), np.uint8)[np.newaxis]
    assert np.bitwise_count(oriented(mine, orientation) ^ theirs).sum() <= 2
    assert near_pairs(theirs, mine).tolist() == [[0, 0]]


def test_different_pictures_have_hashes_that_are_not_near() -> None:
    hashes = np.stack([np.frombuffer(hash_of(scene(seed)), np.uint8) for seed in range(20)])
    assert near_pairs(hashes, hashes).tolist() == [[number, number] for number in range(20)]


def test_a_fingerprint_is_the_same_whether_or_not_a_network_wants_the_image_too() -> None:
    written = BytesIO()
    scene(3, (900, 600)).save(written, "PNG")
    alone = fingerprint(written.getvalue())
    beside = load(written.getvalue(), size=64, resize="squash", fingerprint=True).fingerprint
    assert beside == alone
    assert decoded(alone.rendering).shape == (round(SIDE * 2 / 3), SIDE, 3)
    assert load(written.getvalue(), size=64, resize="squash").fingerprint is None


def test_a_small_picture_is_kept_at_its_own_size() -> None:
    assert decoded(fingerprint_of(scene(4, (40, 30))).rendering).shape == (30, 40, 3)


EDITS = {
    "as it is": (lambda image: image, ()),
    "smaller": (lambda image: image.resize((80, 60)), ("scaled to 33 %",)),
    "mirrored": (ImageOps.mirror, ("mirrored",)),
    "turned left": (lambda image: image.rotate(90, expand=True), ("turned to the left",)),
    "turned right": (lambda image: image.rotate(270, expand=True), ("turned to the right",)),
    "upside down": (lambda image: image.rotate(180), ("turned upside down",)),
    "grey": (lambda image: image.convert("L").convert("RGB"), ("grey",)),
    "darker": (lambda image: ImageEnhance.Brightness(image).enhance(0.7), ("darker",)),
    "cropped": (lambda image: cropped(image, 0.1, 0.2, 0.8, 0.9), ("cropped to 49 %",)),
    "framed": (lambda image: ImageOps.expand(image, 24, "white"), ("surrounded by 34 % more",)),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_lies_upon_what_it_is_of_and_is_named(name: str) -> None:
    edit, changes = EDITS[name]
    edited = edit(PLAIN)
    found = laid(PLAIN, edited)
    assert found.agreement.better > 0.9
    assert found.score > 3
    assert found.changes(PLAIN.size, edited.size, second=True) == changes
    assert found.is_plain() == (name in {"as it is", "smaller"})


@pytest.mark.parametrize("name", EDITS)
def test_a_place_in_the_edit_goes_to_its_place_in_the_original(name: str) -> None:
    """The corners of the square in the middle of an edit show the same colours in the original."""
    edited = EDITS[name][0](PLAIN)
    found = laid(PLAIN, edited)
    a, b, c, d, e, f = found.transform(PLAIN.size, edited.size, second=True)
    width, height = edited.size
    for x, y in (
        (0.4 * width, 0.4 * height),
        (0.6 * width, 0.4 * height),
        (0.5 * width, 0.65 * height),
    ):
        there = a * x + b * y + c, d * x + e * y + f
        back = np.linalg.solve([[a, b], [d, e]], np.subtract(there, (c, f)))
        assert back == pytest.approx((x, y))
        if name in {"grey", "darker"}:
            continue
        here = np.asarray(edited, int)[int(y), int(x)]
        around = np.asarray(PLAIN, int)[
            max(0, int(there[1]) - 3) : int(there[1]) + 4,
            max(0, int(there[0]) - 3) : int(there[0]) + 4,
        ]
        assert np.abs(around - here).max(axis=2).min() < 24


def test_the_other_way_round_tells_the_inverse() -> None:
    crop = cropped(PLAIN, 0, 0, 0.6, 0.8)
    found = laid(PLAIN, crop)
    there = found.transform(PLAIN.size, crop.size, second=True)
    back = found.transform(crop.size, PLAIN.size, second=False)
    both = np.array([[*there[:3]], [*there[3:]], [0, 0, 1]]) @ np.array(
        [[*back[:3]], [*back[3:]], [0, 0, 1]]
    )
    assert both == pytest.approx(np.eye(3), abs=1e-9)
    assert found.changes(crop.size, PLAIN.size, second=False) == ("surrounded by 52 % more",)


def test_turning_left_is_undone_by_turning_right() -> None:
    turned = PLAIN.rotate(90, expand=True)
    found = laid(PLAIN, turned)
    assert found.changes(turned.size, PLAIN.size, second=False) == ("turned to the right",)


@pytest.mark.parametrize("seed", range(2, 8))
def test_different_pictures_do_not_agree(seed: int) -> None:
    assert score_of(compare(Look(kept(PLAIN)), Look(kept(scene(seed))))) < -3


def test_pictures_without_detail_agree_on_nothing() -> None:
    blank = Image.new("RGB", (200, 150), "white")
    assert score_of(compare(Look(kept(blank)), Look(kept(blank)))) < 0
    assert score_of(compare(Look(kept(blank)), Look(kept(PLAIN)))) < 0
    assert score_of(None) == LOWEST


def test_the_same_frame_with_other_contents_is_no_edit() -> None:
    """As the pictures of one shop, or screenshots of one program, have."""
    one, other = (ImageOps.expand(scene(seed, (160, 120)), 30, "navy") for seed in (5, 6))
    assert score_of(compare(Look(kept(one)), Look(kept(other)))) < 0


def test_a_damaged_rendering_is_as_if_it_were_not_there() -> None:
    judge = Judge({1: kept(PLAIN), 2: b"RIFF"}.get)
    assert judge.score(1, 2) == LOWEST
    assert judge.lay(1, 2) is None
    assert judge.lay(1, 3) is None
