"""Advice after a run fits what was asked for and what is on the machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource

from imgsearch.indexing.advice import hints
from imgsearch.indexing.report import IndexReport
from imgsearch.networks.backbones import catalogue, weights
from imgsearch.recipe import RecipeRequest
from imgsearch.storage.database import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return an empty gallery on a machine without downloaded weights."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    store = Store.in_memory()
    yield store
    store.close()


@pytest.fixture
def report() -> IndexReport:
    """Return the report of a first run with compact."""
    recipe = FakeSource().resolve(RecipeRequest(), offline=True)
    return IndexReport(recipe=replace(recipe, backbone="compact-10"), embedded=3, first=True)


@pytest.mark.parametrize("wanted", ["compact", RecipeRequest("compact")])
def test_who_chose_compact_is_told_of_a_better_network_and_its_download(
    store: Store, report: IndexReport, wanted: str | RecipeRequest
) -> None:
    (hint,) = hints(store, report, wanted=wanted)
    assert "is a download of 9 MB: imgsearch index --backbone mobilenet_v2" in hint


def test_weights_that_are_there_are_no_download(store: Store, report: IndexReport) -> None:
    path = weights.cached_path(catalogue.find("mobilenet_v2"))
    path.parent.mkdir(parents=True)
    path.touch()
    (hint,) = hints(store, report, wanted="compact")
    assert "is on this machine already: imgsearch index --backbone mobilenet_v2" in hint


@pytest.mark.parametrize("wanted", [None, "auto", RecipeRequest("auto", size=96)])
def test_where_the_download_has_just_failed_it_is_not_recommended(
    store: Store, report: IndexReport, wanted: str | RecipeRequest | None
) -> None:
    """Left to choose, index takes compact only where the other cannot be had."""
    assert list(hints(store, report, wanted=wanted)) == []
