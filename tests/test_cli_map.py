"""`imgsearch map` as a person types it."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cli_fakes import FakeSource, command, picture, run

from imgsearch.maps import layout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery of ten photos; the folder they lie in."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    for seed in range(10):
        picture(folder / f"{seed}.png", seed)
    assert run("index", folder).exit_code == 0
    return folder


def document(*arguments: str) -> dict[str, Any]:
    """Run `map` with --json and return what it prints."""
    result = run("map", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(("method", "name"), [("pca", "PCA"), ("tsne", "t-SNE")])
def test_a_map_is_drawn_by_the_method_that_is_named(tmp_path: Path, method: str, name: str) -> None:
    result = run("map", "--method", method)
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.fullmatch(
        rf"Drew a map of 10 pictures by {name} in [\d.]+ s\.\n"
        r"  4 clusters, [\d.]+ kB on disk\n",
        result.stderr,
    )
    assert len(list((tmp_path / "gallery").glob("map-*.map"))) == 1


def test_the_same_command_brings_the_map_up_to_date(photos: Path) -> None:
    first = document()
    assert (first["anew"], first["method"], first["contents"]) == (True, "tsne", 10)
    assert run("map").stderr.startswith("The map is up to date: 10 pictures, by t-SNE.\n")
    picture(photos / "new.png", 50)
    (photos / "0.png").unlink()
    assert run("index").exit_code == 0
    result = run("map")
    assert result.stderr.startswith("Placed 1 picture on the map, which shows 10 pictures.\n")
    again = document()
    assert (again["added"], again["removed"], again["drawn"]) == (1, 1, 10)
    assert document("--anew")["anew"]


def test_a_new_map_is_advised_when_the_gallery_has_moved_on(photos: Path) -> None:
    assert run("map").exit_code == 0
    for seed in range(20, 26):
        picture(photos / f"{seed}.png", seed)
    assert run("index").exit_code == 0
    said = run("map").stderr
    assert "Hint: 6 pictures came and 0 went since it was drawn" in said
    assert "; 'imgsearch map --anew' draws a new map\n" in said
    assert "Hint" not in run("map", "--anew").stderr


@pytest.mark.usefixtures("photos")
def test_without_the_extra_the_map_is_by_pca_and_says_what_would_be_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layout, "has_tsne", lambda: False)
    result = run("map")
    assert "by PCA" in result.stderr
    assert "after 'pip install openTSNE', 'imgsearch map --method tsne' keeps most" in result.stderr
    refused = run("map", "--method", "tsne")
    assert refused.exit_code == 1
    assert "pip install openTSNE" in refused.stderr


def test_another_recipe_has_a_map_of_its_own(photos: Path, tmp_path: Path) -> None:
    assert run("index", photos, "--backbone", "fake-2").exit_code == 0
    assert document("--recipe", "fake-2")["recipe"] != document()["recipe"]
    assert len(list((tmp_path / "gallery").glob("map-*.map"))) == 2


@pytest.mark.usefixtures("photos")
def test_an_unknown_method_is_refused() -> None:
    result = run("map", "--method", "umap")
    assert result.exit_code == 2
    assert "pca" in result.stderr


def test_without_a_gallery_there_is_no_map(tmp_path: Path) -> None:
    result = run("map", "--gallery", tmp_path / "none")
    assert result.exit_code == 10
    assert str(tmp_path / "none") in result.stderr


@pytest.mark.usefixtures("photos")
def test_ctrl_c_stops_in_good_order_with_nothing_written(tmp_path: Path) -> None:
    program = command("map", "--method", "tsne", "--json")
    program[2] = program[2].replace(
        "cli_fakes.start()",
        "import os, signal; from imgsearch.maps import tsne; lay_out = tsne.lay_out; "
        "tsne.lay_out = lambda *given: (os.kill(os.getpid(), signal.SIGINT), lay_out(*given))[1]; "
        "cli_fakes.start()",
    )
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "Interrupted: nothing was written.\n" in done.stderr
    assert json.loads(done.stdout)["interrupted"]
    assert not list((tmp_path / "gallery").glob("*map*"))
