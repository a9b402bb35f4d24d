"""File names carry labels: by a pattern, or as Holidays and UKBench are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ground_truth_checks import check, files, named

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.file_names import read_groups, read_holidays, read_ukbench

if TYPE_CHECKING:
    from pathlib import Path

SHOP = ["shop/lamp_1.jpg", "shop/lamp_2.jpg", "shop/chair_1.jpg", "old/lamp_3.jpg", "extra.jpg"]


def groups(folder: Path, pattern: str) -> dict[str, str]:
    (truth,) = read_groups(files(folder, SHOP), pattern)
    check(truth)
    assert len(truth.gallery) == len(SHOP)
    return {name: group for name, (_, _, group) in named(truth, folder).items()}


@pytest.mark.parametrize("pattern", [r"([^/]+)_\d+\.", r"(\w*/)?(?P<group>[^/]+)_\d"])
def test_the_first_or_the_named_group_is_the_label(tmp_path: Path, pattern: str) -> None:
    """What does not match is a distractor."""
    assert groups(tmp_path, pattern) == {
        "shop/lamp_1.jpg": "lamp",
        "shop/lamp_2.jpg": "lamp",
        "shop/chair_1.jpg": "chair",
        "old/lamp_3.jpg": "lamp",
    }


def test_folders_may_be_part_of_the_pattern(tmp_path: Path) -> None:
    assert set(groups(tmp_path, "(.+)/").values()) == {"shop", "old"}


def test_an_empty_or_unused_group_is_no_label(tmp_path: Path) -> None:
    assert set(groups(tmp_path, r"(lamp)?_").values()) == {"lamp"}
    assert set(groups(tmp_path, r"((?:lamp)?)_").values()) == {"lamp"}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("([a-z", "is not a regular expression"),
        (r"lamp_\d+", "has no group"),
        (r"boat(\d+)", "finds a label in none of 5 paths; the first image's path is 'extra.jpg'"),
        (r"(.+)\.jpg", "gives each its own label, such as 'extra'"),
    ],
)
def test_a_pattern_that_labels_nothing_says_why(tmp_path: Path, pattern: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        groups(tmp_path, pattern)


def test_holidays_asks_with_the_first_of_each_scene(tmp_path: Path) -> None:
    """Scene 1002 has nothing to find; scene 1003 lacks its query; other names are distractors."""
    names = [f"{number}.jpg" for number in (100000, 100001, 100002, 100200, 100301, 12, 1000000)]
    (truth,) = read_holidays(files(tmp_path, names))
    check(truth)
    assert (truth.name, len(truth.gallery)) == ("INRIA Holidays", 7)
    assert named(truth, tmp_path) == {
        "100000.jpg": ({"100001.jpg", "100002.jpg"}, set(), "1000"),
        "100200.jpg": (set(), set(), "1002"),
    }


def test_ukbench_has_four_pictures_of_each_object_and_all_ask(tmp_path: Path) -> None:
    names = [f"ukbench{number:05}.jpg" for number in range(8)] + ["other.jpg"]
    (truth,) = read_ukbench(files(tmp_path, names))
    check(truth)
    assert (truth.name, len(truth.gallery)) == ("UKBench", 9)
    told = named(truth, tmp_path)
    assert list(told) == names[:8] or sorted(told) == names[:8]
    assert told[names[5]] == ({names[4], names[6], names[7]}, set(), "ukbench00004")


def test_names_of_another_collection_are_refused_with_an_example(tmp_path: Path) -> None:
    photos = files(tmp_path, ["a.jpg", "100001.jpg", "ukbench00007.jpg", "ukbench00008.jpg"])
    with pytest.raises(UsageError, match=r"none of 0 queries .* such as 100000\.jpg"):
        read_holidays(photos)
    with pytest.raises(UsageError, match=r"expected names such as ukbench00000\.jpg"):
        read_ukbench(photos)


def test_a_number_may_occur_once(tmp_path: Path) -> None:
    photos = files(tmp_path, ["100000.jpg", "100001.jpg", "small/100001.png"])
    with pytest.raises(UsageError, match=r"'100001\.jpg' and 'small/100001\.png' have"):
        read_holidays(photos)
