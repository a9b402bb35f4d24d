"""Whether photo folders are there, found out without listing them at every query."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from imgsearch.storage.online import is_online

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_AGO = time.time() - 1_000


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that are listed, in their order."""
    seen: list[Path] = []
    scandir = os.scandir

    def listing(folder: Path) -> Iterator[os.DirEntry[str]]:
        seen.append(folder)
        return scandir(folder)

    monkeypatch.setattr("imgsearch.storage.online.os.scandir", listing)
    # What was changed just now, as all of a test's folders are, would be listed every time.
    monkeypatch.setattr("imgsearch.storage.online._SETTLED_NS", -(10**18))
    return seen


def test_a_folder_with_something_in_it_is_listed_once_until_it_changes(
    tmp_path: Path, listed: list[Path]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    assert not is_online(folder)
    assert not is_online(folder)
    photo = folder / "1.jpg"
    photo.touch()
    assert [is_online(folder) for _ in range(3)] == [True] * 3
    assert len(listed) == 3
    photo.unlink()
    os.utime(folder, (LONG_AGO, LONG_AGO))
    assert not is_online(folder)


def test_another_folder_in_its_place_is_another_one(tmp_path: Path, listed: list[Path]) -> None:
    """As when a drive is unplugged, and its empty mount point is left."""
    folder, empty = tmp_path / "photos", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    (folder / "1.jpg").touch()
    assert is_online(folder)
    os.utime(empty, ns=(folder.stat().st_atime_ns, folder.stat().st_mtime_ns))
    folder.rename(tmp_path / "elsewhere")
    empty.rename(folder)
    assert not is_online(folder)
    assert len(listed) == 2


def test_what_has_just_changed_is_listed_every_time(
    tmp_path: Path, listed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times of files come in steps: another change within one would not show."""
    monkeypatch.setattr("imgsearch.storage.online._SETTLED_NS", 10**10)
    (tmp_path / "1.jpg").touch()
    assert is_online(tmp_path)
    assert is_online(tmp_path)
    assert len(listed) == 2


def test_no_folder_is_not_online(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not is_online(tmp_path / "nothing")
    assert not is_online(tmp_path / "file")
