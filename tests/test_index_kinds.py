"""Every kind of index keeps the protocol's promises, and one more is a module and a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from index_kind_fakes import SIGNS, ArraySource, SignKind

from imgsearch.cli.info import _index
from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.search.cache_files import cache_files, lists_files
from imgsearch.vectors import index_cache
from imgsearch.vectors.index_header import IndexHeader
from imgsearch.vectors.index_kinds import KINDS, kind_of
from imgsearch.vectors.index_plan import EXACT, IVF, IndexChoice, IndexPlan

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.vectors.protocol import VectorIndex

COUNT = 400
DIM = 8
IDS = np.arange(COUNT) * 2 + 10
FACTORIES = {EXACT: EXACT, IVF: "IVF4,SQ8", SIGNS: f"{SIGNS}:64"}


def unit_rows(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


@pytest.fixture(autouse=True)
def signs(monkeypatch: pytest.MonkeyPatch) -> SignKind:
    """Plug a kind in from outside."""
    kind = SignKind()
    monkeypatch.setitem(KINDS, SIGNS, lambda: kind)
    return kind


@pytest.fixture(params=FACTORIES)
def index(request: pytest.FixtureRequest) -> VectorIndex:
    """Return a fresh index of each kind."""
    plan = IndexPlan(factory=FACTORIES[request.param])
    return kind_of(plan.factory).build(ArraySource(IDS, unit_rows(COUNT)), plan)


# The protocol.


def test_an_index_says_what_it_holds(index: VectorIndex) -> None:
    assert (len(index), index.dim) == (COUNT, DIM)
    assert sorted(index.ids.tolist()) == IDS.tolist()
    assert index.describe().factory == FACTORIES[index.kind]
    assert index.fits(IndexChoice(factory=FACTORIES[index.kind]))
    assert not index.fits(IndexChoice(factory="IVF7,SQfp16"))
    if index.is_exact:
        assert sorted(index.exact_ids.tolist()) == IDS.tolist()


@pytest.mark.parametrize("k", [1, 7, COUNT + 5])
@pytest.mark.parametrize("allowed", [None, IDS[:30], [IDS[3], 11], []])
@pytest.mark.parametrize("excluded", [None, IDS[2:20], [11]])
def test_at_least_k_are_found_whenever_k_pass(
    index: VectorIndex, k: int, allowed: list[int] | None, excluded: list[int] | None
) -> None:
    passing = set(IDS.tolist() if allowed is None else allowed) & set(IDS.tolist())
    passing -= set([] if excluded is None else excluded)
    scores, ids = index.search(unit_rows(3, seed=1), k, allowed=allowed, excluded=excluded)
    assert scores.dtype == np.float32
    assert ids.dtype == np.int64
    assert scores.shape == ids.shape
    assert ids.shape[1] >= k
    for row, found in zip(scores, ids, strict=True):
        matched = found[found >= 0]
        assert len(matched) == len(set(matched.tolist()))
        assert len(matched) >= min(k, len(passing))
        assert set(matched.tolist()) <= passing
        assert np.all(found[len(matched) :] == -1)
        assert np.all(row[len(matched) :] == -np.inf)
        assert np.all(np.diff(row[: len(matched)]) <= 0)


def test_what_is_added_is_found_and_what_is_removed_is_not(index: VectorIndex) -> None:
    fresh = unit_rows(3, seed=2)
    index.add([1, 2, 3], fresh)
    assert len(index) == COUNT + 3
    assert index.remove([1, *IDS[:2], 10**6]) == 3
    assert index.remove([1]) == 0
    assert sorted(index.ids.tolist()) == [2, 3, *IDS[2:].tolist()]
    scores, ids = index.search(fresh[1:], 1)
    assert ids[:, 0].tolist() == [2, 3]
    np.testing.assert_allclose(scores[:, 0], 1, atol=1e-5)
    _, ids = index.search(fresh[:1], len(index))
    assert not {1, *IDS[:2].tolist()} & set(ids.ravel().tolist())
    with pytest.raises(UsageError):
        index.add([2], fresh[:1])
    held = np.intersect1d(index.exact_ids, [2, 3])
    np.testing.assert_array_equal(index.vectors(held), fresh[held - 1])


def test_a_question_that_does_not_fit_is_named(index: VectorIndex) -> None:
    with pytest.raises(UsageError, match="queries of shape"):
        index.search(np.ones((1, DIM + 1), np.float32), 1)
    with pytest.raises(UsageError, match="k: 0"):
        index.search(unit_rows(1), 0)


def test_an_index_is_the_same_when_it_has_been_written_and_read(
    index: VectorIndex, tmp_path: Path
) -> None:
    """Its base, if any, is written once; changes go into the file that names it."""
    path, lists = tmp_path / "a.faiss", tmp_path / "a.lists"
    header = IndexHeader(recipe="r", projection="none", generation=1, dim=DIM)
    base = index_cache.save(path, index, header, base_path=lists, extra=b"mine")
    assert bool(base) == lists.is_file()
    index.add([1, 2], unit_rows(2, seed=2))
    index.remove(IDS[:3])
    again = IndexHeader(recipe="r", projection="none", generation=2, dim=DIM, base=base)
    other = tmp_path / "b.lists"
    assert index_cache.save(path, index, again, base_path=other, extra=b"mine") == base
    assert not other.exists()
    cached = index_cache.load(path)
    assert (cached.extra, cached.header.generation, cached.index.kind) == (b"mine", 2, index.kind)
    index_cache.verify_base(path, cached.index, cached.header.base)
    assert cached.index.describe() == index.describe()
    for mine, theirs in zip(
        index.search(unit_rows(9, seed=3), 20),
        cached.index.search(unit_rows(9, seed=3), 20),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_cache_of_a_kind_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = IndexPlan(factory=FACTORIES[SIGNS])
    index = kind_of(plan.factory).build(ArraySource(IDS, unit_rows(COUNT)), plan)
    header = IndexHeader(recipe="r", projection="none", generation=1, dim=DIM)
    index_cache.save(tmp_path / "a", index, header, base_path=tmp_path / "b")
    monkeypatch.delitem(KINDS, SIGNS)
    with pytest.raises(DamagedCacheError, match="the kind 'signs'"):
        index_cache.load(tmp_path / "a")


# A kind from outside, in a gallery.


def test_a_gallery_is_searched_through_a_kind_from_outside(
    signs: SignKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    for number in range(310):
        write_picture(photos / f"{number:03}.png", seed=number)
    path, query = tmp_path / "gallery", photos / "007.png"

    def opened() -> Gallery:
        return Gallery(path, source=FakeSource())

    with opened() as gallery:
        gallery.index(photos)
        expected = gallery.query(query, k=400)
        with pytest.raises(UsageError, match="signs:256"):
            gallery.index(options=IndexOptions(index=SIGNS))
        gallery.index(options=IndexOptions(index=f"{SIGNS}:512"))
    assert signs.checked == ["signs of 48", "signs:512 of 48"]
    assert signs.built == 1

    with opened() as gallery:
        assert gallery.query(query, k=400) == expected
        assert signs.restored > 0
        nearest = gallery.query(query, k=5)
        assert len({match.path for match in nearest} & {match.path for match in expected[:5]}) >= 3
        (about,) = gallery.information().recipes
        assert (about.index, about.cache, about.recall) == (f"{SIGNS}:512", "fresh", None)
        assert _index(about) == f"{SIGNS}:512"
        assert gallery.check().findings == ()

    write_picture(photos / "new.png", seed=999)
    (photos / "000.png").unlink()
    with opened() as gallery:
        gallery.index()
        gallery.prune()
        found = gallery.query(photos / "new.png", k=400, include_self=True)
        assert found[0].path == photos / "new.png"
        assert len(found) == 310
        assert gallery.check().findings == ()
    assert signs.built == 1, "changes are taken in without a rebuild"
    assert lists_files(path) == []

    (cache,) = cache_files(path)
    data = bytearray(cache.path.read_bytes())
    data[len(data) // 2] ^= 1
    cache.path.write_bytes(data)
    with opened() as gallery:
        assert [finding.severity for finding in gallery.check().findings] == ["cache"]
        assert gallery.check(repair=True).clean
        found = gallery.query(photos / "new.png", k=400, include_self=True)
    assert signs.built == 2

    monkeypatch.delitem(KINDS, SIGNS)
    with opened() as gallery:
        assert gallery.query(photos / "new.png", k=400, include_self=True) == found
        (finding,) = gallery.check().findings
        assert "the kind 'signs'" in finding.what
