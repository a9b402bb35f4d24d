"""The pictures of a labelled folder are those that `index` finds, and annotations name them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from ground_truth_checks import files

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.image_files import find_image_files

if TYPE_CHECKING:
    from pathlib import Path


def test_hidden_files_other_files_and_links_are_left_out(tmp_path: Path) -> None:
    files(tmp_path, ["b.jpg", "a/c.PNG", ".hidden.jpg", ".cache/d.jpg", "notes.txt", "a/no.jpg"])
    (tmp_path / "link.jpg").symlink_to(tmp_path / "b.jpg")
    photos = find_image_files(tmp_path, exclude=("no*",))
    assert photos.names == ("b.jpg", "a/c.PNG")
    assert photos.sizes == (1, 1)
    assert [item.path for item in photos.items] == [tmp_path / "b.jpg", tmp_path / "a/c.PNG"]
    assert "link.jpg" in find_image_files(tmp_path, follow_symlinks=True).names


def test_a_picture_is_found_by_relative_and_absolute_path(tmp_path: Path) -> None:
    photos = files(tmp_path / "real", ["a/b.jpg", "c.jpg"])
    spellings = ["a/b.jpg", "./a/b.jpg", "a/../a//b.jpg", str(tmp_path / "real/a/b.jpg")]
    assert {photos.names[photos.locate(path)] for path in spellings} == {"a/b.jpg"}
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    through = find_image_files(tmp_path / "linked")
    assert through.names[through.locate(str(tmp_path / "real/c.jpg"))] == "c.jpg"


def test_a_name_that_is_no_text_is_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"gr\xfcn.jpg")
    try:
        photos = files(tmp_path, [name])
    except OSError:
        pytest.skip("this file system wants UTF-8")
    assert photos.names[photos.locate(name)] == name


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("gone.jpg", "is not in"),
        ("../outside.jpg", "is not in"),
        ("/elsewhere/a.jpg", "lies outside of"),
        (".hidden.jpg", "not among its images"),
        ("notes.txt", "not among its images"),
        ("a\0b.jpg", "is not in"),
        ("", "not among its images"),
    ],
)
def test_a_path_that_names_no_picture_says_why(tmp_path: Path, path: str, reason: str) -> None:
    photos = files(tmp_path, ["a.jpg", ".hidden.jpg", "notes.txt"])
    with pytest.raises(UsageError, match=reason):
        photos.locate(path)


def test_without_folder_or_pictures_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        find_image_files(tmp_path / "gone")
    with pytest.raises(UsageError, match="contains no images"):
        find_image_files(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may list all")
def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    files(tmp_path, ["a/b.jpg", "c.jpg"])
    (tmp_path / "a").chmod(0)
    try:
        with pytest.raises(UsageError, match="can't be listed"):
            find_image_files(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)
