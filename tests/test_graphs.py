"""Exported graphs are kept whole, known by what they depend on, and never believed blindly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from backbone_fixtures import tiny_recipe

from imgsearch.errors import DamagedCacheError
from imgsearch.networks.runtimes import graphs
from imgsearch.networks.runtimes.graphs import Graph, GraphKey

if TYPE_CHECKING:
    from pathlib import Path

GRAPH = Graph(topology=b"<net/>", constants=bytes(range(40)))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the user's own cache."""
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def key(tmp_path: Path) -> GraphKey:
    """Return the key of some network."""
    return GraphKey.of(tiny_recipe(tmp_path / "mine.keras", 64 * "a"), "openvino")


def test_the_cache_lies_where_the_environment_says(cache: Path) -> None:
    assert graphs.folder() == cache / "graphs"


def test_without_a_word_it_lies_in_the_platforms_cache_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IMGSEARCH_CACHE")
    assert graphs.folder().name == "graphs"
    assert "imgsearch" in graphs.folder().parts


def test_what_was_saved_is_loaded(key: GraphKey) -> None:
    assert graphs.load(key) is None
    graphs.save(key, GRAPH)
    assert graphs.load(key) == GRAPH
    assert [path.name for path in graphs.folder().iterdir()] == [key.path.name]


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "vgg16"},
        {"weights": "sha256:" + 64 * "b"},
        {"layer": "first"},
        {"size": 17},
        {"machine": "abacus"},
        {"kind": "litert"},
        {"precision": "bfloat16"},
    ],
)
def test_whatever_a_graph_depends_on_makes_another_graph(
    key: GraphKey, change: dict[str, str | int]
) -> None:
    other = replace(key, **change)
    graphs.save(key, GRAPH)
    assert graphs.load(other) is None
    graphs.save(other, Graph(topology=b"other", constants=b""))
    assert graphs.load(key) == GRAPH


@pytest.mark.parametrize("change", [{"exporter": "0"}, {"version": graphs.FORMAT_VERSION + 1}])
def test_an_upgrade_makes_a_graph_stale_and_then_replaces_it(
    key: GraphKey, change: dict[str, str | int]
) -> None:
    graphs.save(key, GRAPH)
    upgraded = replace(key, **change)
    assert graphs.load(upgraded) is None
    graphs.save(upgraded, GRAPH)
    assert graphs.load(upgraded) == GRAPH
    assert graphs.load(key) is None
    assert len(list(graphs.folder().iterdir())) == 1


def test_a_graph_under_another_graphs_name_is_refused(key: GraphKey) -> None:
    graphs.save(key, GRAPH)
    other = replace(key, layer="first")
    key.path.rename(other.path)
    with pytest.raises(DamagedCacheError, match="another network"):
        graphs.load(other)


def test_any_changed_byte_is_noticed(key: GraphKey) -> None:
    graphs.save(key, GRAPH)
    whole = key.path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        key.path.write_bytes(damaged)
        with pytest.raises(DamagedCacheError, match="it is made again"):
            graphs.load(key)


def test_any_missing_end_is_noticed(key: GraphKey) -> None:
    graphs.save(key, GRAPH)
    whole = key.path.read_bytes()
    for length in range(len(whole)):
        key.path.write_bytes(whole[:length])
        with pytest.raises(DamagedCacheError):
            graphs.load(key)


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(
    key: GraphKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGSEARCH_CACHE", __file__)
    with pytest.raises(OSError, match="graphs"):
        graphs.save(key, GRAPH)
    assert graphs.load(key) is None


def test_a_write_that_fails_leaves_nothing_behind(
    key: GraphKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError

    graphs.save(key, GRAPH)
    monkeypatch.setattr(graphs.os, "fsync", fail)
    with pytest.raises(OSError):  # noqa: PT011  the one raised above
        graphs.save(key, Graph(topology=b"other", constants=b""))
    assert [path.name for path in graphs.folder().iterdir()] == [key.path.name]
    assert graphs.load(key) == GRAPH
