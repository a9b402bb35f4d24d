"""`imgsearch list` and `compare`, and `query`'s weights and copies, as a person types them."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeSource, picture, run
from PIL import Image


@pytest.fixture(autouse=True)
def _fake_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)


def dated(path: Path, seed: int, when: str, camera: str) -> Path:
    """Write a picture with a date and a camera."""
    exif = Image.Exif()
    exif[0x0132], exif[0x0110] = when, camera
    return picture(path, seed, exif=exif)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An indexed folder of four photos, two of them dated, one twice; the current folder."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    dated(folder / "a.png", 1, "2019:05:01 12:00:00", "NIKON Z 6")
    dated(folder / "b.png", 2, "2024:05:01 12:00:00", "Canon EOS R5")
    picture(folder / "c.png", 3)
    picture(folder / "deep/d.png", 4)
    shutil.copy(folder / "b.png", folder / "twin.png")
    monkeypatch.chdir(folder)
    assert run("index", folder).exit_code == 0
    return folder


def answer(*arguments: str | Path) -> dict[str, Any]:
    """Run a command; return its JSON document."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def names(document: dict[str, Any]) -> list[str]:
    """Return the names of the files that are listed."""
    return [Path(file["path"]).name for file in document["files"]]


def inside(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("photos")
def test_the_table_lists_the_newest_first() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["2024-05-01", "24x24", "Canon", "EOS", "R5", "b.png", "(and", "1", "copy)"],
        ["2019-05-01", "24x24", "NIKON", "Z", "6", "a.png"],
        ["-", "24x24", "-", "c.png"],
        ["-", "24x24", "-", "deep/d.png"],
    ]
    assert result.stderr == "4 files.\n"


def test_every_form_lists_the_same(photos: Path) -> None:
    everything = ["b.png", "a.png", "c.png", "d.png"]
    document = answer("list")
    assert (document["imgsearch"], names(document)) == ("list", everything)
    assert document["files"][0]["duplicates"][0]["path"] == str(photos / "twin.png")
    lines = [json.loads(line) for line in run("list", "--jsonl").stdout.splitlines()]
    assert lines == document["files"]
    rows = list(csv.DictReader(io.StringIO(run("list", "--csv").stdout)))
    assert [Path(row["path"]).name for row in rows] == everything
    assert (rows[0]["camera"], rows[0]["duplicates"], rows[2]["taken"]) == ("Canon EOS R5", "1", "")
    paths = run("list", "--paths").stdout.splitlines()
    assert paths == [file["path"] for file in document["files"]]
    assert run("list", "--paths", "-0").stdout == "".join(f"{path}\0" for path in paths)
    assert names(answer("list", "--all-files"))[:2] == ["b.png", "twin.png"]
    assert names(answer("list", "-k", "2")) == everything[:2]


@pytest.mark.usefixtures("photos")
def test_filters_are_those_of_queries() -> None:
    assert names(answer("list", "--under", "deep")) == ["d.png"]
    assert names(answer("list", "--camera", "nikon")) == ["a.png"]
    assert names(answer("list", "--before", "2020", "--undated", "include")) == [
        "a.png",
        "c.png",
        "d.png",
    ]
    result = run("list", "--camera", "zzz")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        "2 of 4 contents have no camera and are left out",
        "camera: nothing in the gallery fits 'zzz'; there is Canon EOS R5 (1), NIKON Z 6 (1)",
        "No file in the gallery fits.",
    ]
    for wrong in (["--format", "jpgg"], ["--after", "x"], ["--under", "/no"], ["-0"], ["-k", "0"]):
        assert run("list", *wrong).exit_code == 2


def test_without_a_gallery_nothing_is_listed_or_compared(tmp_path: Path) -> None:
    assert run("list", "--gallery", tmp_path / "none").exit_code == 10
    one = picture(tmp_path / "a.png", 1)
    assert run("compare", one, one, "--gallery", tmp_path / "none").exit_code == 10


def test_two_pictures_are_compared(photos: Path, tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.png", 9)
    document = answer("compare", "a.png", outside)
    assert document["images"] == [{"path": "a.png"}, {"path": str(outside)}]
    assert document["score"] == document["raw_score"] < 1
    assert (document["same_content"], document["projection"]) == (False, "none")
    (match,) = answer("query", outside, "--under", photos / "a.png")["matches"]
    assert document["score"] == match["score"]
    centred = answer("compare", "a.png", outside, "--projection", "centred")
    assert centred["score"] < centred["raw_score"] == document["raw_score"]
    same = run("compare", "b.png", "-", given=(photos / "twin.png").read_bytes())
    assert same.stdout.splitlines() == [
        "1.000  as searched  the same content",
        "1.000  without a projection",
    ]
    (row,) = csv.DictReader(io.StringIO(run("compare", "b.png", "twin.png", "--csv").stdout))
    assert row == {
        "one": "b.png",
        "other": "twin.png",
        "score": "1.000000",
        "raw_score": "1.000000",
        "same_content": "true",
        "projection": "none",
    }
    for wrong in (
        ["-", "-"],
        ["a.png", "no.png"],
        ["a.png", "."],
        ["a.png", "b.png", "--json", "--csv"],
    ):
        assert run("compare", *wrong).exit_code == 2


@pytest.mark.usefixtures("photos")
def test_weights_shift_the_question() -> None:
    def scores(*arguments: str) -> dict[str, float]:
        matches = answer("query", *arguments, "--include-self")["matches"]
        return {Path(match["path"]).name: match["score"] for match in matches}

    even = scores("a.png", "c.png")
    assert scores("a.png", "c.png", "--weight", "1", "--weight", "1") == even
    assert scores("a.png", "c.png", "--weight", "9", "--weight", "1")["a.png"] > even["a.png"]
    less = scores("a.png", "--minus", "c.png", "--weight", "1", "--weight", "0.1")
    assert less["c.png"] > scores("a.png", "--minus", "c.png")["c.png"]
    for wrong in (
        ("a.png", "c.png", "--weight", "1"),
        ("a.png", "--weight", "0"),
        ("a.png", "c.png", "--each", "--weight", "1", "--weight", "2"),
    ):
        assert run("query", *wrong).exit_code == 2


def test_matches_are_copied_and_nothing_is_overwritten(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("query", "b.png", "-k", "2", "--copy-to", out, "--paths")
    assert result.exit_code == 0
    first, second = (Path(path).name for path in result.stdout.splitlines())
    assert first == "twin.png"
    assert inside(out) == ["001-twin.png", f"002-{second}"]
    assert (out / "001-twin.png").read_bytes() == (photos / "twin.png").read_bytes()
    (out / "001-twin.png").write_bytes(b"mine")
    assert run("query", "b.png", "-k", "1", "--copy-to", out).exit_code == 0
    assert (out / "001-twin.png").read_bytes() == b"mine"
    assert (out / "001-twin (2).png").read_bytes() == (photos / "twin.png").read_bytes()
    each = run("query", "a.png", "b.png", "--each", "-k", "1", "--copy-to", tmp_path / "each")
    assert each.exit_code == 0
    assert inside(tmp_path / "each") == ["001-a", "002-b"]
    assert inside(tmp_path / "each/002-b") == ["001-twin.png"]


def test_matches_that_are_not_there_are_named_and_not_copied(photos: Path, tmp_path: Path) -> None:
    (photos / "twin.png").unlink()
    result = run("query", "b.png", "-k", "2", "--copy-to", tmp_path / "out")
    assert result.exit_code == 3
    assert f"{photos}/twin.png: not copied: no such file" in result.stderr
    assert len(inside(tmp_path / "out")) == 1


def test_what_is_named_wrongly_is_answered_with_the_way_to_ask(photos: Path) -> None:
    for name, said in (
        ("https://example.org/cat.jpg", "https://example.org/cat.jpg: a web address"),
        ("deep", "--files-from -"),
        ("nosuch.jpg", "nosuch.jpg: no such file"),
    ):
        for arguments in ((name,), ("a.png", "--minus", name)):
            result = run("query", *arguments)
            assert result.exit_code == 2, result.stderr
            assert said in result.stderr
    (photos / "text.jpg").write_bytes(b"no picture")
    assert run("query", "text.jpg").exit_code == 1


@pytest.mark.usefixtures("photos")
def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    listed = run("query", "--files-from", "-", "--json", given=b"\xef\xbb\xbfa.png\r\nb.png\r\n")
    assert listed.exit_code == 0, listed.stderr
    images = [json.loads(line)["images"] for line in listed.stdout.splitlines()]
    assert images == [[{"path": "a.png"}], [{"path": "b.png"}]]
