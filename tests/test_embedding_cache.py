"""Embeddings come back from the cache exactly, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from imgsearch.evaluation.embedding_cache import EmbeddingCache, default_folder, item_key
from imgsearch.evaluation.ground_truth.values import Item
from imgsearch.images.geometry import CropBox
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RECIPE = Recipe(
    backbone="fake",
    weights="sha256:0",
    layer="last",
    size=16,
    resize="squash",
    pooling="gap",
    dim=3,
    preprocessing="raw",
)
KEYS = [bytes([number]) * 16 for number in range(6)]
ROWS: NDArray[np.float32] = np.arange(18, dtype=np.float32).reshape(6, 3)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    """Return a cache that holds six embeddings in three blocks of two."""
    cache = EmbeddingCache(tmp_path / "cache")
    with cache.writer(RECIPE) as writer:
        for start in (0, 2, 4):
            writer.append(KEYS[start : start + 2], ROWS[start : start + 2])
    return cache


def file_of(cache: EmbeddingCache) -> Path:
    """Return the one file of a cache."""
    (path,) = cache.folder.glob("*/*.embeddings")
    return path


def test_what_was_written_is_read_exactly(cache: EmbeddingCache) -> None:
    wanted = [KEYS[5], b"unknown".ljust(16), KEYS[0], KEYS[5]]
    rows, known = cache.read(RECIPE, wanted)
    assert known.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(rows, [ROWS[5], [0, 0, 0], ROWS[0], ROWS[5]])


def test_a_torn_tail_is_ignored(cache: EmbeddingCache) -> None:
    """Wherever the file was cut off, the blocks before are read."""
    path = file_of(cache)
    whole = path.read_bytes()
    block = (len(whole) - 24) // 3
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        known = cache.read(RECIPE, KEYS)[1]
        blocks = max(0, length - 24) // block
        assert known.tolist() == [True] * 2 * blocks + [False] * (6 - 2 * blocks), length


def test_no_flipped_bit_gives_a_wrong_embedding(cache: EmbeddingCache) -> None:
    path = file_of(cache)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        rows, known = cache.read(RECIPE, KEYS)
        assert not known.all(), at
        np.testing.assert_array_equal(rows[known], ROWS[known])


def test_runs_side_by_side_write_files_of_their_own(cache: EmbeddingCache) -> None:
    with cache.writer(RECIPE) as one, cache.writer(RECIPE) as other:
        one.append([b"one".ljust(16)], ROWS[:1])
        other.append([b"other".ljust(16)], ROWS[1:2])
    assert cache.read(RECIPE, [b"one".ljust(16), b"other".ljust(16), KEYS[0]])[1].all()


def test_a_writer_without_a_block_leaves_no_file(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    with cache.writer(RECIPE):
        pass
    assert not list(tmp_path.glob("*/*"))


def test_another_recipe_has_other_embeddings(cache: EmbeddingCache) -> None:
    from dataclasses import replace

    assert not cache.read(replace(RECIPE, pooling="gem"), KEYS)[1].any()


def test_another_recipes_file_is_not_believed(cache: EmbeddingCache) -> None:
    """A file that was moved by hand names its own recipe."""
    from dataclasses import replace

    other = replace(RECIPE, pooling="gem")
    place = cache.folder / f"fake-{other.identifier}"
    place.mkdir()
    file_of(cache).rename(place / "moved.embeddings")
    assert not cache.read(other, KEYS)[1].any()


def test_a_key_differs_with_the_file_its_crop_and_its_edit(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    os.utime(path, ns=(10**18, 10**18))
    keys = {
        item_key(Item(path)),
        item_key(Item(path, crop=CropBox(0, 0, 1, 1))),
        item_key(Item(path, edit="mirror")),
        item_key(Item(tmp_path / "b.png")),
    }
    os.utime(path, ns=(10**18, 10**18 + 1))
    keys.add(item_key(Item(path)))
    path.write_bytes(b"12")
    os.utime(path, ns=(10**18, 10**18 + 1))
    keys.add(item_key(Item(path)))
    assert len(keys) == 6
    assert item_key(Item(path)) == item_key(Item(path))


def test_the_folder_lies_beside_the_exported_graphs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path))
    assert default_folder() == tmp_path / "evaluation"
