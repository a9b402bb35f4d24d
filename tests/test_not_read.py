"""What a scan passes over is counted, and a picture is known by its bytes where that is wanted."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cli_fakes import FakeSource, picture, run

from imgsearch.images import formats
from imgsearch.images.unread_kinds import NO_SUFFIX, unread_kind

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fake_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of one photo, one without a suffix, and of what is not read."""
    folder = tmp_path / "photos"
    picture(folder / "1.png", 1)
    picture(folder / "2.png", 2)
    (folder / "2.png").rename(folder / "two")
    for name in ("a.mp4", "b.MP4", "c.m4v", "d.qoi", "notes.txt", "LICENSE", ".hidden.mov"):
        (folder / name).write_bytes(b"Words, and nothing but words: a text of some length.\n")
    return folder


def counts(report: dict[str, Any]) -> dict[str, int]:
    """Return how many files of each kind a report says were not read."""
    return {entry["kind"]: entry["files"] for entry in report["not_read"]}


def test_index_says_in_one_line_what_it_passed_over(photos: Path) -> None:
    result = run("index", photos)
    assert "not read: 3 MP4, 2 without a suffix, 1 QOI\n" in result.stderr
    report = json.loads(run("index", photos, "--json").stdout)
    assert counts(report) == {"MP4": 3, NO_SUFFIX: 2, "QOI": 1}


def test_any_name_finds_a_photo_without_a_suffix_and_keeps_it(photos: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(photos / "pipe")  # which nobody opens
    report = json.loads(run("index", photos, "--any-name", "--json").stdout)
    assert (report["new"], report["unreadable"]) == (2, 0)
    assert counts(report) == {"MP4": 3, NO_SUFFIX: 2 if hasattr(os, "mkfifo") else 1, "QOI": 1}
    again = json.loads(run("index", photos, "--json").stdout)
    assert (again["new"], again["missing"], again["unchanged"]) == (0, 0, 2)


def test_nothing_that_is_read_is_among_the_kinds_that_are_not() -> None:
    assert {unread_kind(b"a" + os.fsencode(suffix)) for suffix in formats.suffixes()} == {None}
    assert unread_kind(b"film.M2TS") == "MTS"
    assert unread_kind(b"notes.txt") is None
