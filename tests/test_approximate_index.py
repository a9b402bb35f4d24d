"""The approximate index finds nearly what exact search finds, and never what is not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.vectors import approximate_file
from imgsearch.vectors.approximate import FEW_EXCLUDED, ApproximateIndex
from imgsearch.vectors.approximate_builder import Growing
from imgsearch.vectors.approximate_front import capacities
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_plan import HALF, NOTHING, WHOLE, IndexPlan, candidates_wanted
from imgsearch.vectors.inverted_lists import checked_factory
from imgsearch.vectors.kept_rows import WholeRows
from imgsearch.vectors.probes import Probes
from imgsearch.vectors.segmented import SegmentedIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DIM = 12
COUNT = 1200
ALL = Probes(nprobe=16)
PLAN = IndexPlan(factory="IVF16,SQ8", rescored=2)
HALVES = IndexPlan(factory="IVF16,PQ6x4fs", kept=HALF)
WHOLES = IndexPlan(factory="IVF16,PQ6x4fs", kept=WHOLE)
ONE_LIST = IndexPlan(factory="IVF1,PQ6x4fs", kept=WHOLE)


def rows(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return unit rows around fifty centres, as pictures lie around what they show."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(50, DIM))
    drawn = centres[random.integers(0, 50, count)] + 0.6 * random.normal(size=(count, DIM))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


IDS = np.arange(COUNT) * 3 + 7
VECTORS = rows(COUNT)


def grown(plan: IndexPlan = PLAN) -> ApproximateIndex:
    """Return an index over all vectors, filled in two blocks."""
    growing = Growing.train(plan, VECTORS, query_ids=IDS[:100], queries=VECTORS[:100])
    growing.add(IDS[:500], VECTORS[:500])
    growing.add(IDS[500:], VECTORS[500:])
    return growing.finish()


@pytest.fixture(
    scope="module",
    params=[PLAN, HALVES, WHOLES, ONE_LIST],
    ids=["plain", "halves", "whole", "one list"],
)
def index(request: pytest.FixtureRequest) -> ApproximateIndex:
    """Return one that tests share and do not change, of each kind."""
    return grown(request.param)


def behind_the_front(index: ApproximateIndex) -> int:
    """Return how many bytes of its file are not verified at opening."""
    rooms = capacities(index.list_sizes(), index.block).sum()
    lists = int(rooms) * (index.code_size + 8)
    if index.kept is None:
        return lists
    checksums = 4 * COUNT * isinstance(index.kept, WholeRows)
    return -(-lists // 4096) * 4096 + index.kept.values.nbytes + checksums


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, index: ApproximateIndex) -> bytes:
    """Return the bytes of its file."""
    path = tmp_path_factory.mktemp("lists") / "a.lists"
    approximate_file.save(path, index)
    return path.read_bytes()


def recall(
    found: SegmentedIndex | ApproximateIndex, exact: ExactIndex, queries: NDArray[np.float32]
) -> float:
    """Return ANN recall@10, the candidates scored exactly."""
    width = candidates_wanted(PLAN, 10)
    truth, candidates = exact.search(queries, 10)[1], found.search(queries, width)[1]
    shares = [np.isin(near, some).mean() for near, some in zip(truth, candidates, strict=True)]
    return float(np.mean(shares))


# Search.


def test_the_measured_recall_reaches_the_target_and_holds_for_other_queries(
    index: ApproximateIndex,
) -> None:
    assert index.measured.recall >= 0.98
    assert index.measured.queries == 100
    assert 1 <= index.measured.probed <= index.measured.probes.nprobe <= index.nlist
    assert recall(index, ExactIndex.build(IDS, VECTORS), rows(200, seed=5)) >= 0.95


def test_with_all_lists_probed_and_all_candidates_taken_nothing_is_missed(
    index: ApproximateIndex,
) -> None:
    _, ids = index.search(rows(5, seed=1), COUNT, probes=ALL)
    assert all(set(found) == set(IDS.tolist()) for found in ids.tolist())


def test_the_recall_is_measured_without_the_query_itself() -> None:
    """Queries are vectors of the index; each would find itself and flatter the figure."""
    growing = Growing.train(PLAN, VECTORS, query_ids=IDS[:3], queries=VECTORS[:3])
    growing.add(IDS, VECTORS)
    exact = ExactIndex.build(IDS, VECTORS)
    assert growing._nearest is not None
    for own, near in zip(IDS[:3], growing._nearest, strict=True):
        assert near[0] == own
        _, truth = exact.search(VECTORS[own == IDS], 10, excluded=[own])
        assert set(near[1:].tolist()) == set(truth[0].tolist())


@settings(deadline=None, max_examples=50)
@given(
    allowed=st.none() | st.lists(st.integers(0, 3 * COUNT + 20), max_size=60),
    excluded=st.none() | st.lists(st.integers(0, 3 * COUNT + 20), max_size=60),
    k=st.integers(1, 80),
    seed=st.integers(0, 99),
)
def test_filters_are_kept_and_k_are_found_whenever_k_pass(
    index: ApproximateIndex,
    allowed: list[int] | None,
    excluded: list[int] | None,
    k: int,
    seed: int,
) -> None:
    scores, ids = index.search(
        rows(2, seed=seed),
        k,
        allowed=None if allowed is None else np.array(allowed, dtype=np.int64),
        excluded=None if excluded is None else np.array(excluded, dtype=np.int64),
    )
    passing = set(IDS.tolist()) if allowed is None else set(IDS.tolist()) & set(allowed)
    passing -= set(excluded or ())
    for line, worth in zip(ids.tolist(), scores, strict=True):
        matched = [item for item in line if item >= 0]
        assert set(matched) <= passing
        assert len(set(matched)) == len(matched) == min(k, len(passing))
        assert np.all(np.diff(worth[: len(matched)]) <= 0)
        assert np.all(worth[len(matched) :] == -np.inf)


@pytest.mark.parametrize(
    ("factory", "kept"),
    [
        ("IVF16_HNSW4,SQ8", NOTHING),
        ("OPQ6,IVF16,PQ6x4fs", HALF),
        ("OPQ6_12,IVF16_HNSW4,PQ6x4fs", WHOLE),
    ],
)
def test_named_indexes_with_a_graph_of_centroids_or_a_rotation_serve_alike(
    tmp_path: Path, factory: str, kept: str
) -> None:
    index = grown(IndexPlan(factory=factory, rescored=4, kept=kept))
    assert index.measured.recall >= 0.9
    approximate_file.save(tmp_path / "a", index)
    loaded, _ = approximate_file.load(tmp_path / "a")
    queries = rows(10, seed=4)
    for options in ({}, {"excluded": IDS[:1]}, {"excluded": IDS[:700]}, {"allowed": IDS[5:40]}):
        _, ids = index.search(queries, 20, **options)
        np.testing.assert_array_equal(ids, loaded.search(queries, 20, **options)[1])
        assert (ids >= 0).all()
        assert not np.isin(ids, options.get("excluded", [])).any()
        assert np.isin(ids, options.get("allowed", IDS)).all()


@pytest.mark.parametrize("count", [1, FEW_EXCLUDED, FEW_EXCLUDED + 1, 900])
def test_leaving_out_few_or_many_gives_what_is_left_in_the_same_order(
    index: ApproximateIndex, count: int
) -> None:
    """Few are dropped after the search, many inside it; with all lists probed both are exact."""
    queries = rows(5, seed=11)
    _, everything = index.search(queries, COUNT, probes=ALL)
    gone = everything[0][:count]
    _, left = index.search(queries, 20, excluded=gone, probes=ALL)
    for line, all_of_it in zip(left, everything, strict=True):
        expected = all_of_it[~np.isin(all_of_it, gone)][:20]
        assert len(np.intersect1d(line, expected)) >= 19


@pytest.mark.parametrize(("plan", "tolerance"), [(HALVES, 2e-3), (WHOLES, 1e-6), (ONE_LIST, 1e-6)])
def test_what_is_scored_again_has_the_scores_of_its_vectors(
    plan: IndexPlan, tolerance: float
) -> None:
    """The kept rows decide the order, so coarse codes cost candidates and no precision."""
    index = grown(plan)
    queries = rows(10, seed=2)
    scores, ids = index.search(queries, 5, probes=ALL)
    expected, truth = ExactIndex.build(IDS, VECTORS).search(queries, 5)
    np.testing.assert_allclose(scores, expected, atol=tolerance)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(truth, ids, strict=True)]) > 0.95


def test_whole_rows_are_read_as_they_were_added_and_others_are_not_at_hand() -> None:
    index = grown(WHOLES)
    known, found = index.read(np.array([IDS[7], 6, IDS[-1], 10**9, IDS[0]]))
    assert known.tolist() == [True, False, True, False, True]
    np.testing.assert_array_equal(found, VECTORS[[7, -1, 0]])
    for plan in (PLAN, HALVES):
        known, found = grown(plan).read(IDS[:3])
        assert not known.any()
        assert found.shape == (0, DIM)


def test_where_a_filter_leaves_few_all_of_them_are_scored() -> None:
    """Of those that pass the nearest are found without fail, wherever their lists are."""
    queries = rows(10, seed=6)
    allowed = np.random.default_rng(1).choice(IDS, 300, replace=False)
    scores, ids = grown(WHOLES).search(queries, 10, allowed=allowed)
    expected, truth = ExactIndex.build(IDS, VECTORS).search(queries, 10, allowed=allowed)
    np.testing.assert_array_equal(ids, truth)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_who_asks_for_more_finds_as_large_a_share_of_what_is_nearest() -> None:
    """Even where the tenth of all is asked for, through lists that were tuned for ten."""
    index, queries = grown(WHOLES), rows(50, seed=8)
    assert index.measured.probed < 5
    exact = ExactIndex.build(IDS, VECTORS)
    for k, least in ((10, 0.96), (30, 0.93), (120, 0.85)):
        found, truth = index.search(queries, k + 17)[1], exact.search(queries, k)[1]
        shares = [np.isin(near, ids).mean() for near, ids in zip(truth, found, strict=True)]
        assert np.mean(shares) > least


def test_long_vectors_are_cut_down_to_directions_that_keep_their_products() -> None:
    """Vectors of six values in twelve numbers lose nothing when six are kept."""
    flat = VECTORS.copy()
    flat[:, 6:] = 0
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    plan = IndexPlan(factory="IVF16,Flat", reduced=6)
    growing = Growing.train(plan, flat, query_ids=IDS[:50], queries=flat[:50])
    growing.add(IDS, flat)
    index = growing.finish()
    scores, ids = index.search(flat[:20], 5, probes=ALL)
    expected, _ = ExactIndex.build(IDS, flat).search(flat[:20], 5)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert index.dim == DIM
    np.testing.assert_array_equal(ids[:, 0], IDS[:20])


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("HNSW32", "HNSW"),
        ("IVF16,LSQ4x4fs", "packs its codes"),
        ("IVF16,SQ8,RFlat", "Refine"),
        ("Flat", "IndexFlat"),
        ("nonsense", "could not parse"),
        ("IVF16,PQ5", "multiple"),
        ("IVF99999999,SQ8", "more than"),
    ],
)
def test_an_index_that_cannot_serve_is_named_with_the_reason(factory: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        checked_factory(factory, DIM)
    assert "IVF4096,SQ8" in str(caught.value)
    assert ".cpp" not in str(caught.value)


def test_a_query_that_does_not_fit_is_named(index: ApproximateIndex) -> None:
    with pytest.raises(UsageError, match="queries of shape"):
        index.search(rows(1)[:, :5], 1)
    with pytest.raises(UsageError, match="k: 0"):
        index.search(rows(1), 0)


# File.


@pytest.mark.parametrize("in_memory", [False, True])
def test_what_is_saved_is_searched_alike(
    tmp_path: Path, index: ApproximateIndex, *, in_memory: bool
) -> None:
    checksum = approximate_file.save(tmp_path / "é.lists", index)
    loaded, found = approximate_file.load(tmp_path / "é.lists", in_memory=in_memory)
    assert found == checksum
    assert (loaded.plan, loaded.measured) == (index.plan, index.measured)
    np.testing.assert_array_equal(loaded.ids, index.ids)
    queries = rows(20, seed=3)
    for mine, theirs in zip(index.search(queries, 30), loaded.search(queries, 30), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    approximate_file.verify(tmp_path / "é.lists")


def test_an_index_that_was_mapped_can_be_saved_again(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "a").write_bytes(whole)
    loaded, _ = approximate_file.load(tmp_path / "a")
    approximate_file.save(tmp_path / "b", loaded)
    assert (tmp_path / "b").read_bytes() == whole


def test_a_file_that_is_replaced_or_deleted_goes_on_serving_who_opened_it(
    tmp_path: Path, whole: bytes, index: ApproximateIndex
) -> None:
    path = tmp_path / "a"
    path.write_bytes(whole)
    loaded, _ = approximate_file.load(path)
    path.unlink()
    queries = rows(20, seed=3)
    np.testing.assert_array_equal(loaded.search(queries, 9)[1], index.search(queries, 9)[1])


def test_a_damaged_front_is_refused_at_opening(
    tmp_path: Path, whole: bytes, index: ApproximateIndex
) -> None:
    path = tmp_path / "a"
    loaded_bytes = len(whole) - behind_the_front(index)
    used = len(whole[:loaded_bytes].rstrip(b"\0"))
    for place in np.random.default_rng(0).integers(0, used, 150):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(place % 8)
        path.write_bytes(flipped)
        with pytest.raises(DamagedCacheError, match="imgsearch index"):
            approximate_file.load(path)
    for data in (b"", whole[:39], whole[:-1], whole + b"x", whole[:5000], bytes(len(whole))):
        path.write_bytes(data)
        with pytest.raises(DamagedCacheError):
            approximate_file.load(path)


def test_damaged_lists_are_named_by_verify_and_give_no_id_that_is_not_there(
    tmp_path: Path, whole: bytes, index: ApproximateIndex
) -> None:
    """Codes, positions and halves of any value: candidates change, nothing else does."""
    start = len(whole) - behind_the_front(index)
    for seed in range(5):
        path = tmp_path / f"{seed}.lists"
        random = np.random.default_rng(seed)
        damaged = bytearray(whole)
        for place in random.integers(start, len(whole), 400):
            damaged[place] = int(random.integers(256))
        path.write_bytes(damaged)
        with pytest.raises(DamagedCacheError, match="lists"):
            approximate_file.verify(path)
        loaded, _ = approximate_file.load(path)
        _, ids = loaded.search(rows(20, seed=seed), 40)
        assert set(ids.ravel().tolist()) <= {-1, *IDS.tolist()}
        _, ids = loaded.search(rows(20, seed=seed), 40, allowed=IDS[:30])
        assert set(ids.ravel().tolist()) <= {-1, *IDS[:30].tolist()}


def test_a_damaged_whole_row_is_not_at_hand(tmp_path: Path) -> None:
    """Nor is one that lies in another's place; its score is computed from the database then."""
    index = grown(WHOLES)
    path = tmp_path / "a"
    approximate_file.save(path, index)
    data = bytearray(path.read_bytes())
    row = 4 * DIM
    start = len(data) - COUNT * (row + 4)
    for number in (0, 5, COUNT - 1):
        flipped = bytearray(data)
        flipped[start + row * number + 17] ^= 4
        path.write_bytes(flipped)
        loaded, _ = approximate_file.load(path)
        known, found = loaded.read(IDS)
        assert np.flatnonzero(~known).tolist() == [number]
        np.testing.assert_array_equal(found, np.delete(VECTORS, number, axis=0))
    swapped = bytearray(data)
    swapped[start : start + row], swapped[start + row : start + 2 * row] = (
        data[start + row : start + 2 * row],
        data[start : start + row],
    )
    path.write_bytes(swapped)
    loaded, _ = approximate_file.load(path)
    assert np.flatnonzero(~loaded.read(IDS)[0]).tolist() == [0, 1]


# Segments.


@settings(deadline=None, max_examples=15)
@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(0, 2**16), st.integers(1, 60)), min_size=1, max_size=8
    )
)
def test_additions_and_removals_in_any_order_are_a_fresh_exact_index_within_the_recall(
    index: ApproximateIndex, steps: list[tuple[bool, int, int]]
) -> None:
    segments = SegmentedIndex(index, ExactIndex(DIM), np.empty(0, np.int64))
    truth = dict(zip(IDS.tolist(), VECTORS, strict=True))
    following = 10_000
    for adds, seed, count in steps:
        if adds:
            fresh = np.arange(following, following + count)
            following += count
            segments.add(fresh, rows(count, seed=seed))
            truth |= dict(zip(fresh.tolist(), rows(count, seed=seed), strict=True))
        else:
            random = np.random.default_rng(seed)
            gone = random.choice(list(truth), count, replace=False)
            assert segments.remove([*gone, 5]) == count
            for item in gone.tolist():
                del truth[item]
    assert len(segments) == len(truth)
    assert set(segments.ids.tolist()) == set(truth)
    exact = ExactIndex.build(list(truth), np.stack(list(truth.values())))
    queries = rows(100, seed=7)
    _, ids = segments.search(queries, 40)
    assert set(ids.ravel().tolist()) <= {-1, *truth}
    assert recall(segments, exact, queries) >= index.measured.recall - 0.05


def test_a_removed_id_can_come_back_with_another_vector(index: ApproximateIndex) -> None:
    segments = SegmentedIndex(index, ExactIndex(DIM), np.empty(0, np.int64))
    segments.remove(IDS[:1])
    fresh = -VECTORS[:1]
    segments.add(IDS[:1], fresh)
    scores, ids = segments.search(fresh, 5, allowed=IDS[:1])
    assert ids[0].tolist()[0] == IDS[0]
    assert scores[0][0] == pytest.approx(1, abs=1e-5)
    assert len(segments) == COUNT
    known, found = segments.kept(np.array([IDS[0], 3]))
    assert known.tolist() == [True, False]
    np.testing.assert_array_equal(found, fresh)


def test_filters_act_in_both_segments(index: ApproximateIndex) -> None:
    segments = SegmentedIndex(index, ExactIndex(DIM), np.empty(0, np.int64))
    segments.add([1, 2], rows(2, seed=9))
    _, ids = segments.search(rows(1), 9, allowed=[1, 2, 7, 10], excluded=[2, 10])
    assert sorted(ids[ids >= 0].tolist()) == [1, 7]
