"""`imgsearch index --regions` and `imgsearch query --anywhere`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_fakes import run
from region_fakes import HistogramSource, thing, write_scenes


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five scenes, three of which hold a thing, in a folder beside the things."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", HistogramSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.chdir(tmp_path)
    write_scenes(tmp_path / "photos", 5)
    for number in range(3):
        thing(number).save(tmp_path / f"thing{number}.png")


def test_the_bytes_are_said_before_and_the_parts_are_then_searched() -> None:
    assert run("index", "photos").exit_code == 0
    done = run("query", "thing1.png", "--anywhere")
    assert done.exit_code == 2
    assert "holds no parts of pictures yet: `imgsearch index --regions` makes them" in done.stderr
    assert "5 pictures take about 10.5 kB in the database" in done.stderr
    done = run("index", "--regions", "--json")
    assert done.exit_code == 0, done.stderr
    assert "30 parts each of 5 pictures take about 10.5 kB in the database" in done.stderr
    assert json.loads(done.stdout)["regions"] == 5
    assert "of 5 pictures, for 'query --anywhere'" in run("info").stdout
    (recipe,) = json.loads(run("info", "--json").stdout)["recipes"]
    assert recipe["regions"] == 5
    again = run("index", "--json")
    assert json.loads(again.stdout)["regions"] == 0
    assert "parts each" not in again.stderr
    done = run("query", "thing1.png", "--anywhere", "-k", "1")
    assert done.exit_code == 0, done.stderr
    assert "01.png" in done.stdout
    assert "(at 128,32 96x96)" in done.stdout
    assert run("index", "--no-regions").exit_code == 0
    assert run("query", "thing1.png", "--anywhere").exit_code == 2


def test_boxes_are_in_documents_and_on_the_page() -> None:
    assert run("index", "photos", "--regions").exit_code == 0
    done = run("query", "thing2.png", "--anywhere", "-k", "2", "--json", "--sheet", "sheet.html")
    assert done.exit_code == 0, done.stderr
    first, second = json.loads(done.stdout)["matches"]
    assert Path(first["path"]).name == "02.png"
    assert first["box"] == [128, 32, 96, 96]
    assert len(second["box"]) == 4
    assert Path("sheet.html").read_text().count("data:image") == 3
    plain = run("query", "thing2.png", "-k", "2", "--jsonl").stdout.splitlines()
    assert {json.loads(line)["box"] for line in plain} == {None}


def test_each_of_many_is_asked_about_parts_and_a_crop_is() -> None:
    assert run("index", "photos", "--regions").exit_code == 0
    done = run("query", "thing0.png", "thing1.png", "--each", "--anywhere", "-k", "1", "--json")
    found = [json.loads(line)["matches"][0] for line in done.stdout.splitlines()]
    assert [Path(match["path"]).name for match in found] == ["00.png", "01.png"]
    done = run(
        "query", "photos/02.png", "--crop", "50%,12.5%,37.5%,37.5%", "--anywhere", "--include-self",
        "-k", "1", "--json",
    )  # fmt: skip
    (match,) = json.loads(done.stdout)["matches"]
    assert Path(match["path"]).name == "02.png"
    assert match["box"] == [128, 32, 96, 96]


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--expand", "3"), "stays as it is"),
        (("--copies",), "same as wholes"),
        (("--projection", "none"), "a projection of their own"),
        (("--exact",), "their own index"),
        (("--explain", "--json"), "the score of whole pictures"),
    ],
)
def test_what_does_not_go_with_parts_is_refused(option: tuple[str, ...], why: str) -> None:
    done = run("query", "thing0.png", "--anywhere", *option)
    assert done.exit_code == 2
    assert f"{option[0]} does not go with --anywhere" in done.stderr
    assert why in done.stderr
