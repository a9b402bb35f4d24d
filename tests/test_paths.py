"""Paths come back from their stored form byte for byte, and folders are ranges of bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch import paths
from imgsearch.errors import UsageError

NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
RELATIVE = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)


@given(RELATIVE)
def test_any_name_that_a_file_system_allows_comes_back_byte_for_byte(stored: bytes) -> None:
    assert paths.encode(paths.decode(stored)) == stored


@given(RELATIVE)
def test_joining_undoes_taking_the_path_relative_to_its_root(stored: bytes) -> None:
    root = Path("/photos/2024")
    whole = paths.join(paths.encode(root), stored)
    assert paths.relative_to(whole, root) == stored


@given(RELATIVE, RELATIVE)
def test_a_path_is_in_a_folders_range_exactly_when_it_lies_beneath_it(
    folder: bytes, path: bytes
) -> None:
    low, high = paths.beneath(folder)
    assert (low <= path < high) == path.startswith(folder + b"/")


@given(RELATIVE)
def test_everything_lies_beneath_the_root_itself(path: bytes) -> None:
    low, high = paths.beneath(b"")
    assert low <= path < high


def test_a_name_of_nothing_but_the_largest_byte_lies_beneath_the_root() -> None:
    low, high = paths.beneath(b"")
    assert low <= b"\xff" * 255 + b"/" + b"\xff" * 255 < high


def test_a_neighbour_whose_name_begins_like_the_folder_is_not_beneath_it() -> None:
    low, high = paths.beneath(b"trip")
    assert not low <= b"trip2/a.jpg" < high
    assert not low <= b"trip.jpg" < high
    assert not low <= b"trip" < high


def test_the_root_of_the_file_system_joins_without_a_second_slash() -> None:
    assert paths.join(b"/", b"a.jpg") == Path("/a.jpg")


def test_a_path_outside_the_root_has_no_relative_form() -> None:
    assert paths.relative_to(Path("/photos2/a.jpg"), Path("/photos")) is None
    assert paths.relative_to(Path("/photos"), Path("/photos")) == b""


def test_dots_and_the_home_folder_are_resolved_but_links_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.absolute("real/../link/./a.jpg") == tmp_path / "link" / "a.jpg"
    assert paths.absolute("~/link") == tmp_path / "link"


def test_a_nul_byte_is_refused_before_the_operating_system_sees_it() -> None:
    with pytest.raises(UsageError, match="NUL"):
        paths.absolute("a\0b.jpg")


def test_a_name_that_is_not_utf_8_survives_from_the_disk_to_the_stored_form(
    tmp_path: Path,
) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / name).write_bytes(b"")
    (found,) = tmp_path.iterdir()
    assert paths.relative_to(found, tmp_path) == b"caf\xe9.jpg"


def test_the_range_of_a_folder_ends_before_the_byte_that_follows_the_slash() -> None:
    """ASCII has "0" next to "/", and a neighbour's name may begin with it."""
    first, end = paths.beneath(b"trip")
    assert (first, end) == (b"trip/", b"trip0")
    assert not first <= b"trip0/a.png" < end
