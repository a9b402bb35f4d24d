"""What is searched is a function of the rows; the cache only saves time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource

from imgsearch import files
from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.gallery import checking, information, maintenance
from imgsearch.images.metadata import Metadata
from imgsearch.recipe import RecipeRequest
from imgsearch.search import space_building, space_cache
from imgsearch.search.cache_files import cache_files, cache_path, lists_files, unfinished_files
from imgsearch.search.local_engine import LocalEngine
from imgsearch.search.search_space import SearchSpace, combined
from imgsearch.search.space_cache import (
    SMALL,
    SMALL_GROWTH,
    _is_outgrown,
    choose_index,
    index_choice,
    open_space,
    read_cache,
    refresh_cache,
)
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.vectors import projection_fitting
from imgsearch.vectors.index_plan import IndexChoice
from imgsearch.vectors.projection_choice import DEFAULT, MINIMUM_COUNT, NONE, ProjectionChoice
from imgsearch.vectors.segmented import SegmentedIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.storage.records import StoredRecipe

DIM = 48


class Rows:
    """Rows in memory with a folder for their caches."""

    def __init__(self, folder: Path, name: str = "auto") -> None:
        self.folder = folder
        self.store = Store.in_memory()
        request = RecipeRequest(backbone=name)
        recipe = FakeSource().resolve(request, offline=True)
        self.recipe_id = self.store.add_recipe(recipe).id
        self.count = 0

    @property
    def stored(self) -> StoredRecipe:
        """The recipe at its present generation."""
        return self.store.recipes()[0]

    @property
    def embeddings(self) -> Embeddings:
        """What the rows hold at present."""
        return Embeddings(self.store, self.folder, self.stored)

    def add(self, count: int, *, hashes: NDArray[np.int64] | None = None) -> None:
        """Keep contents with random unit vectors; a hash names its vector."""
        for number in range(self.count, self.count + count) if hashes is None else hashes:
            random = np.random.default_rng(int(number))
            vector = random.normal(size=DIM) + 3
            vector /= np.linalg.norm(vector)
            facts = Metadata(width=1, height=1, format="PNG")
            content_id = self.store.add_content(f"{int(number):064x}", 1, facts)
            self.store.add_embedding(self.recipe_id, content_id, vector.astype(np.float32))
        self.count += count
        self.store.raise_generation(self.recipe_id)

    def remove(self, count: int) -> None:
        """Drop the first contents."""
        for (content_id,) in self.store.connection.execute(
            "SELECT id FROM content ORDER BY id LIMIT ?", (count,)
        ).fetchall():
            self.store.connection.execute("DELETE FROM content WHERE id = ?", (content_id,))
            self.store.remove_embedding(self.recipe_id, content_id)
        self.store.raise_generation(self.recipe_id)

    def refresh(self) -> SearchSpace:
        """Write the cache."""
        return refresh_cache(self.embeddings)

    def open(self, choice: ProjectionChoice = DEFAULT) -> SearchSpace:
        """Open the space for reading."""
        return open_space(self.embeddings, choice)

    @property
    def path(self) -> Path:
        """Where the present cache lies."""
        return cache_path(self.embeddings)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Return empty rows."""
    return Rows(tmp_path)


def same(a: SearchSpace, b: SearchSpace) -> bool:
    """Whether two spaces hold the same vectors under the same ids."""
    ids = np.sort(a.index.ids)
    return bool(
        np.array_equal(ids, np.sort(b.index.ids))
        and np.array_equal(a.index.vectors(ids), b.index.vectors(ids))
    )


@pytest.mark.parametrize(
    ("count", "is_projected"), [(MINIMUM_COUNT - 1, False), (MINIMUM_COUNT, True)]
)
def test_the_projection_begins_at_the_minimum_count(
    rows: Rows,
    count: int,
    is_projected: bool,  # noqa: FBT001 - a table
) -> None:
    rows.add(count)
    assert (rows.open().projection is not None) == is_projected
    assert (rows.refresh().projection is not None) == is_projected


def test_a_gallery_that_grows_is_fitted_at_the_minimum_and_again_when_it_has_outgrown_that(
    rows: Rows,
) -> None:
    versions = []
    grown_at = math.ceil(SMALL_GROWTH * MINIMUM_COUNT)
    for added in (MINIMUM_COUNT - 1, 1, 1, grown_at - MINIMUM_COUNT - 2, 1, 1):
        rows.add(added)
        space = rows.refresh()
        versions.append(space.projection.version if space.projection else "none")
    none, first, second, third, grown, after = versions
    assert none == "none"
    assert first == second == third != "none"
    assert grown == after != first


def test_a_gallery_that_shrinks_is_fitted_again(rows: Rows) -> None:
    rows.add(4 * MINIMUM_COUNT)
    first = rows.refresh().projection
    rows.remove(4 * MINIMUM_COUNT - math.floor(4 * MINIMUM_COUNT / SMALL_GROWTH) - 1)
    second = rows.refresh().projection
    rows.remove(1)
    third = rows.refresh().projection
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.version == second.version != third.version


@pytest.mark.parametrize(
    ("fitted_at", "count", "outgrown"),
    [
        (1_000, 1_249, False),
        (1_000, 1_250, True),
        (SMALL, 2 * SMALL - 1, False),
        (SMALL, 2 * SMALL, True),
        (SMALL, SMALL // 2 + 1, False),
        (SMALL, SMALL // 2, True),
    ],
)
def test_a_large_gallery_is_fitted_again_when_it_has_doubled_a_small_one_at_a_quarter_more(
    rows: Rows, fitted_at: int, count: int, *, outgrown: bool
) -> None:
    rows.add(MINIMUM_COUNT)
    space = rows.refresh()
    space.fitted_at = fitted_at
    assert _is_outgrown(space, count) == outgrown


@pytest.mark.parametrize("count", [7, MINIMUM_COUNT])
def test_a_deleted_cache_is_built_again_to_the_last_bit(rows: Rows, count: int) -> None:
    rows.add(count)
    before = rows.refresh()
    data = rows.path.read_bytes()
    rows.path.unlink()
    assert same(rows.open(), before)
    rows.refresh()
    assert rows.path.read_bytes() == data


def test_the_projection_does_not_depend_on_the_order_in_which_contents_came(
    tmp_path: Path,
) -> None:
    """To the last bit, or a gallery that was interrupted would answer otherwise than another."""
    numbers = np.arange(MINIMUM_COUNT + 50)
    versions = set()
    for seed in range(4):
        rows = Rows(tmp_path)
        rows.add(len(numbers), hashes=np.random.default_rng(seed).permutation(numbers))
        space = rows.open()
        assert space.projection is not None
        versions.add(space.projection.version)
    assert len(versions) == 1


@pytest.mark.parametrize("start", [5, MINIMUM_COUNT])
def test_a_stale_cache_is_brought_up_to_date_in_memory(rows: Rows, start: int) -> None:
    rows.add(start)
    old = rows.refresh()
    rows.add(20)
    rows.remove(3)
    space = rows.open()
    assert sorted(space.index.ids.tolist()) == rows.store.embedded_ids(rows.recipe_id).tolist()
    for ids, raw in rows.store.embeddings(rows.stored):
        np.testing.assert_array_equal(space.index.vectors(ids), old.project(raw))
    assert not rows.path.is_file(), "readers never write"


def test_a_reader_of_an_older_state_never_uses_a_newer_cache(rows: Rows) -> None:
    """It can't be told from a cache that is left when the database was restored from a copy."""
    rows.add(10)
    earlier = rows.stored
    known = rows.store.embedded_ids(rows.recipe_id)
    rows.add(5)
    rows.refresh()
    rows.remove(0)
    for content_id in range(11, 16):
        rows.store.remove_embedding(rows.recipe_id, content_id)
    space = open_space(Embeddings(rows.store, rows.folder, earlier), DEFAULT)
    assert sorted(space.index.ids.tolist()) == known.tolist()


@pytest.mark.parametrize("count", [0, 6, MINIMUM_COUNT])
def test_any_damage_to_the_cache_costs_time_and_no_answer(rows: Rows, count: int) -> None:
    rows.add(count)
    expected = rows.refresh()
    data = rows.path.read_bytes()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(data), 25):
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(random.integers(8))
        rows.path.write_bytes(flipped)
        with pytest.raises(DamagedCacheError):
            read_cache(rows.path, rows.embeddings)
        assert same(rows.open(), expected)
    for cut in (b"", data[:10], data[:-1], data + b"\0"):
        rows.path.write_bytes(cut)
        assert same(rows.open(), expected)
    rows.refresh()
    assert rows.path.read_bytes() == data


def test_a_cache_of_another_recipe_under_this_ones_name_is_not_believed(tmp_path: Path) -> None:
    rows, other = Rows(tmp_path), Rows(tmp_path, "other")
    rows.add(6)
    other.add(9)
    other.refresh()
    other.path.rename(rows.path)
    with pytest.raises(DamagedCacheError, match="holds recipe"):
        read_cache(rows.path, rows.embeddings)
    assert len(rows.open().index) == 6


def test_an_older_cache_under_a_newer_name_is_brought_up_to_date(rows: Rows) -> None:
    rows.add(6)
    rows.refresh()
    old = rows.path
    rows.add(2)
    old.rename(rows.path)
    assert len(rows.open().index) == 8


def test_a_refresh_leaves_one_cache_and_touches_no_other_recipes(tmp_path: Path) -> None:
    rows, other = Rows(tmp_path), Rows(tmp_path, "other")
    other.add(3)
    other.refresh()
    for _ in range(3):
        rows.add(2)
        rows.refresh()
    assert {cache.path for cache in cache_files(tmp_path)} == {rows.path, other.path}
    (tmp_path / "index-notes.txt").write_text("mine")
    (tmp_path / "index-zz.faiss").write_text("mine")
    rows.add(1)
    rows.refresh()
    assert (tmp_path / "index-zz.faiss").exists()


def test_a_write_that_was_cut_off_is_found_by_its_name(rows: Rows, tmp_path: Path) -> None:
    """The name is `write_atomically`'s own: this holds the two modules together."""
    rows.add(3)
    names: list[str] = []
    real = files.os.fsync

    def fsync(descriptor: int) -> None:
        names.extend(path.name for path in unfinished_files(tmp_path))
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "fsync", fsync)
        rows.refresh()
    assert len(names) == 1
    assert unfinished_files(tmp_path) == []


def test_what_a_killed_write_left_is_deleted_by_the_next_write(rows: Rows, tmp_path: Path) -> None:
    left = tmp_path / f".{rows.path.name}.0a0b0c0d.tmp"
    left.write_bytes(b"half")
    rows.add(3)
    rows.refresh()
    assert not left.exists()


@pytest.mark.parametrize("noise", [0, 1e-9])
def test_pictures_that_nothing_tells_apart_are_searched_raw(rows: Rows, noise: float) -> None:
    """There is nothing to fit a projection on, and that must not stop an index run."""
    vector = np.zeros(DIM, np.float32)
    vector[0] = 1
    for number in range(MINIMUM_COUNT + 10):
        facts = Metadata(width=1, height=1, format="PNG")
        content_id = rows.store.add_content(f"{number:064x}", 1, facts)
        vector[7] = noise * (number % 3)
        rows.store.add_embedding(rows.recipe_id, content_id, vector)
    assert rows.refresh().projection is None
    assert rows.open().projection is None
    with pytest.raises(UsageError, match=r"all \d+ embeddings are the same"):
        rows.open(ProjectionChoice.parse("8"))


def test_another_projection_is_fitted_for_the_query_and_not_kept(rows: Rows) -> None:
    rows.add(MINIMUM_COUNT)
    rows.refresh()
    data = rows.path.read_bytes()
    assert rows.open(NONE).projection is None
    chosen = rows.open(ProjectionChoice.parse("8:0.5"))
    assert chosen.index.dim == 8
    assert rows.open().index.dim == min(DEFAULT.dim, DIM)
    assert rows.path.read_bytes() == data
    assert len(cache_files(rows.folder)) == 1


def test_the_query_vector_is_the_mean_less_the_mean_and_of_unit_length() -> None:
    every = np.eye(3, dtype=np.float32)
    third = 1 / np.sqrt(3)
    np.testing.assert_allclose(combined(every, np.ones(3), asked=3), [third] * 3, atol=1e-7)
    np.testing.assert_allclose(
        combined(every, np.ones(3), asked=2), np.array([0.5, 0.5, -1]) / np.sqrt(1.5), atol=1e-7
    )
    assert not combined(every[[0, 0]], np.ones(2), asked=1).any()


def test_the_fit_uses_a_sample_of_a_large_gallery(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_building, "FIT_SAMPLE", 100)
    rows.add(MINIMUM_COUNT)
    fitted = rows.open().projection
    assert fitted is not None
    assert fitted.fitted_count == 100
    sample = np.concatenate([raw for _, raw in rows.store.embeddings(rows.stored, range(1, 101))])
    assert (
        projection_fitting.fit(sample, dim=DEFAULT.dim, power=DEFAULT.power).version
        == fitted.version
    )


# Approximate indexes: what a large gallery gets, here asked for by name.

KIND = "IVF8,SQ8"


@pytest.fixture
def large(rows: Rows) -> Rows:
    """Return rows that are searched approximately, with a cache of theirs."""
    assert choose_index(rows.embeddings, factory=KIND)
    rows.add(600)
    rows.refresh()
    return rows


def segments(space: SearchSpace) -> SegmentedIndex:
    assert isinstance(space.index, SegmentedIndex)
    return space.index


def nearest(rows: Rows, space: SearchSpace, content_id: int, k: int = 10) -> dict[int, float]:
    """Return what a content's own embedding finds, scored exactly."""
    own = rows.store.embedding(rows.stored, content_id)
    assert own is not None
    query = space.project(own[np.newaxis])
    _, ids = space.index.search(query, space.candidates(k))
    found, vectors = space.vectors(rows.embeddings, ids[0][ids[0] >= 0])
    scores = (vectors.astype(np.float64) * query[0]).sum(axis=1).round(6)
    best = np.lexsort((found, -scores))[:k]
    return dict(zip(found[best].tolist(), scores[best].tolist(), strict=True))


def test_an_approximate_index_is_written_beside_the_cache_and_read_back(large: Rows) -> None:
    space = large.open()
    assert segments(space).base.plan.factory == KIND
    # Random vectors are the worst case of lists: nearly all of eight are probed.
    measured = segments(space).base.measured
    assert 6 < measured.probed <= 8
    assert measured.recall > 0.97
    assert not space.is_exact
    assert [file.path for file in lists_files(large.folder)] == [
        large.folder / space.base.split(" ")[0]
    ]
    exact = open_space(replace(large.embeddings, folder=large.folder / "elsewhere"), DEFAULT)
    shared = 0
    for content_id in range(1, 41):
        mine, truth = nearest(large, space, content_id), nearest(large, exact, content_id)
        shared += len(mine.keys() & truth.keys())
        assert all(truth[key] == score for key, score in mine.items() if key in truth)
    assert shared >= (measured.recall - 0.1) * 400


def test_changes_are_searchable_without_a_rebuild_and_leave_the_lists_as_they_are(
    large: Rows,
) -> None:
    lists = lists_files(large.folder)[0].path
    before = lists.stat().st_mtime_ns, lists.stat().st_ino
    large.add(20)
    large.remove(5)
    in_memory = large.open()
    written = large.refresh()
    read = large.open()
    ids = large.store.embedded_ids(large.recipe_id)
    for space in (in_memory, written, read):
        assert (len(segments(space).tail), len(segments(space).removed)) == (20, 5)
        assert np.array_equal(np.sort(space.index.ids), ids)
        assert next(iter(nearest(large, space, 620))) == 620
        assert not set(range(1, 6)) & nearest(large, space, 10, k=600).keys()
    assert [file.path for file in lists_files(large.folder)] == [lists]
    assert (lists.stat().st_mtime_ns, lists.stat().st_ino) == before
    assert len(cache_files(large.folder)) == 1


def test_when_much_has_changed_the_lists_are_built_anew(large: Rows) -> None:
    first = lists_files(large.folder)
    large.add(31)
    space = large.refresh()
    assert len(segments(space).tail) == 0
    assert len(segments(space).base) == 631
    assert lists_files(large.folder) != first
    assert len(lists_files(large.folder)) == 1


def test_another_choice_is_remembered_and_carried_out_by_the_next_refresh(large: Rows) -> None:
    assert not choose_index(large.embeddings, factory=KIND)
    assert choose_index(large.embeddings, factory="IVF4,SQfp16", memory=10**6)
    assert segments(large.refresh()).base.plan.factory == "IVF4,SQfp16"
    assert index_choice(large.store) == IndexChoice(factory="IVF4,SQfp16", memory=10**6)
    assert choose_index(large.embeddings, factory="auto")
    assert index_choice(large.store).memory == 10**6
    assert choose_index(large.embeddings, factory="exact")
    assert large.refresh().is_exact
    assert lists_files(large.folder) == []
    with pytest.raises(UsageError, match="HNSW"):
        choose_index(large.embeddings, factory="HNSW32")
    assert index_choice(large.store).factory == "exact"


def test_a_run_that_ends_before_the_chosen_index_is_there_leaves_it_to_the_next(
    large: Rows,
) -> None:
    """Killed, or with a full disk: the choice is stored, and no cache may count as current."""
    engine = LocalEngine()
    assert engine.is_current(large.embeddings)
    assert engine.choose(large.embeddings, factory="IVF4,SQfp16", memory=None)
    assert not engine.is_current(large.embeddings)
    assert len(large.open().index) == len(large.refresh().index) == 600
    assert engine.is_current(large.embeddings)


@pytest.mark.parametrize("damage", ["absent", "front", "other"])
def test_lists_that_are_not_whole_cost_time_and_no_answer(
    large: Rows, damage: str, said: list[str]
) -> None:
    lists = lists_files(large.folder)[0].path
    data = lists.read_bytes()
    lists.unlink()
    if damage == "front":
        lists.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    if damage == "other":
        other = Rows(large.folder / "other")
        other.folder.mkdir()
        choose_index(other.embeddings, factory=KIND)
        other.add(500)
        other.refresh()
        lists.write_bytes(lists_files(other.folder)[0].path.read_bytes())
    with pytest.raises((DamagedCacheError, OSError)):
        read_cache(large.path, large.embeddings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space_cache, "LARGE_COUNT", 600)
        said.clear()
        space = open_space(large.embeddings, DEFAULT)
    assert space.is_exact
    assert len(space.index) == 600
    assert "imgsearch index" in said[0]
    large.refresh()
    assert segments(large.open()).base.plan.factory == KIND
    assert lists_files(large.folder)[0].path.read_bytes() == data


@pytest.mark.parametrize("place", [100, -100])
def test_damaged_lists_are_not_current_and_the_next_refresh_writes_them_anew(
    large: Rows, place: int
) -> None:
    """In their front, which every opening verifies, and behind it, where only `index` looks."""
    engine = LocalEngine()
    assert engine.is_current(large.embeddings)
    lists = lists_files(large.folder)[0].path
    data = lists.read_bytes()
    damaged = bytearray(data)
    damaged[place] ^= 1
    lists.write_bytes(damaged)
    assert not engine.is_current(large.embeddings)
    engine.refresh(large.embeddings)
    assert engine.is_current(large.embeddings)
    assert [finding.severity for finding in engine.check(large.embeddings)] == []


def test_an_older_cache_takes_the_place_of_a_foreign_one_of_the_present_name(
    rows: Rows, tmp_path: Path
) -> None:
    rows.add(6)
    rows.refresh()
    old = rows.path
    kept = old.read_bytes()
    rows.add(2)
    stranger = Rows(tmp_path / "other")
    stranger.folder.mkdir()
    stranger.add(3)
    stranger.add(5)
    stranger.refresh()
    rows.path.write_bytes(stranger.path.read_bytes())
    old.write_bytes(kept)
    rows.refresh()
    assert len(read_cache(rows.path, rows.embeddings).index) == 8


def test_a_candidate_without_a_row_is_dropped(large: Rows) -> None:
    """As a damaged list may name one."""
    found, vectors = large.open().vectors(large.embeddings, np.array([3, 10**9]))
    assert found.tolist() == [3]
    assert len(vectors) == 1
    found, vectors = large.open().vectors(large.embeddings, np.array([10**9]))
    assert (len(found), vectors.shape) == (0, (0, DIM))


def test_a_reader_goes_on_while_a_writer_replaces_the_lists(large: Rows) -> None:
    reader = large.open()
    before = nearest(large, reader, 7)
    large.add(40)
    large.refresh()
    assert nearest(large, reader, 7) == before


def test_lists_that_no_cache_names_are_noticed_and_cleared(large: Rows) -> None:
    left = large.folder / f"index-{large.stored.recipe.identifier}-999.lists"
    left.write_bytes(b"half")
    findings = checking.check(large.store, large.folder, LocalEngine())
    assert [finding.severity for finding in findings if left.name in finding.what] == ["note"]
    large.add(1)
    large.refresh()
    assert not left.exists()
    assert len(lists_files(large.folder)) == 1


def test_the_check_reads_the_lists_that_a_query_maps_unread(large: Rows) -> None:
    clean = checking.check(large.store, large.folder, LocalEngine())
    assert not any(finding.severity != "note" for finding in clean)
    lists = lists_files(large.folder)[0].path
    data = lists.read_bytes()
    lists.unlink()
    lists.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert large.open().index.ids.size == 600
    (finding,) = [
        item
        for item in checking.check(large.store, large.folder, LocalEngine())
        if lists.name in item.what
    ]
    assert finding.severity == "cache"
    findings = checking.repair(large.store, large.folder, LocalEngine(), findings=[finding])
    assert findings[0].repaired
    assert lists.read_bytes() == data


def test_information_tells_of_the_index(large: Rows) -> None:
    large.add(20)
    large.remove(5)
    large.refresh()
    (about,) = information.information(large.store, large.folder, LocalEngine()).recipes
    assert (about.index, about.added, about.removed) == (KIND, 20, 5)
    assert about.recall == segments(large.open()).base.measured.recall
    assert about.recall_queries == 500
    assert about.cache_bytes > lists_files(large.folder)[0].path.stat().st_size
    large.store.set_setting("index", IndexChoice(factory="exact").to_json())
    large.refresh()
    (about,) = information.information(large.store, large.folder, LocalEngine()).recipes
    assert (about.index, about.recall) == ("exact", None)


def test_pruning_keeps_the_lists_that_are_needed(large: Rows) -> None:
    left = large.folder / f"index-{large.stored.recipe.identifier}-999.lists"
    left.write_bytes(b"half")
    needed = lists_files(large.folder)[-1].path
    large.store.connection.execute("UPDATE content SET bytes = bytes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "remove_orphans", lambda _: 0)
        maintenance.prune(large.store, large.folder, LocalEngine())
    assert [file.path for file in lists_files(large.folder)] == [needed]
