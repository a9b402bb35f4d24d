"""`imgsearch import` and `export --layout`, and what docs/exchanging.md shows, as typed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from cli_fakes import DIM, FakeSource, picture, run

import imgsearch

PAGE = Path(imgsearch.__file__).resolve().parent.parent / "docs/exchanging.md"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with photos that are indexed, and embeddings made elsewhere."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", "gallery")
    monkeypatch.chdir(tmp_path)
    for seed in range(6):
        picture(tmp_path / f"photos/{seed}.png", seed)
    assert run("index", "photos", "--backbone", "mobilenet_v2").exit_code == 0
    run("export", "exported")
    recorded = [
        json.loads(line) for line in Path("exported/contents.jsonl").read_text().splitlines()
    ]
    Path("clip.csv").write_text(
        "path\n" + "".join(f"{record['paths'][0]}\n" for record in recorded)
    )
    np.save("clip.npy", np.load("exported/embeddings.npy"))
    return tmp_path


def lines_of_page() -> list[str]:
    """Return the commands that the page shows."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.mark.usefixtures("desk")
def test_what_the_page_shows_works_as_it_stands() -> None:
    pytest.importorskip("pyarrow")
    lines = lines_of_page()
    assert len(lines) > 5
    for line in lines:
        words = shlex.split(line.replace("~/Photos", "photos"), comments=True)
        done = run(*words[1:])
        assert done.exit_code == 0, (line, done.stderr)
        if words[1] == "query":
            assert "5.png" in done.stdout


@pytest.mark.usefixtures("desk")
def test_an_import_says_what_came_in() -> None:
    done = run("import", "clip.npy", "--name", "clip", "--gallery", "new")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"Imported 6 embeddings under clip/imported/{DIM}, of 6 rows.",
        "  6 new contents, 6 new files; 6 files there, and read",
    ]
    looked = run("import", "clip.npy", "--name", "clip", "--gallery", "new", "--dry-run")
    assert looked.stderr.startswith("Would import 0 embeddings")


def test_paths_may_lie_elsewhere_and_begin_anywhere(desk: Path) -> None:
    (desk / "lists").mkdir()
    (desk / "lists/all.txt").write_text("".join(f"{number}.png\n" for number in range(6)))
    options = ("--paths", "lists/all.txt", "--relative-to", "photos", "--gallery", "new", "--json")
    document = json.loads(run("import", "clip.npy", *options).stdout)
    assert (document["embeddings"], document["read"]) == (6, 6)
    assert document["recipe"]["name"] == f"imported/imported/{DIM}"


@pytest.mark.usefixtures("desk")
def test_a_new_picture_is_embedded_only_by_the_network_that_was_named() -> None:
    picture(Path("new.png"), 99)
    run("import", "clip.npy", "--gallery", "unnamed")
    refused = run("query", "new.png", "--gallery", "unnamed")
    assert refused.exit_code == 1
    assert "the network that made them is not known" in refused.stderr
    assert "--backbone" in refused.stderr
    assert run("query", "photos/0.png", "--gallery", "unnamed").exit_code == 0
    run("import", "clip.npy", "--gallery", "named", "--backbone", "mobilenet_v2")
    assert run("query", "new.png", "--gallery", "named").exit_code == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import nothing.npy", "no such file or folder"),
        ("import clip.csv", "ending in .npy or .parquet"),
        ("import exported --paths clip.csv", "a folder has its own listing"),
        ("import clip.npy --paths photos/0.png", "whose name ends in .jsonl"),
        ("import clip.npy --name a --backbone b", "either the name"),
        ("export out --layout xlsx", "clip-retrieval"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_what_makes_no_sense_is_refused(line: str, message: str) -> None:
    done = run(*line.split())
    assert done.exit_code == 2
    assert message in done.stderr
