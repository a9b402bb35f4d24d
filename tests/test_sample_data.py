"""The sample pictures agree with their ground truth, carry EXIF data, and stay small."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

SAMPLE_DATA = Path(__file__).resolve().parent.parent / "sample_data"
EXIF_DETAILS, EXIF_PLACE = 0x8769, 0x8825
MAKE, MODEL, ORIENTATION, TAKEN, OFFSET, LENS = 0x010F, 0x0110, 0x0112, 0x9003, 0x9011, 0xA434


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """Read ``ground_truth.json``."""
    content: dict[str, Any] = json.loads(
        (SAMPLE_DATA / "ground_truth.json").read_text(encoding="utf-8")
    )
    return content


def paths_on_disk(folder: str) -> list[str]:
    """Every file below a folder, as the ground truth writes it."""
    files = (path for path in (SAMPLE_DATA / folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(SAMPLE_DATA).as_posix() for path in files)


def photographs() -> list[str]:
    """Every photograph on disk."""
    return paths_on_disk("photos")


def test_ground_truth_lists_every_photograph_once(truth: dict[str, Any]) -> None:
    """Groups and distractors together are exactly the files, none of them twice."""
    listed = [path for group in truth["groups"].values() for path in group]
    listed += truth["distractors"]
    assert sorted(listed) == photographs()


def test_there_are_enough_groups_of_four_and_distractors(truth: dict[str, Any]) -> None:
    """At least 24 groups, each of exactly four photographs, and at least 60 distractors."""
    assert len(truth["groups"]) >= 24
    assert {len(group) for group in truth["groups"].values()} == {4}
    assert len(truth["distractors"]) >= 60


def test_edits_are_the_files_and_name_photographs(truth: dict[str, Any]) -> None:
    """Every edit is listed, and every original is a photograph that exists."""
    assert sorted(edit["path"] for edit in truth["edits"]) == paths_on_disk("edits")
    assert {edit["original"] for edit in truth["edits"]} <= set(photographs())
    assert all(edit["kind"] for edit in truth["edits"])
    assert 12 <= len(truth["edits"]) <= 24


def test_the_folder_stays_below_eight_megabytes() -> None:
    """Pictures, ground truth and scripts together."""
    files = [
        path
        for path in SAMPLE_DATA.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert sum(path.stat().st_size for path in files) <= 8_000_000


def test_no_two_pictures_are_the_same_bytes() -> None:
    """Each file has a hash of its own."""
    paths = photographs() + paths_on_disk("edits")
    hashes = {hashlib.sha256((SAMPLE_DATA / path).read_bytes()).digest() for path in paths}
    assert len(hashes) == len(paths)


@pytest.mark.parametrize("path", photographs())
def test_a_photograph_decodes_and_carries_capture_data(path: str) -> None:
    """RGB, upright, 560 to 720 pixels on the longer side, with camera, lens and time."""
    with Image.open(SAMPLE_DATA / path) as image:
        image.load()
        block = image.getexif()
    assert image.mode == "RGB"
    assert 560 <= max(image.size) <= 720
    assert block[MAKE]
    assert block[MODEL]
    assert block[ORIENTATION] == 1
    details = block.get_ifd(EXIF_DETAILS)
    assert details[LENS]
    taken = datetime.strptime(details[TAKEN] + details[OFFSET], "%Y:%m:%d %H:%M:%S%z")
    assert 2015 <= taken.year <= 2025


def test_most_photographs_carry_a_place_on_earth() -> None:
    """More than two thirds have GPS data, all of it in range; some have none, as in real life."""
    placed = 0
    for path in photographs():
        with Image.open(SAMPLE_DATA / path) as image:
            place = image.getexif().get_ifd(EXIF_PLACE)
        if place:
            placed += 1
            assert place[1] in {"N", "S"}
            assert place[3] in {"E", "W"}
            for numbers, limit in ((place[2], 90), (place[4], 180)):
                degrees, minutes, seconds = (float(number) for number in numbers)
                assert degrees + minutes / 60 + seconds / 3600 <= limit
    assert len(photographs()) * 2 / 3 < placed < len(photographs())


@pytest.mark.parametrize("path", paths_on_disk("edits"))
def test_an_edit_decodes(path: str) -> None:
    """Every edit opens with Pillow; HEIC needs pillow-heif."""
    if path.endswith(".heic"):
        pytest.importorskip("pillow_heif").register_heif_opener()
    with Image.open(SAMPLE_DATA / path) as image:
        image.load()
    assert min(image.size) >= 90


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_edits_turned_by_flag_display_upright(truth: dict[str, Any], orientation: int) -> None:
    """Applying the EXIF flag gives back the original's size and nearly its pixels."""
    turned = []
    for edit in truth["edits"]:
        if edit["kind"] != "rotated by EXIF flag":
            continue
        with Image.open(SAMPLE_DATA / edit["path"]) as image:
            if image.getexif()[ORIENTATION] == orientation:
                turned.append((ImageOps.exif_transpose(image), edit["original"]))
    assert turned
    for upright, original in turned:
        with Image.open(SAMPLE_DATA / original) as image:
            assert upright.size == image.size
            small = (16, 16)
            pairs = zip(
                upright.resize(small).convert("L").tobytes(),
                image.resize(small).convert("L").tobytes(),
                strict=True,
            )
            assert max(abs(one - other) for one, other in pairs) <= 16
