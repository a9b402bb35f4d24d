"""Killed at any moment, an index run leaves a gallery that is true and can go on."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeSource, write_picture

from imgsearch.errors import ImgsearchError
from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.storage import database as store_module
from imgsearch.storage.database import Store
from imgsearch.vectors.projection_choice import MINIMUM_COUNT


def load_rounds() -> Any:
    """Return the benchmark that kills indexing processes, as a module."""
    path = Path(__file__).parents[1] / "benchmarks/crash_indexing.py"
    spec = spec_from_file_location("crash_indexing", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_killed_processes_lose_nothing_and_leave_nothing_wrong(tmp_path: Path) -> None:
    """Each at a random moment; the finished gallery answers as one built in one go does."""
    outcome = load_rounds().run_rounds(
        tmp_path, rounds=5, pictures=MINIMUM_COUNT + 20, seed=7, pause=0.02
    )
    assert outcome.faults == ()
    assert outcome.killed == 5
    assert outcome.finished_galleries >= 1


class Cut(BaseException):
    """The power goes: nothing may catch it, and nothing may be tidied up."""


@pytest.mark.parametrize("commit", range(1, 12))
def test_a_power_cut_at_every_single_commit_of_a_run_is_survived(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, commit: int
) -> None:
    """The cut comes just before the n-th COMMIT, for every n and beyond the last."""
    reference = Gallery(tmp_path / "reference", source=FakeSource())
    reference.index(photos)
    path = tmp_path / "cut.gallery"
    committed = 0

    class Connection:
        """Passes everything on, up to one COMMIT."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def execute(self, statement: str, *arguments: Any) -> Any:
            """Execute, or cut."""
            nonlocal committed
            if statement == "COMMIT":
                committed += 1
                if committed == commit:
                    raise Cut
            return self._inner.execute(statement, *arguments)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    real = Store.create

    def create(folder: Path) -> Store:
        store = real(folder)
        store.connection = Connection(store.connection)
        return store

    with monkeypatch.context() as patch:
        patch.setattr(store_module.Store, "create", create)
        try:
            Gallery(path, source=FakeSource()).index(photos, options=IndexOptions(batch_size=4))
        except Cut:
            assert committed == commit
        else:
            assert committed < commit
    with Gallery(path, source=FakeSource()) as gallery:
        assert gallery.check().clean
        gallery.index(photos)
        assert gallery.check().findings == ()
        for query in photos.rglob("*.png"):
            assert gallery.query(query, k=50) == reference.query(query, k=50)


@pytest.mark.parametrize("call", ["write", "replace", "unlink"])
def test_a_cut_while_the_cache_is_written_costs_no_answer(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    from imgsearch import files

    gallery = Gallery(tmp_path / "gallery", source=FakeSource())
    gallery.index(photos)
    expected = Gallery(tmp_path / "reference", source=FakeSource())
    write_picture(photos / "more.png", seed=500)
    expected.index(photos)

    def cut(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if call == "write":
            patch.setattr(files.os, "fsync", cut)
        else:
            patch.setattr(Path, call, cut)
        with pytest.raises(ImgsearchError, match="all embeddings are stored"):
            gallery.index(photos)
    query = photos / "trip0/00.png"
    with Gallery(tmp_path / "gallery", source=FakeSource()) as again:
        assert again.check().clean
        assert again.query(query, k=50) == expected.query(query, k=50)
        again.index()
        assert again.check().findings == ()


@pytest.mark.parametrize("spare_pages", [0, 2, 5, 8])
def test_a_disk_that_is_full_keeps_what_was_committed(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, spare_pages: int
) -> None:
    for number in range(100, 200):
        write_picture(photos / f"{number}.png", seed=number)
    path = tmp_path / "full.gallery"
    Store.create(path).close()
    real = Store.create

    def create(folder: Path) -> Store:
        store = real(folder)
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages + spare_pages}")
        return store

    with monkeypatch.context() as patch:
        patch.setattr(store_module.Store, "create", create)
        with pytest.raises(ImgsearchError, match="no space left on the disk; what was"):
            Gallery(path, source=FakeSource()).index(photos, options=IndexOptions(batch_size=4))
    with Gallery(path, source=FakeSource()) as gallery:
        assert gallery.check().clean
        kept = gallery.information().files
        report = gallery.index(photos)
        assert (report.unchanged, report.embedded) == (kept, 112 - kept)
        assert gallery.check().findings == ()
