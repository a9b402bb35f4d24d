"""`imgsearch merge`, `index --shard`, and what docs/scaling.md shows, as a person types them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from cli_fakes import FakeSource, picture, run
from region_fakes import HistogramSource, scene, thing, write_scenes

import imgsearch
from imgsearch.regions import joining, making

SCALING = Path(imgsearch.__file__).resolve().parent.parent / "docs/scaling.md"


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 24 photos in the current folder."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.chdir(tmp_path)
    for seed in range(24):
        picture(tmp_path / f"photos/{seed // 10}/{seed}.png", seed)
    return tmp_path / "photos"


def share(number: int, of: int) -> None:
    """Index a share of the photos."""
    done = run("index", "photos", "--shard", f"{number}/{of}", "--gallery", f"part{number}.gallery")
    assert done.exit_code == 0, done.stderr


@pytest.mark.usefixtures("photos")
def test_what_the_page_on_scaling_shows_works_as_it_stands() -> None:
    """Every machine runs one line of them, with its own K for $SLURM_ARRAY_TASK_ID.

    What follows them is tried where there is a cluster, a bucket or a server: in tests/cluster,
    test_cli_sources.py and test_cli_publish.py.
    """
    text = SCALING.read_text(encoding="utf-8").partition("## A Ray cluster")[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [
        line for block in blocks for line in block.splitlines() if line.startswith("imgsearch ")
    ]
    assert any("--shard" in line for line in lines)
    assert any("merge" in line for line in lines)
    for line in lines:
        numbers = range(1, 17) if "$SLURM_ARRAY_TASK_ID" in line else (1,)
        for number in numbers:
            words = shlex.split(line.replace("$SLURM_ARRAY_TASK_ID", str(number)), comments=True)
            words = [str(Path("photos")) if word == "/data/photos" else word for word in words[1:]]
            words = [
                name
                for word in words
                for name in (map(str, sorted(Path().glob(word))) if "*" in word else [word])
            ]
            done = run(*words)
            assert done.exit_code == 0, (line, done.stderr)
    held = json.loads(run("info", "--json", "--gallery", "all.gallery").stdout)
    assert held["files"] == 24


@pytest.mark.usefixtures("photos")
def test_merge_says_what_each_part_added() -> None:
    for number in (1, 2):
        share(number, 2)
    parts = ("part1.gallery", "part2.gallery")
    looked = run("merge", *parts, "--gallery", "all.gallery", "--dry-run")
    assert looked.exit_code == 0
    assert looked.stdout == ""
    assert [line.split(" files")[0].rsplit(" ", 1)[0] for line in looked.stderr.splitlines()] == [
        f"{part}: would add" for part in parts
    ]
    assert not Path("all.gallery").exists()
    done = run("merge", *parts, "--gallery", "all.gallery")
    added = [int(number) for number in re.findall(r"added (\d+) files", done.stderr)]
    assert sum(added) == 24
    document = json.loads(run("merge", *parts, "--gallery", "all.gallery", "--json").stdout)
    assert [part["files"] for part in document["parts"]] == [0, 0]


@pytest.mark.usefixtures("photos")
def test_a_part_left_out_is_named_and_the_exit_code_says_so() -> None:
    for number in (1, 2):
        share(number, 2)
    database = Path("part1.gallery/gallery.db")
    database.write_bytes(database.read_bytes()[:5000])
    done = run("merge", "part1.gallery", "part2.gallery", "--gallery", "all.gallery")
    assert done.exit_code == 3
    assert "part1.gallery: left out: " in done.stderr
    assert "part2.gallery: added" in done.stderr
    assert "1 part left out" in done.stderr


@pytest.mark.usefixtures("photos")
def test_a_gallery_of_another_recipe_comes_in_only_when_it_is_meant_to() -> None:
    run("index", "photos", "--backbone", "one", "--gallery", "all.gallery")
    run("index", "photos", "--backbone", "two", "--gallery", "other.gallery")
    refused = run("merge", "other.gallery", "--gallery", "all.gallery")
    assert refused.exit_code == 3
    assert "no recipe in common" in refused.stderr
    done = run("merge", "other.gallery", "--gallery", "all.gallery", "--any-recipe")
    assert done.exit_code == 0
    asked = run(
        *("query", "photos/0/0.png", "--gallery", "all.gallery", "--recipe", "two", "--paths")
    )
    assert len(asked.stdout.splitlines()) == 10


@pytest.mark.usefixtures("photos")
def test_info_names_the_share_that_a_gallery_holds() -> None:
    share(1, 3)
    told = run("info", "--gallery", "part1.gallery")
    assert "1/3: a share of the files in these roots" in told.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("index photos --shard 4/3 --gallery new.gallery", "such as 3/16"),
        ("index photos --shard three --gallery new.gallery", "such as 3/16"),
        ("merge nothing.gallery --gallery new.gallery", "no gallery in"),
        ("merge --gallery new.gallery", "Missing argument"),
    ],
)
@pytest.mark.usefixtures("photos")
def test_what_makes_no_sense_is_refused_and_makes_nothing(line: str, message: str) -> None:
    done = run(*line.split())
    assert done.exit_code in {2, 10}
    assert message in done.stderr
    assert not Path("new.gallery").exists()


def test_parts_of_pictures_come_along_and_what_is_lacking_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", HistogramSource)
    monkeypatch.chdir(tmp_path)
    write_scenes(tmp_path / "photos/many", 4)
    scene(20).save(tmp_path / "photos/new.png")
    thing(1).save(tmp_path / "thing1.png")
    for folder, name in (("photos/many", "one"), ("photos", "other")):
        done = run("index", folder, "--regions", "--gallery", f"{name}.gallery")
        assert done.exit_code == 0, done.stderr
    line = ("merge", "one.gallery", "other.gallery", "--gallery", "all.gallery")
    looked = run(*line, "--dry-run")
    assert "would add 4 files, 4 embeddings, parts of 4 pictures" in looked.stderr
    assert "Parts of 1 picture would be still to be made" in looked.stderr
    done = run(*line, "--json")
    assert done.exit_code == 0, done.stderr
    assert "parts of 1 picture left there: they were made with another projection" in done.stderr
    assert "'imgsearch index --regions --gallery all.gallery' does that" in done.stderr
    document = json.loads(done.stdout)
    assert document["regions_to_make"] == 1
    assert [(part["regions"], part["regions_left"]) for part in document["parts"]] == [
        (4, 0),
        (0, 1),
    ]
    asked = run("query", "thing1.png", "--anywhere", "-k", "1", "--gallery", "all.gallery")
    assert "(at 128,32 96x96)" in asked.stdout
    made = run("index", "--regions", "--gallery", "all.gallery", "--json")
    assert json.loads(made.stdout)["regions"] == 1
    assert "still to be made" not in run(*line).stderr


def test_a_share_may_make_parts_like_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", HistogramSource)
    monkeypatch.chdir(tmp_path)
    write_scenes(tmp_path / "photos", 6)
    first = ("index", "photos", "--shard", "1/2", "--regions", "--gallery", "part1.gallery")
    assert run(*first).exit_code == 0
    second = ("--shard", "2/2", "--regions-like", "part1.gallery", "--gallery", "part2.gallery")
    refused = run("index", "photos", *second)
    assert refused.exit_code == 2
    assert "one that was fitted on 300 lasts" in refused.stderr
    for module in (making, joining):
        monkeypatch.setattr(module, "FITTED", 1)
    done = run("index", "photos", *second)
    assert done.exit_code == 0, done.stderr
    assert "parts each of" in done.stderr
    merged = run("merge", "part1.gallery", "part2.gallery", "--gallery", "all.gallery", "--json")
    document = json.loads(merged.stdout)
    assert sum(part["regions"] for part in document["parts"]) == 6
    assert document["regions_to_make"] == 0
