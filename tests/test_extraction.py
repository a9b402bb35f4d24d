"""The pipeline: every item once, in order, within a bounded window, whatever the files hold."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, write_picture

from imgsearch.images import loading
from imgsearch.indexing.file_loader import LoadedFile, load_files
from imgsearch.recipe import RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECIPE = FakeSource().resolve(RecipeRequest(), offline=True)


def load(paths: list[Path], *, embedded: frozenset[str] = frozenset()) -> list[LoadedFile[Path]]:
    """Load files with three threads."""
    return list(
        load_files(
            paths,
            lambda path: path,
            recipe=RECIPE,
            is_embedded=embedded.__contains__,
            jobs=3,
        )
    )


def test_files_come_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    paths = [write_picture(tmp_path / f"{n}.png", seed=n, side=8 + 13 * (n % 5)) for n in range(60)]
    loaded = load(paths)
    assert [file.item for file in loaded] == paths
    for file in loaded:
        data = file.item.read_bytes()
        assert file.hash == hashlib.sha256(data).hexdigest()
        assert file.bytes == len(data)
        assert file.reason is None
        assert file.image is not None
        expected = loading.load(data, size=RECIPE.size, resize=RECIPE.resize)
        np.testing.assert_array_equal(file.image.pixels, expected.pixels)


def test_what_is_embedded_already_is_hashed_but_not_decoded(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", seed=1)
    content_hash = hashlib.sha256(path.read_bytes()).hexdigest()
    (file,) = load([path], embedded=frozenset([content_hash]))
    assert (file.hash, file.image, file.reason) == (content_hash, None, None)


def test_files_that_cannot_be_read_carry_a_reason_and_stop_nothing(tmp_path: Path) -> None:
    good = write_picture(tmp_path / "good.png", seed=1)
    empty, text, cut = tmp_path / "empty.png", tmp_path / "text.jpg", tmp_path / "cut.png"
    empty.write_bytes(b"")
    text.write_bytes(b"not an image")
    cut.write_bytes(good.read_bytes()[:60])
    loaded = load([empty, good, text, tmp_path, cut, tmp_path / "vanished.png", good])
    assert [file.reason is None for file in loaded] == [
        False, True, False, False, False, False, True,
    ]  # fmt: skip
    assert [bool(file.hash) for file in loaded] == [False, True, True, False, True, False, True]
    assert all(str(tmp_path) not in (file.reason or "") for file in loaded)


def test_no_more_than_a_window_of_files_is_under_way(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", seed=1)
    drawn = 0

    def items() -> Iterator[Path]:
        nonlocal drawn
        for _ in range(500):
            drawn += 1
            yield path

    loading = load_files(
        items(), lambda item: item, recipe=RECIPE, is_embedded=lambda _: False, jobs=2
    )
    for taken in range(1, 51):
        next(loading)
        assert drawn <= taken + 16
    loading.close()
    assert drawn < 100


def test_closing_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", seed=1)
    loading = load_files(
        [path] * 100, lambda item: item, recipe=RECIPE, is_embedded=lambda _: False, jobs=2
    )
    next(loading)
    loading.close()
    assert not [thread for thread in threading.enumerate() if "imgsearch" in thread.name]


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_an_error_that_is_no_files_fault_reaches_the_caller(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = write_picture(tmp_path / "a.png", seed=1)

    def fail(_hash: str) -> bool:
        raise error("the database is gone")

    with pytest.raises(error, match="database"):
        list(load_files([path], lambda item: item, recipe=RECIPE, is_embedded=fail))


def test_nothing_to_load_is_nothing() -> None:
    assert load([]) == []


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hashed is what is decoded, though the file may change meanwhile."""
    path = write_picture(tmp_path / "a.png", seed=1)
    reads: list[Path] = []
    real = loading.read_file

    def read(asked: Path) -> bytes:
        reads.append(asked)
        data = real(asked)
        write_picture(path, seed=2)
        return data

    monkeypatch.setattr(loading, "read_file", read)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    (file,) = load([path])
    assert reads == [path]
    assert file.hash == before
