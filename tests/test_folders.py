"""The outermost folder is the class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ground_truth_checks import check, files, named

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.folders import read_folders

if TYPE_CHECKING:
    from pathlib import Path


def test_classes_distractors_and_a_class_of_one(tmp_path: Path) -> None:
    """Inner folders belong to the class around them; what lies in no folder is a distractor."""
    photos = files(
        tmp_path,
        ["stray.jpg", "cats/a.jpg", "cats/young/b.jpg", "cats/young/c.jpg", "dogs/d.jpg"],
    )
    (truth,) = read_folders(photos)
    check(truth)
    assert (truth.name, len(truth.gallery)) == ("folders", 5)
    assert named(truth, tmp_path) == {
        "cats/a.jpg": ({"cats/young/b.jpg", "cats/young/c.jpg"}, set(), "cats"),
        "cats/young/b.jpg": ({"cats/a.jpg", "cats/young/c.jpg"}, set(), "cats"),
        "cats/young/c.jpg": ({"cats/a.jpg", "cats/young/b.jpg"}, set(), "cats"),
        "dogs/d.jpg": (set(), set(), "dogs"),
    }


@pytest.mark.parametrize("names", [["a.jpg", "b.jpg"], ["a/a.jpg", "b/b.jpg"]])
def test_a_folder_without_two_of_a_class_says_what_is_expected(
    tmp_path: Path, names: list[str]
) -> None:
    with pytest.raises(UsageError, match="one for each class, with at least two images"):
        read_folders(files(tmp_path, names))
