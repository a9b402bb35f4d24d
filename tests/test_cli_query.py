"""`imgsearch query` prints what was asked for, in every form, safe whatever files are called."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeSource, command, picture, run

HOSTILE = "evil\x1b[31m\n[bold]name.png"
NOT_UTF8 = b"caf\xe9.png"


@pytest.fixture(autouse=True)
def _fake_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An indexed folder of six photos: one twice, one with a hostile name; the current folder."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    for seed in range(5):
        picture(folder / f"{seed}.png", seed)
    picture(folder / HOSTILE, 5)
    shutil.copy(folder / "1.png", folder / "one.png")
    monkeypatch.chdir(folder)
    assert run("index", folder).exit_code == 0
    return folder


def answer(*arguments: str | Path) -> dict[str, Any]:
    """Query, and return the JSON document."""
    result = run("query", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def names(document: dict[str, Any]) -> list[str]:
    """Return the matches' file names."""
    return [Path(match["path"]).name for match in document["matches"]]


@pytest.mark.usefixtures("photos")
def test_the_table_is_aligned_with_whole_paths_and_duplicates_beneath() -> None:
    result = run("query", "0.png")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert len(lines) == 6
    where = {line.index(line.split()[-1]) for line in lines if "=" not in line}
    assert len(where) == 1
    (duplicate,) = (number for number, line in enumerate(lines) if "= one.png" in line)
    assert lines[duplicate - 1].endswith(" 1.png")
    assert lines[duplicate].index("= ") in where
    assert any(line.endswith("evil\\x1b[31m\\n[bold]name.png") for line in lines)
    assert "\x1b" not in result.stdout


@pytest.mark.usefixtures("photos")
def test_k_limits_the_matches_and_scores_fall() -> None:
    document = answer("0.png", "-k", "3")
    assert [match["rank"] for match in document["matches"]] == [1, 2, 3]
    scores = [match["score"] for match in document["matches"]]
    assert scores == sorted(scores, reverse=True)


def test_a_document_has_what_scripts_need(photos: Path) -> None:
    document = answer("0.png", "-k", "1", "--include-self")
    assert document["imgsearch"] == "query"
    assert document["version"] == 1
    assert document["images"] == [{"path": "0.png"}]
    (match,) = document["matches"]
    assert match["path"] == str(photos / "0.png")
    assert match["root"] == str(photos)
    assert len(match["content"]) == 64
    assert (match["width"], match["height"], match["taken"]) == (24, 24, None)
    assert match["offline"] is False
    assert match["score"] == pytest.approx(1)


@pytest.mark.usefixtures("photos")
def test_a_picture_of_the_gallery_is_left_out_of_its_answer_unless_wanted() -> None:
    assert "0.png" not in names(answer("0.png"))
    assert names(answer("0.png", "--include-self"))[0] == "0.png"


@pytest.mark.usefixtures("photos")
def test_all_files_lists_duplicates_as_matches_of_the_same_rank() -> None:
    collapsed = answer("0.png")["matches"]
    (double,) = (match for match in collapsed if match["duplicates"])
    listed = answer("0.png", "--all-files")["matches"]
    assert len(listed) == len(collapsed) + 1
    same = [match for match in listed if match["rank"] == double["rank"]]
    assert {Path(match["path"]).name for match in same} == {"1.png", "one.png"}
    assert all(match["duplicates"] == [] for match in listed)


@pytest.mark.usefixtures("photos")
def test_several_images_are_one_query_unless_each_is_asked_for() -> None:
    together = answer("0.png", "1.png")
    assert together["images"] == [{"path": "0.png"}, {"path": "1.png"}]
    assert len(together["matches"]) == 5, "all but 0.png, 1.png by its copy one.png"
    lines = run("query", "0.png", "1.png", "--each", "--json").stdout.splitlines()
    apart = [json.loads(line) for line in lines]
    assert [entry["images"] for entry in apart] == [[{"path": "0.png"}], [{"path": "1.png"}]]
    assert apart[0] == answer("0.png")


@pytest.mark.usefixtures("photos")
def test_minus_stays_away_from_a_picture() -> None:
    document = answer("0.png", "--minus", "1.png", "--include-self")
    assert names(document)[0] == "0.png"
    assert names(document)[-1] == "1.png"


@pytest.mark.usefixtures("photos")
def test_an_expanded_query_scores_otherwise() -> None:
    plain, none = answer("0.png"), answer("0.png", "--include-self")["matches"][0]
    moved = answer("0.png", "--expand", "2:1")
    itself = answer("0.png", "--expand", "2:1", "--include-self")["matches"][0]
    assert set(names(moved)) == set(names(plain))
    assert [match["score"] for match in moved["matches"]] != [
        match["score"] for match in plain["matches"]
    ]
    assert none["score"] == 1 > itself["score"]


@pytest.mark.usefixtures("photos")
def test_a_crop_asks_about_a_part() -> None:
    whole, half = answer("2.png"), answer("2.png", "--crop", "0%,0%,50%,100%")
    assert whole["matches"] != half["matches"]
    assert answer("2.png", "--crop", "0,0,24,24")["matches"] == whole["matches"]


def test_image_bytes_may_come_on_standard_input(photos: Path) -> None:
    data = (photos / "0.png").read_bytes()
    result = run("query", "-", "--json", given=data)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["images"] == [{"path": None}]
    assert document["matches"] == answer("0.png", "--include-self")["matches"]


@pytest.mark.parametrize("form", [(), ("--all-files",)])
def test_whether_the_gallery_has_a_picture_is_answered(
    photos: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    shutil.copy(photos / "2.png", tmp_path / "mine.png")
    outside = answer(tmp_path / "mine.png", "-k", "1", *form)["matches"]
    assert [(match["path"], match["score"]) for match in outside] == [(str(photos / "2.png"), 1)]
    (double,) = answer("1.png", "--min-score", "0.9999", *form)["matches"]
    assert (double["path"], double["score"]) == (str(photos / "one.png"), 1)
    assert double["duplicates"] == []
    assert answer("2.png", "--min-score", "0.9999", *form)["matches"] == []


@pytest.mark.usefixtures("photos")
def test_bytes_that_are_no_image_are_said_to_come_from_standard_input() -> None:
    result = run("query", "-", given=b"no picture")
    assert result.exit_code == 1
    assert result.stderr.startswith("imgsearch: standard input: ")
    assert run("query", "-", given=b"").exit_code == 2


def test_filters_reach_the_search(photos: Path) -> None:
    picture(photos / "sub" / "wide.png", 8, side=64)
    assert run("index").exit_code == 0
    assert names(answer("0.png", "--under", photos / "sub")) == ["wide.png"]
    assert names(answer("0.png", "--min-width", "60", "--min-height", "60")) == ["wide.png"]
    assert len(names(answer("0.png", "--format", "png"))) == 6
    for nothing in (
        ["--format", "jpeg"],
        ["--after", "2024"],
        ["--before", "2024"],
        ["--camera", "x"],
        ["--near", "48,2,10"],
        ["--min-score", "1"],
    ):
        assert names(answer("0.png", *nothing)) == []


@pytest.mark.usefixtures("photos")
def test_no_match_is_said_and_is_no_failure() -> None:
    result = run("query", "0.png", "--format", "jpeg")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "formats: nothing in the gallery fits 'jpeg'; there is PNG (6)\n"
        "No image in the gallery matches.\n"
    )
    assert run("query", "0.png", "--format", "jpeg", "--quiet").stderr == ""


@pytest.mark.usefixtures("photos")
def test_what_has_no_date_is_counted_once_and_kept_when_wanted() -> None:
    result = run("query", "0.png", "1.png", "--each", "--after", "2020", "--json")
    assert result.stderr == (
        "6 of 6 contents have no date and are left out; --undated include keeps them\n"
    )
    assert all(json.loads(line)["matches"] == [] for line in result.stdout.splitlines())
    kept = run("query", "0.png", "--after", "2020", "--undated", "include", "--json")
    assert kept.stderr == ""
    assert len(json.loads(kept.stdout)["matches"]) == 5


@pytest.mark.usefixtures("photos")
def test_lines_of_json_are_one_match_each_with_the_query() -> None:
    result = run("query", "0.png", "1.png", "--each", "-k", "2", "--jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["images"][0]["path"] for line in lines] == ["0.png"] * 2 + ["1.png"] * 2
    asked = {"images", "texts", "minus_texts"}
    matches = [{key: line[key] for key in line if key not in asked} for line in lines[:2]]
    assert matches == answer("0.png", "-k", "2")["matches"]


def test_csv_is_one_line_a_match_with_exact_bytes_where_a_name_is_odd(photos: Path) -> None:
    result = run("query", "0.png", "--csv")
    assert len(result.stdout.splitlines()) == 1 + len(answer("0.png")["matches"])
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    (odd,) = (row for row in rows if row["path_base64"])
    assert os.fsdecode(base64.b64decode(odd["path_base64"])) == str(photos / HOSTILE)
    assert odd["path"] == f"{photos}/evil\\x1b[31m\\n[bold]name.png"
    assert [float(row["score"]) for row in rows] == [
        match["score"] for match in answer("0.png")["matches"]
    ]
    assert {row["duplicates"] for row in rows} == {"0", "1"}
    assert {row["query"] for row in rows} == {"0.png"}


@pytest.mark.usefixtures("photos")
def test_csv_without_a_match_still_has_its_head() -> None:
    result = run("query", "0.png", "--csv", "--format", "jpeg")
    assert result.stdout.startswith("query,rank,score,path")
    assert len(result.stdout.splitlines()) == 1


def test_paths_are_one_a_line_or_exact_with_nul(photos: Path) -> None:
    lines = run("query", "0.png", "--paths").stdout.splitlines()
    assert len(lines) == 5
    assert f"{photos}/evil\\x1b[31m\\n[bold]name.png" in lines
    exact = run("query", "0.png", "--paths", "-0").stdout_bytes.split(b"\0")
    assert os.fsencode(photos / HOSTILE) in exact
    assert exact[-1] == b""
    assert len(exact) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="file names are arbitrary bytes on Linux")
def test_names_that_are_not_utf8_are_safe_in_every_form(photos: Path) -> None:
    odd = os.path.join(os.fsencode(photos), NOT_UTF8)  # noqa: PTH118 - bytes
    picture(Path(os.fsdecode(odd)), 9)
    assert run("index").exit_code == 0
    table = run("query", os.fsdecode(NOT_UTF8), "--include-self")
    assert "caf\\xe9.png" in table.stdout
    (match,) = answer(os.fsdecode(NOT_UTF8), "--include-self", "-k", "1")["matches"]
    assert match["path"] == f"{photos}/caf\ufffd.png"
    assert base64.b64decode(match["path_base64"]) == odd
    assert "root_base64" not in match
    done = subprocess.run(
        command("query", os.fsdecode(NOT_UTF8), "--include-self", "-k1", "--paths"),
        capture_output=True,
        check=True,
    )
    assert done.stdout == odd + b"\n"


@pytest.mark.usefixtures("photos")
def test_lists_are_answered_one_by_one_and_failures_do_not_stop_them() -> None:
    wanted = b"0.png\nmissing.png\n1.png\n"
    result = run("query", "--files-from", "-", "-k", "1", given=wanted)
    assert result.exit_code == 3
    assert "missing.png" in result.stderr
    assert result.stderr.count("\n") == 1
    heads = [
        line for line in result.stdout.splitlines() if line.endswith(".png") and line[0] in "01"
    ]
    assert heads[0] == "0.png"
    lines = run("query", "--files-from", "-", "--json", given=wanted).stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    assert [document["images"][0]["path"] for document in documents] == wanted.decode().split()
    assert [bool(document["matches"]) for document in documents] == [True, False, True]
    assert documents[1]["reason"]


@pytest.mark.usefixtures("photos")
def test_a_list_from_a_file_is_answered_as_its_pictures_one_by_one() -> None:
    """Though they go through the index together, with one that cannot be read between them."""
    asked = ["0.png", "list.txt", "3.png", "one.png"]
    Path("list.txt").write_text("\n".join(asked))
    result = run("query", "--files-from", "list.txt", "--json", "-k", "3")
    assert result.exit_code == 3
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["reason"] is None for document in documents] == [True, False, True, True]
    for name, document in zip(asked, documents, strict=True):
        if document["reason"] is None:
            assert document["matches"] == answer(name, "-k", "3")["matches"]


@pytest.mark.usefixtures("photos")
def test_lists_may_end_with_nul_on_both_sides() -> None:
    wanted = f"{HOSTILE}\0".encode()
    result = run(
        "query", "--files-from", "-", "-0", "--paths", "--include-self", "-k", "1", given=wanted
    )
    assert Path(result.stdout.rstrip("\0")).name == HOSTILE


@pytest.mark.usefixtures("photos")
def test_a_single_picture_that_does_not_exist_is_wrong_usage() -> None:
    result = run("query", "missing.png")
    assert result.exit_code == 2
    assert "missing.png" in result.stderr
    assert result.stdout == ""


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("form", ["--jsonl", "--json"])
def test_answers_stream_while_the_list_is_still_being_written(form: str) -> None:
    process = subprocess.Popen(
        command("query", "--files-from", "-", "-k", "1", form),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for name in ("0.png", "1.png"):
        process.stdin.write(f"{name}\n".encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["images"] == [{"path": name}]
    process.stdin.close()
    process.stdout.close()
    assert process.wait(timeout=60) == 0


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "no image"),
        (("0.png", "--json", "--csv"), "--json and --csv"),
        (("-", "--files-from", "-"), "only once"),
        (("-", "-"), "only once"),
        (("0.png", "--minus", "-"), "--minus"),
        (("0.png", "-0"), "--null"),
        (("0.png", "-k", "0"), "-k"),
        (("0.png", "--crop", "1,2"), "crop"),
        (("0.png", "--near", "1,2"), "near"),
        (("0.png", "--after", "yesterday"), "after"),
        (("0.png", "--projection", "big"), "projection"),
        (("0.png", "--expand", "0"), "expand: '0'"),
        (("0.png", "--format", "jpgg"), "formats: 'jpgg' is not a format; choose from JPEG"),
        (("0.png", "--min-score", "95"), "min_score: 95.0 is not a cosine similarity"),
        (("0.png", "--undated", "maybe"), "undated: 'maybe'"),
        (("0.png", "--expand", "3:x"), "expand: '3:x'"),
    ],
)
def test_questions_that_make_no_sense_are_named_and_exit_with_two(
    arguments: tuple[str, ...], named: str
) -> None:
    result = run("query", *arguments, given=b"x")
    assert result.exit_code == 2, result.stderr
    assert named in result.stderr
    assert result.stdout == ""


def test_a_query_without_a_gallery_exits_with_ten(tmp_path: Path) -> None:
    result = run("query", picture(tmp_path / "a.png", 1), "--gallery", tmp_path / "none")
    assert result.exit_code == 10
    assert str(tmp_path / "none") in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("photos")
def test_another_recipe_is_asked_for_by_name() -> None:
    assert run("index", "--backbone", "vgg16").exit_code == 0
    assert run("query", "0.png", "--recipe", "vgg16").exit_code == 0
    result = run("query", "0.png", "--recipe", "resnet50")
    assert result.exit_code in {1, 2}
    assert "resnet50" in result.stderr


def test_a_recipe_that_covers_a_part_says_so(photos: Path) -> None:
    picture(photos / "sub" / "deep.png", 20)
    assert run("index", photos / "sub", "--backbone", "vgg16").exit_code == 0
    asked = ("sub/deep.png", "sub/deep.png", "--each")
    result = run("query", *asked, "--recipe", "vgg16")
    assert result.stderr == (
        "6 of 7 contents have no embedding under this recipe (vgg16/grid/gap/16/squash) and cannot "
        "match; `imgsearch index` with it embeds them\n"
    )
    assert run("index", "--backbone", "vgg16").exit_code == 0
    assert run("query", "0.png", "--recipe", "vgg16").stderr == ""


def test_a_stored_picture_on_an_unplugged_drive_can_be_asked_about(
    photos: Path, tmp_path: Path
) -> None:
    expected = names(answer(photos / "0.png"))
    photos.rename(tmp_path / "unplugged")
    os.chdir(tmp_path)
    assert names(answer(photos / "0.png")) == expected
    result = run("query", photos / "0.png", "--crop", "0,0,9,9")
    assert result.exit_code == 1
    assert "0.png: offline, and a part of it takes the file itself" in result.stderr
    assert run("query", photos / "never.png").exit_code != 0
    (tmp_path / "unplugged").rename(photos)
    (photos / "0.png").unlink()
    assert run("query", photos / "0.png").exit_code != 0, "gone from a folder that is there"


def test_offline_matches_are_marked(photos: Path, tmp_path: Path) -> None:
    query = picture(tmp_path / "query.png", 0)
    photos.rename(tmp_path / "unplugged")
    result = run("query", query, "-k", "2")
    assert all(line.endswith("offline)") for line in result.stdout.splitlines())
    assert len(result.stdout.splitlines()) == 3
    assert all(match["offline"] for match in answer(query)["matches"])
