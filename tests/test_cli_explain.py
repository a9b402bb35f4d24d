"""`imgsearch query --explain`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cli_fakes import FakeEmbedder, FakeSource, picture, run

from imgsearch.networks.pooling import l2_normalise, pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe


class GridNetwork(FakeEmbedder):
    """A network whose feature maps are the colours of a 4 × 4 grid, in channels apart."""

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return maps (n, 4, 4, 48): a place has its three colours in channels of its own."""
        n, side = images.shape[:2]
        cells = images.reshape(n, 4, side // 4, 4, side // 4, 3).mean(axis=(2, 4)).reshape(n, 16, 3)
        maps = np.zeros((n, 16, 16, 3), np.float32)
        maps[:, range(16), range(16)] = cells + 1
        return maps.reshape(n, 4, 4, 48)

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pooled maps, of unit length."""
        return l2_normalise(pool(self.feature_maps(images), "gap"))


class GridSource(FakeSource):
    """Gives such networks."""

    def load(self, recipe: Recipe) -> GridNetwork:
        """Return one."""
        return GridNetwork(recipe)


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six indexed photos in the current folder."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", GridSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.chdir(tmp_path)
    for seed in range(6):
        picture(tmp_path / f"{seed}.png", seed, side=32)
    assert run("index", ".").exit_code == 0


def test_each_match_comes_with_two_maps_that_add_up_to_its_score() -> None:
    done = run("query", "0.png", "-k", "3", "--explain", "--json")
    assert done.exit_code == 0, done.stderr
    matches = json.loads(done.stdout)["matches"]
    assert len(matches) == 3
    for match in matches:
        explained = match["explanation"]
        assert explained["score"] == pytest.approx(match["score"], abs=1e-5)
        for name in ("image", "match"):
            assert np.sum(explained[name]["values"]) == pytest.approx(match["score"], abs=1e-4)
            assert np.shape(explained[name]["values"]) == (4, 4)
            assert explained[name]["box"] == [0, 0, 32, 32]
    lines = run("query", "0.png", "-k", "3", "--explain", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["explanation"] for line in lines] == [
        match["explanation"] for match in matches
    ]


def test_without_the_option_nothing_is_explained() -> None:
    done = run("query", "0.png", "--json")
    assert {match["explanation"] for match in json.loads(done.stdout)["matches"]} == {None}


def test_a_crop_is_explained_as_the_part_that_it_is() -> None:
    done = run("query", "0.png", "-k", "1", "--crop", "8,0,16,16", "--explain", "--json")
    (match,) = json.loads(done.stdout)["matches"]
    assert match["explanation"]["image"]["box"] == [8, 0, 16, 16]


def test_the_page_shows_each_match_with_the_picture_asked_about_beside_it() -> None:
    plain = run("query", "0.png", "-k", "3", "--sheet", "plain.html")
    done = run("query", "0.png", "-k", "3", "--explain", "--sheet", "why.html")
    assert plain.exit_code == done.exit_code == 0, done.stderr
    assert Path("plain.html").read_text().count('class="inset"') == 0
    page = Path("why.html").read_text()
    assert page.count('class="inset"') == 3
    assert "Bright is where the two pictures agree" in page


def test_a_match_that_is_gone_is_told_and_the_others_are_explained() -> None:
    first = json.loads(run("query", "0.png", "--json").stdout)["matches"][0]["path"]
    Path(first).unlink()
    done = run("query", "0.png", "-k", "3", "--explain", "--json")
    assert done.exit_code == 3
    assert "not explained" in done.stderr
    found = [match["explanation"] is None for match in json.loads(done.stdout)["matches"]]
    assert found == [True, False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("0.png",), "show them with --sheet FILE, --json or --jsonl"),
        (("0.png", "--csv"), "show them with --sheet FILE, --json or --jsonl"),
        (("0.png", "1.png", "--json"), "about two pictures"),
        (("0.png", "--minus", "1.png", "--json"), "about two pictures"),
        (("0.png", "--each", "--json"), "about two pictures"),
        (("-", "--json"), "name a file, not standard input"),
    ],
)
def test_what_cannot_be_explained_is_refused(arguments: tuple[str, ...], message: str) -> None:
    done = run("query", *arguments, "--explain")
    assert done.exit_code == 2
    assert message in done.stderr
