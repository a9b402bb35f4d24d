"""`imgsearch duplicates` as a person types it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeSource, run
from PIL import ImageOps
from scenes import save, scene


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setattr("imgsearch.duplicates.calibrating.EDITED", 3)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An indexed folder: two pictures, a copy and a mirror image of the first, a twin of one."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    save(scene(1), folder / "beach/a.png")
    save(scene(2), folder / "beach/b.png")
    save(scene(1).resize((120, 90)), folder / "mail/small.jpg")
    save(ImageOps.mirror(scene(1)), folder / "mail/mirrored.jpg")
    shutil.copy(folder / "beach/b.png", folder / "mail/b.png")
    monkeypatch.chdir(folder)
    assert run("index", folder).exit_code == 0
    return folder


def groups(*arguments: str | Path) -> list[dict[str, Any]]:
    """Return the groups of a command's JSON document."""
    result = run("duplicates", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["groups"]
    return found


def kinds(*arguments: str | Path) -> dict[str, str]:
    """Return the members of all groups by name, with their kinds."""
    return {
        f"{Path(member['path']).parent.name}/{Path(member['path']).name}": member["kind"]
        for group in groups(*arguments)
        for member in group["members"]
    }


ALL = {"mail/small.jpg": "copy", "mail/mirrored.jpg": "edit", "mail/b.png": "identical"}


@pytest.mark.usefixtures("photos")
def test_the_table_names_what_to_keep_and_what_was_done_to_the_others() -> None:
    result = run("duplicates")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0][0] == "keep"
    assert lines[0][-1] == "beach/b.png"
    assert lines[1][:3] == ["identical", "100", "%"]
    assert lines[2] == []
    assert lines[3][-1] == "beach/a.png"
    assert "mail/small.jpg (scaled to 50 %)" in " ".join(lines[4])
    assert "mail/mirrored.jpg (mirrored)" in " ".join(lines[5])
    assert result.stderr.splitlines()[-1].startswith("2 groups: 3 files of ")


def test_every_form_gives_the_same_groups(photos: Path) -> None:
    document = groups()
    lines = [json.loads(line) for line in run("duplicates", "--jsonl").stdout.splitlines()]
    assert lines == document
    rows = list(csv.DictReader(io.StringIO(run("duplicates", "--csv").stdout)))
    assert [(row["group"], row["role"], row["kind"]) for row in rows] == [
        ("1", "keeper", ""),
        ("1", "member", "identical"),
        ("2", "keeper", ""),
        ("2", "member", "copy"),
        ("2", "member", "edit"),
    ]
    members = [photos / name for name in ("mail/b.png", "mail/small.jpg", "mail/mirrored.jpg")]
    assert run("duplicates", "--paths").stdout == "".join(f"{path}\n" for path in members)
    assert run("duplicates", "--paths", "-0").stdout == "".join(f"{path}\0" for path in members)
    assert run("duplicates", "--null").exit_code == 2
    assert run("duplicates", "--csv", "--json").exit_code == 2


@pytest.mark.usefixtures("photos")
def test_kinds_folders_and_filters_choose() -> None:
    assert kinds() == ALL
    assert kinds("--kind", "copy", "--kind", "edit") == {
        name: kind for name, kind in ALL.items() if kind != "identical"
    }
    assert kinds("--under", "beach") == {}
    assert kinds("--format", "png") == {"mail/b.png": "identical"}
    assert kinds("--min-width", "200") == {
        name: kind for name, kind in ALL.items() if name != "mail/small.jpg"
    }
    assert kinds("--recipe", "fake") == ALL
    refused = run("duplicates", "--kind", "twin")
    assert refused.exit_code == 2
    assert "choose from identical" in refused.stderr


@pytest.mark.usefixtures("photos")
def test_a_lower_precision_never_finds_less() -> None:
    assert kinds("--precision", "0.5").items() >= kinds("--precision", "0.999").items()
    refused = run("duplicates", "--precision", "99")
    assert refused.exit_code == 2
    assert "share" in refused.stderr


def test_a_card_is_compared_and_nothing_is_added(photos: Path, tmp_path: Path) -> None:
    card = tmp_path / "card"
    save(scene(2).rotate(90, expand=True), card / "turned.jpg")
    save(scene(9), card / "unknown.jpg")
    (card / "broken.jpg").write_bytes(b"no picture")
    result = run("duplicates", "--new", card, "--json")
    assert result.exit_code == 3
    assert "broken.jpg" in result.stderr
    (group,) = json.loads(result.stdout)["groups"]
    assert Path(group["keeper"]["path"]) == photos / "beach/b.png"
    assert [Path(member["path"]).name for member in group["members"]] == ["turned.jpg"]
    assert len(json.loads(run("list", "--json", "--all-files").stdout)["files"]) == 5
    assert run("duplicates", "--new", tmp_path / "nowhere").exit_code == 2


@pytest.mark.usefixtures("photos")
def test_two_folders_are_compared_with_each_other_only() -> None:
    found = groups("--between", "beach", "mail")
    assert [Path(group["keeper"]["path"]).parent.name for group in found] == ["beach", "beach"]
    assert kinds("--between", "beach", "mail") == ALL
    assert run("duplicates", "--between", "beach", "beach").exit_code == 2
    assert run("duplicates", "--between", "beach", "mail", "--new", "mail").exit_code == 2


@pytest.mark.usefixtures("photos")
def test_what_is_not_the_same_is_remembered_exported_and_taken_back(tmp_path: Path) -> None:
    pair = ("beach/a.png", "mail/small.jpg")
    told = run("duplicates", "--not", *pair)
    assert told.exit_code == 0, told.stderr
    assert "remembered as not the same" in told.stderr
    assert "nothing to change" in run("duplicates", "--not", *reversed(pair)).stderr
    assert "mail/small.jpg" not in kinds()
    assert run("export", tmp_path / "export").exit_code == 0
    (line,) = (tmp_path / "export/verdicts.jsonl").read_text().splitlines()
    assert {len(json.loads(line)[key]) for key in ("one", "other")} == {64}
    assert run("duplicates", "--same", *pair).exit_code == 0
    assert kinds() == ALL
    assert run("duplicates", "--not", "beach/a.png", "nowhere.jpg").exit_code == 2


@pytest.mark.usefixtures("photos")
def test_info_says_how_sure_duplicates_is() -> None:
    before = json.loads(run("info", "--json").stdout)["recipes"][0]
    assert before["calibration"] is None
    groups()
    (recipe,) = json.loads(run("info", "--json").stdout)["recipes"]
    assert recipe["calibration"]["edits"] == 18
    assert 0 < recipe["calibration"]["found"] <= 1
    assert "of the edits are found" in run("info").stdout


def test_without_a_gallery_there_is_nothing_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    assert run("duplicates").exit_code == 10


def test_a_gallery_without_duplicates_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    save(scene(1), tmp_path / "photos/a.png")
    run("index", tmp_path / "photos")
    result = run("duplicates")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No picture in the gallery is the same as another." in result.stderr


def test_a_query_says_how_its_matches_are_the_same(photos: Path, tmp_path: Path) -> None:
    def kinds_of(*arguments: str | Path) -> dict[str, str | None]:
        result = run("query", *arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return {Path(m["path"]).name: m["kind"] for m in json.loads(result.stdout)["matches"]}

    asked = photos / "beach/a.png"
    expected = {"small.jpg": "copy", "mirrored.jpg": "edit"}
    found = kinds_of(asked)
    assert {name: kind for name, kind in found.items() if kind} == expected
    assert found["b.png"] is None
    assert kinds_of(asked, "--copies") == expected
    assert list(kinds_of(asked, "--copies", "-k", "1").values()) in (["copy"], ["edit"])
    outside = save(scene(2).convert("L"), tmp_path / "grey.jpg")
    assert kinds_of(outside, "--copies") == {"b.png": "edit"}
    assert kinds_of(save(scene(2), tmp_path / "b.bmp"), "--copies") == {"b.png": "pixels"}
    assert kinds_of(photos / "mail/b.png", "--copies") == {"b.png": "identical"}
    assert "(copy)" in run("query", asked).stdout
    (row,) = csv.DictReader(io.StringIO(run("query", outside, "--copies", "--csv").stdout))
    assert row["kind"] == "edit"
    assert set(kinds_of(asked, "--crop", "10%,10%,50%,50%").values()) == {None}
    for refused in (("--crop", "1,1,9,9"), ("--minus", outside), (outside,)):
        assert run("query", asked, *refused, "--copies").exit_code == 2


def test_every_command_that_the_page_shows_runs(photos: Path, tmp_path: Path) -> None:
    """Those of docs/duplicates.md, with the folders of this test."""
    page = Path(__file__).parents[1] / "docs/duplicates.md"
    if not page.is_file():
        pytest.skip("installed without its documents")
    block = page.read_text(encoding="utf-8").partition("```sh\n")[2].partition("```")[0]
    card = tmp_path / "card"
    save(scene(1), card / "one.jpg")
    places = {
        "~/Photos/2019": photos / "beach",
        "/media/card": card,
        "train": photos / "beach",
        "test": photos / "mail",
        "one.jpg": photos / "beach/a.png",
        "two.jpg": photos / "mail/small.jpg",
    }
    commands = [line.partition("#")[0].split() for line in block.splitlines()]
    assert len(commands) == 6
    for _, *arguments in commands:
        result = run(*(places.get(argument, argument) for argument in arguments))
        assert result.exit_code == 0, result.stderr
        assert result.stdout or "--not" in arguments or "--under" in arguments
