"""The index finds what NumPy's brute force finds, and its file is whole or refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.files import TEMPORARY_SUFFIX
from imgsearch.vectors import index_header
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.exact_file import load, save
from imgsearch.vectors.index_header import IndexHeader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DIM = 5


def unit_rows(count: int, *, seed: int = 0, dim: int = DIM) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def header_of(index: ExactIndex, **changes: Any) -> IndexHeader:
    values = {"recipe": "0123456789ab", "projection": "none", "generation": 7}
    return IndexHeader(**(values | {"dim": index.dim, "count": len(index)} | changes))


@dataclass(frozen=True)
class BruteForce:
    """Every inner product, in float64, sorted."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def scores(self, query: NDArray[np.float32]) -> dict[int, float]:
        """Return the score of every id."""
        products = self.vectors.astype(np.float64) @ query.astype(np.float64)
        return dict(zip(self.ids.tolist(), products.tolist(), strict=True))

    def check(
        self,
        found: tuple[NDArray[np.float32], NDArray[np.int64]],
        queries: NDArray[np.float32],
        passing: set[int],
    ) -> None:
        """Compare, with room for the rounding of float32 where scores are all but equal."""
        for query, scores, ids in zip(queries, *found, strict=True):
            truth = self.scores(query)
            expected = sorted((truth[item] for item in passing), reverse=True)[: len(ids)]
            matched = [int(item) for item in ids if item >= 0]
            assert len(matched) == len(expected)
            assert len(set(matched)) == len(matched)
            assert set(matched) <= passing
            assert np.all(ids[len(matched) :] == -1)
            assert np.all(scores[len(matched) :] == -np.inf)
            np.testing.assert_allclose(scores[: len(matched)], expected, atol=1e-5)
            np.testing.assert_allclose([truth[item] for item in matched], expected, atol=1e-5)


# Search.


def test_inner_products_by_hand() -> None:
    """(1, 0) against (3, 4) / 5, (1, 0) and (0, 1): 0.6, 1 and 0."""
    vectors = np.array([[0.6, 0.8], [1, 0], [0, 1]], dtype=np.float32)
    index = ExactIndex.build([30, 10, 20], vectors)
    scores, ids = index.search(np.array([[1, 0]], dtype=np.float32), 4)
    np.testing.assert_array_equal(ids, [[10, 30, 20, -1]])
    np.testing.assert_allclose(scores, [[1, 0.6, 0, -np.inf]])
    assert scores.dtype == np.float32
    assert ids.dtype == np.int64


def test_equal_scores_are_ordered_by_id() -> None:
    index = ExactIndex.build([9, 3, 5, 1], np.ones((4, 2), dtype=np.float32))
    _, ids = index.search(np.ones((1, 2), dtype=np.float32), 4)
    np.testing.assert_array_equal(ids, [[1, 3, 5, 9]])


ids_of_any_size = st.one_of(st.integers(0, 40), st.integers(0, 2**63 - 1))


@settings(deadline=None)
@given(
    held=st.lists(ids_of_any_size, unique=True, max_size=60),
    asked=st.integers(0, 25),
    k=st.integers(1, 80),
    seed=st.integers(0, 2**16),
    data=st.data(),
)
def test_search_is_brute_force_under_every_filter(
    held: list[int], asked: int, k: int, seed: int, data: st.DataObject
) -> None:
    """Filters name ids that are held and ids that are not, none of them, or nothing at all."""
    some = st.none() | st.lists(st.sampled_from([*held, 41, 43, 2**63 - 1]), max_size=80)
    allowed, excluded = data.draw(some), data.draw(some)
    vectors, queries = unit_rows(len(held), seed=seed), unit_rows(asked, seed=seed + 1)
    index = ExactIndex.build(np.array(held, dtype=np.int64), vectors)
    found = index.search(
        queries,
        k,
        allowed=None if allowed is None else np.array(allowed, dtype=np.int64),
        excluded=None if excluded is None else np.array(excluded, dtype=np.int64),
    )
    passing = set(held) if allowed is None else set(held) & set(allowed)
    passing -= set(excluded or ())
    assert found[0].shape == found[1].shape == (asked, k)
    oracle = BruteForce(np.array(held, dtype=np.int64), vectors)
    oracle.check(found, queries, passing)


def test_a_large_index_in_many_batches_is_brute_force() -> None:
    """Enough queries and vectors for every path that FAISS chooses by size."""
    vectors, queries = unit_rows(5000, dim=64), unit_rows(300, seed=1, dim=64)
    ids = np.random.default_rng(2).permutation(5000) * 3
    index = ExactIndex.build(ids, vectors)
    allowed = ids[:4000]
    found = index.search(queries, 120, allowed=allowed, excluded=allowed[:100])
    BruteForce(ids, vectors).check(found, queries, set(allowed[100:].tolist()))
    found = index.search(queries, 7)
    BruteForce(ids, vectors).check(found, queries, set(ids.tolist()))


def test_an_empty_allowed_set_finds_nothing() -> None:
    index = ExactIndex.build([1, 2], unit_rows(2))
    scores, ids = index.search(unit_rows(3), 2, allowed=[])
    assert np.all(ids == -1)
    assert np.all(scores == -np.inf)


def test_excluding_everything_finds_nothing() -> None:
    index = ExactIndex.build([1, 2], unit_rows(2))
    _, ids = index.search(unit_rows(1), 2, excluded=[2, 1, 5])
    assert np.all(ids == -1)


def test_an_empty_index_finds_nothing_and_takes_vectors_later() -> None:
    index = ExactIndex.build([], np.empty((0, DIM), dtype=np.float32))
    assert len(index) == 0
    assert index.search(unit_rows(1), 3)[1].tolist() == [[-1, -1, -1]]
    index.add([4], unit_rows(1))
    assert index.search(unit_rows(1), 3)[1].tolist() == [[4, -1, -1]]


def test_no_query_gives_no_answer() -> None:
    index = ExactIndex.build([1], unit_rows(1))
    assert index.search(np.empty((0, DIM), dtype=np.float32), 3)[1].shape == (0, 3)


def test_float64_and_columns_of_a_larger_array_are_taken() -> None:
    wide = np.asfortranarray(np.hstack([unit_rows(4), unit_rows(4)]).astype(np.float64))
    index = ExactIndex.build(np.arange(4), wide[:, :DIM])
    np.testing.assert_array_equal(index.vectors(np.arange(4)), unit_rows(4))


# Change.


class AgainstADictionary(RuleBasedStateMachine):
    """Adding and removing in any order leaves what a dictionary would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.index = ExactIndex(DIM)
        self.truth: dict[int, NDArray[np.float32]] = {}

    @rule(ids=st.lists(st.integers(0, 30), unique=True, max_size=8), seed=st.integers(0, 99))
    def add(self, ids: list[int], seed: int) -> None:
        """Add what is not there; an id that is refuses the whole call."""
        vectors = unit_rows(len(ids), seed=seed)
        if self.truth.keys() & set(ids):
            with pytest.raises(UsageError, match="already"):
                self.index.add(ids, vectors)
        else:
            self.index.add(ids, vectors)
            self.truth |= dict(zip(ids, vectors, strict=True))

    @rule(ids=st.lists(st.integers(0, 30), max_size=8))
    def remove(self, ids: list[int]) -> None:
        """Remove what is there."""
        gone = self.truth.keys() & set(ids)
        assert self.index.remove(ids) == len(gone)
        for item in gone:
            del self.truth[item]

    @precondition(lambda self: self.truth)
    @rule(seed=st.integers(0, 99))
    def search(self, seed: int) -> None:
        """Find what brute force finds."""
        queries = unit_rows(2, seed=seed)
        ids = np.array(list(self.truth), dtype=np.int64)
        oracle = BruteForce(ids, np.stack(list(self.truth.values())))
        oracle.check(self.index.search(queries, 4), queries, set(self.truth))

    @invariant()
    def holds_the_same(self) -> None:
        """Every vector is there to the bit, in the order of addition."""
        assert self.index.ids.tolist() == list(self.truth)
        assert len(self.index) == len(self.truth)
        if self.truth:
            held = self.index.vectors(list(self.truth))
            np.testing.assert_array_equal(held, np.stack(list(self.truth.values())))


TestAgainstADictionary = AgainstADictionary.TestCase
TestAgainstADictionary.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_vectors_come_in_the_order_asked_for_and_are_a_copy() -> None:
    rows = unit_rows(4)
    index = ExactIndex.build([8, 2, 6, 4], rows)
    taken = index.vectors([4, 8, 8])
    np.testing.assert_array_equal(taken, rows[[3, 0, 0]])
    taken[:] = 0
    np.testing.assert_array_equal(index.vectors([8]), rows[:1])


def test_ids_cannot_be_written_to() -> None:
    index = ExactIndex.build([8, 2], unit_rows(2))
    with pytest.raises(ValueError, match="read-only"):
        index.ids[0] = 1


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        ([1, 1], unit_rows(2), "twice"),
        ([-1], unit_rows(1), "-1 is below 0"),
        ([1, 2], unit_rows(1), "2 ids do not fit 1 vectors"),
        ([1.5], unit_rows(1), "float64 are not integers"),
        ([[1]], unit_rows(1), "not a list"),
        ([1], unit_rows(1, dim=DIM + 1), "dim 5"),
        ([1], np.full((1, DIM), np.nan), "not finite"),
        ([1], np.full((1, DIM), 1e300), "not finite"),
        ([7], unit_rows(1), "7 is in the index already"),
    ],
)
def test_what_cannot_be_added_is_named_and_changes_nothing(
    ids: Any, vectors: NDArray[np.floating[Any]], message: str
) -> None:
    index = ExactIndex.build([7], unit_rows(1))
    with np.errstate(over="ignore"), pytest.raises(UsageError, match=message):
        index.add(ids, vectors)
    assert index.ids.tolist() == [7]
    np.testing.assert_array_equal(index.vectors([7]), unit_rows(1))


def test_unknown_ids_have_no_vectors() -> None:
    for unknown in (3, 9):
        with pytest.raises(UsageError, match=f"{unknown} is not in the index"):
            ExactIndex.build([8, 2], unit_rows(2)).vectors([8, unknown])
    with pytest.raises(UsageError, match="0 is not in the index"):
        ExactIndex(DIM).vectors([0])


def test_a_query_that_does_not_fit_is_named() -> None:
    index = ExactIndex.build([8, 2], unit_rows(2))
    with pytest.raises(UsageError, match="queries of shape"):
        index.search(unit_rows(1, dim=4), 1)
    with pytest.raises(UsageError, match="queries of shape"):
        index.search(unit_rows(1)[0], 1)
    with pytest.raises(UsageError, match="not finite"):
        index.search(np.full((1, DIM), np.inf, dtype=np.float32), 1)
    with pytest.raises(UsageError, match="k: 0"):
        index.search(unit_rows(1), 0)


@pytest.mark.parametrize("dim", [0, -3, 2**40])
def test_a_dim_that_is_none_is_named(dim: int) -> None:
    with pytest.raises(UsageError, match=f"dim: {dim}"):
        ExactIndex(dim)


def test_building_from_no_rows_is_refused() -> None:
    with pytest.raises(UsageError, match="not rows"):
        ExactIndex.build([1], unit_rows(1)[0])


# File.


@settings(deadline=None)
@given(
    count=st.integers(0, 9),
    dim=st.integers(1, 9),
    extra=st.binary(max_size=20),
    generation=st.integers(0, 2**62),
)
def test_what_is_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory, count: int, dim: int, extra: bytes, generation: int
) -> None:
    path = tmp_path_factory.mktemp("index") / "index-ä.faiss"
    index = ExactIndex.build(np.arange(count)[::-1] + 2**40, unit_rows(count, dim=dim))
    header = header_of(index, generation=generation, recipe="né")
    save(path, index, header, extra=extra)
    loaded, read_header, read_extra = load(path)
    assert (read_header, read_extra) == (header, extra)
    np.testing.assert_array_equal(loaded.ids, index.ids)
    np.testing.assert_array_equal(loaded.vectors(index.ids), index.vectors(index.ids))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_loaded_index_can_be_brought_up_to_date(tmp_path: Path) -> None:
    rows = unit_rows(5)
    index = ExactIndex.build([1, 2, 3], rows[:3])
    save(tmp_path / "index", index, header_of(index))
    loaded, _, _ = load(tmp_path / "index")
    loaded.remove([2])
    loaded.add([4, 5], rows[3:])
    np.testing.assert_array_equal(loaded.vectors([1, 3, 4, 5]), rows[[0, 2, 3, 4]])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    index = ExactIndex.build(np.arange(4), unit_rows(4, dim=3))
    path = tmp_path / "index.faiss"
    save(path, index, header_of(index), extra=b"projection")
    return path


def test_every_flipped_bit_is_refused(saved: Path) -> None:
    """All bits of a small file: magic, version, lengths, header, extra, ids, vectors, checksum."""
    whole = saved.read_bytes()
    for position in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            saved.write_bytes(damaged)
            with pytest.raises(DamagedCacheError, match=r"index\.faiss"):
                load(saved)
    saved.write_bytes(whole)
    load(saved)


def test_every_truncation_and_extension_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(len(whole)):
        saved.write_bytes(whole[:length])
        with pytest.raises(DamagedCacheError):
            load(saved)
    for tail in (b"\0", b"x" * 100, whole):
        saved.write_bytes(whole + tail)
        with pytest.raises(DamagedCacheError):
            load(saved)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_foreign_bytes_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("foreign") / "index"
    for start in (b"", index_header.FORMAT.magic):
        path.write_bytes(start + content)
        with pytest.raises(DamagedCacheError):
            load(path)


def test_a_newer_format_is_refused_by_its_version(saved: Path) -> None:
    body = bytearray(saved.read_bytes()[:-32])
    body[8:12] = struct.pack("<I", 2)
    saved.write_bytes(bytes(body) + hashlib.sha256(body).digest())
    with pytest.raises(DamagedCacheError, match="format version 2"):
        load(saved)


def forge(
    path: Path,
    described: bytes,
    vectors: bytes,
    *,
    lengths: Sequence[int] | None = None,
) -> None:
    """Write a file with a right checksum over whatever stands in it."""
    head = struct.pack("<8sII", index_header.FORMAT.magic, 1, (lengths or [len(described)])[0])
    head += struct.pack("<QQ", *(lengths[1:] if lengths else (0, len(vectors))))
    body = head + described + vectors
    path.write_bytes(body + hashlib.sha256(body).digest())


GOOD = {"recipe": "r", "projection": "none", "generation": 1, "dim": 2, "count": 1}
ONE_VECTOR = struct.pack("<qff", 3, 1, 0)


def test_the_forger_can_write_a_good_file(tmp_path: Path) -> None:
    forge(tmp_path / "index", json.dumps(GOOD).encode(), ONE_VECTOR)
    loaded, header, extra = load(tmp_path / "index")
    assert (loaded.ids.tolist(), header, extra) == ([3], IndexHeader(**GOOD), b"")


@pytest.mark.parametrize(
    "described",
    [
        b"",
        b"{",
        b"[1, 2]",
        b"\xff",
        *(
            json.dumps(GOOD | change).encode()
            for change in (
                {"dim": "2"},
                {"dim": 2.0},
                {"dim": 0},
                {"dim": -2},
                {"dim": 3},
                {"count": 2},
                {"count": -1},
                {"count": True},
                {"count": 0, "dim": 2**70},
                {"generation": None},
                {"recipe": 5},
                {"surplus": 1},
            )
        ),
        json.dumps({key: GOOD[key] for key in ("recipe", "projection")}).encode(),
    ],
)
def test_a_header_that_makes_no_sense_is_refused_in_spite_of_its_checksum(
    tmp_path: Path, described: bytes
) -> None:
    forge(tmp_path / "index", described, ONE_VECTOR)
    with pytest.raises(DamagedCacheError):
        load(tmp_path / "index")


@pytest.mark.parametrize(
    "vectors",
    [b"", ONE_VECTOR * 2, struct.pack("<qff", -3, 1, 0), struct.pack("<qff", 3, np.nan, 0)],
)
def test_vectors_that_make_no_sense_are_refused_in_spite_of_their_checksum(
    tmp_path: Path, vectors: bytes
) -> None:
    forge(tmp_path / "index", json.dumps(GOOD).encode(), vectors)
    with pytest.raises(DamagedCacheError):
        load(tmp_path / "index")


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0, 16), (2, 2**63, 2**63), (2, 0, 2**64 - 1)])
def test_absurd_lengths_allocate_nothing_and_are_refused(
    tmp_path: Path, lengths: tuple[int, ...]
) -> None:
    forge(tmp_path / "index", b"{}", ONE_VECTOR, lengths=lengths)
    with pytest.raises(DamagedCacheError, match="add up"):
        load(tmp_path / "index")


def test_repeated_ids_are_refused_in_spite_of_their_checksum(tmp_path: Path) -> None:
    vectors = struct.pack("<qqffff", 3, 3, 1, 0, 0, 1)
    forge(tmp_path / "index", json.dumps(GOOD | {"count": 2}).encode(), vectors)
    with pytest.raises(DamagedCacheError, match="twice"):
        load(tmp_path / "index")


def test_a_missing_file_is_an_operating_system_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "index")
    with pytest.raises(OSError, match=r"."):
        load(tmp_path)


@pytest.mark.parametrize("changes", [{"dim": 4}, {"count": 0}])
def test_a_header_of_another_index_is_not_saved(tmp_path: Path, changes: dict[str, int]) -> None:
    index = ExactIndex.build([1], unit_rows(1))
    with pytest.raises(UsageError, match="does not describe"):
        save(tmp_path / "index", index, header_of(index, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(
    saved: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """The disk fills up, or the second Ctrl-C comes, before the rename."""
    before = saved.read_bytes()
    other = ExactIndex.build([5], unit_rows(1))
    for error in (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()):

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            owner = os if failing == "fsync" else Path
            patch.setattr(owner, failing, fail)
            with pytest.raises(type(error)):
                save(saved, other, header_of(other))
        assert saved.read_bytes() == before
        assert list(saved.parent.iterdir()) == [saved]


def test_a_folder_that_is_not_there_is_an_operating_system_error(tmp_path: Path) -> None:
    index = ExactIndex.build([1], unit_rows(1))
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "missing" / "index", index, header_of(index))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        save(tmp_path / "file" / "index", index, header_of(index))


def test_a_path_that_is_a_folder_is_an_operating_system_error(tmp_path: Path) -> None:
    """The rename fails after everything was written."""
    index = ExactIndex.build([1], unit_rows(1))
    (tmp_path / "index" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"."):
        save(tmp_path / "index", index, header_of(index))
    assert [file.name for file in tmp_path.iterdir()] == ["index"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_operating_system_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary file is a link to a device without room, so that the system itself refuses."""
    index = ExactIndex.build(np.arange(2000), unit_rows(2000))
    opened = Path.open

    def open_full(path: Path, mode: str) -> Any:
        assert mode == "xb"
        path.symlink_to("/dev/full")
        return opened(path, "wb")

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path / "index", index, header_of(index))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere"
)
def test_an_unwritable_folder_is_an_operating_system_error(saved: Path) -> None:
    before = saved.read_bytes()
    index = ExactIndex.build([1], unit_rows(1))
    saved.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            save(saved, index, header_of(index))
    finally:
        saved.parent.chmod(0o700)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_writer_killed_before_the_rename_leaves_the_old_file(saved: Path) -> None:
    """A process that dies inside save, as by kill -9, leaves a temporary file and no damage."""
    before = saved.read_bytes()
    script = """
import os, sys
from pathlib import Path
import numpy as np
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.exact_file import save
from imgsearch.vectors.index_header import IndexHeader
os.fsync = lambda descriptor: os._exit(9)
index = ExactIndex.build([5], np.ones((1, 2), dtype=np.float32))
header = IndexHeader(recipe="r", projection="none", generation=8, dim=2, count=1)
save(Path(sys.argv[1]), index, header)
"""
    done = subprocess.run([sys.executable, "-c", script, str(saved)], check=False)
    assert done.returncode == 9
    assert saved.read_bytes() == before
    left = [file for file in saved.parent.iterdir() if file != saved]
    assert [file.suffix for file in left] == [TEMPORARY_SUFFIX]


@pytest.mark.parametrize("flags", [["-W", "error"]])
def test_importing_the_index_warns_of_nothing(flags: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *flags, "-c", "import imgsearch.vectors.exact"],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
