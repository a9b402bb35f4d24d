"""`imgsearch evaluate` and `imgsearch recommend`, as a person meets them."""

from __future__ import annotations

import json
import pickle
import re
from typing import TYPE_CHECKING

import pytest
from cli_fakes import run
from evaluation_fakes import FakeNetworks, coloured, labelled

from imgsearch.evaluation import costs, embedding_run, trials
from imgsearch.evaluation.conditions import METRICS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNetworks:
    """Put fake networks in the place of the catalogue, and the cache in a folder of its own."""
    networks = FakeNetworks()
    monkeypatch.setattr("imgsearch.evaluation.networks.CatalogueNetworks", lambda: networks)
    monkeypatch.setattr(
        trials, "networks_to_try", lambda *, download: ("one", "two")[: 1 + download]
    )
    monkeypatch.setattr(costs, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(costs, "LEAST_REPEATS", 1)
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    return networks


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return four pictures in two classes, whose mAP is 5/12."""
    return labelled(tmp_path / "photos")


def test_the_table_says_what_varies_how_well_and_at_what_cost(photos: Path) -> None:
    result = run("evaluate", photos, "--backbone", "one", "--pooling", "gap", "--pooling", "gmp")
    assert result.exit_code == 0, result.stderr
    heading, columns, *rows = result.stdout.splitlines()
    assert heading.startswith("folders: 4 queries over 4 images; backbone one, size 16")
    assert columns.split()[:3] == ["pooling", "mAP", "difference"]
    assert len(rows) == 2
    assert all("41.7" in row for row in rows)
    assert "difference: to one gap 16 squash" in result.stderr
    assert "in percent" in result.stderr


def test_the_document_holds_the_map_computed_by_hand(photos: Path) -> None:
    result = run("evaluate", photos, "--metric", "mAP", "--json")
    document = json.loads(result.stdout)
    (truth,) = document["ground_truths"]
    (variant,) = truth["variants"]
    assert variant["metrics"][0]["estimate"]["value"] == pytest.approx(5 / 12, abs=1e-6)
    assert variant["metrics"][0]["difference"] is None
    assert "folders: 4 queries" in result.stderr


def test_all_metrics_asked_for_are_in_the_table(photos: Path) -> None:
    result = run("evaluate", photos, "--metric", "MRR", "--metric", "N-S", "--metric", "recall@2")
    assert re.split(r"\s{2,}", result.stdout.splitlines()[1].strip())[1:4] == [
        "MRR",
        "N-S",
        "recall@2",
    ]


def test_a_report_is_written(photos: Path, tmp_path: Path) -> None:
    result = run("evaluate", photos, "--report", tmp_path / "report.html")
    assert result.exit_code == 0, result.stderr
    assert "imgsearch" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Report: " in result.stderr


def test_a_second_run_embeds_nothing(photos: Path, networks: FakeNetworks) -> None:
    run("evaluate", photos)
    networks.networks.clear()
    assert run("evaluate", photos).exit_code == 0
    assert all(4 not in network.batches for network in networks.networks)
    assert run("evaluate", photos, "--no-cache").exit_code == 0
    assert any(4 in network.batches for network in networks.networks)


def test_a_cache_of_ones_own_is_used(photos: Path, tmp_path: Path) -> None:
    assert run("evaluate", photos, "--cache", tmp_path / "own").exit_code == 0
    assert list((tmp_path / "own").glob("*/*.embeddings"))
    assert not (tmp_path / "cache").exists()


def test_unreadable_pictures_are_listed_and_give_exit_code_3(photos: Path) -> None:
    (photos / "a" / "broken.jpg").write_bytes(b"no picture")
    result = run("evaluate", photos)
    assert result.exit_code == 3
    assert "1 file could not be read, left out:" in result.stderr
    assert "broken.jpg" in result.stderr
    assert "41.7" in result.stdout
    document = json.loads(run("evaluate", photos, "--json").stdout)
    assert document["unreadable_files"][0]["path"].endswith("broken.jpg")


def test_interrupted_runs_say_that_the_same_command_continues(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: embedding_run.Work) -> None:
        raise embedding_run.StoppedError

    monkeypatch.setattr(embedding_run.Work, "go_on", stop)
    result = run("evaluate", photos)
    assert result.exit_code == 130
    assert "same command continues" in result.stderr
    assert "Without --no-cache" in run("evaluate", photos, "--no-cache").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--truth", "a.csv", "--group", "x"], "--truth and --group are different kinds"),
        (["--holidays", "--ukbench"], "--holidays and --ukbench are different kinds"),
        (["--edited", "5"], "--self-supervised"),
        (["--metric", "accuracy"], "accuracy"),
        (["--projection", "much"], "projection: 'much'"),
        (["--concatenate", "one"], "--concatenate: 'one' is one network"),
        (["--weights", "resnet50=a.h5"], "--weights: 'resnet50=a.h5'"),
        (["--report", "no/such/folder.html"], "--report"),
        (["--cache", "x", "--no-cache"], "--no-cache"),
        (["--backbone", "a.keras", "--preprocessing", "a.keras=odd"], "--preprocessing: 'odd'"),
        (["--group", "("], "group: '('"),
    ],
)
def test_options_that_make_no_sense_are_named(
    photos: Path, arguments: list[str], said: str, networks: FakeNetworks
) -> None:
    result = run("evaluate", photos, *arguments)
    assert result.exit_code == 2, result.stderr
    assert said in result.stderr
    assert not networks.networks


def test_a_folder_without_pictures_or_classes_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "contains no images" in run("evaluate", tmp_path / "empty").stderr
    coloured(tmp_path / "flat" / "one.png", 1)
    coloured(tmp_path / "flat" / "two.png", 2)
    result = run("evaluate", tmp_path / "flat")
    assert result.exit_code == 2
    assert "--self-supervised" in result.stderr


def test_file_names_and_tables_say_what_belongs_together_too(photos: Path, tmp_path: Path) -> None:
    grouped = run("evaluate", photos, "--group", r"^(\w)/", "--json").stdout
    table = tmp_path / "truth.csv"
    table.write_text("query,relevant\na/0.png,a/1.png\nb/0.png,b/1.png\n", encoding="utf-8")
    tabled = run("evaluate", photos, "--truth", table, "--json").stdout
    for text, expected in ((grouped, 5 / 12), (tabled, (1 / 2 + 1 / 3) / 2)):
        (truth,) = json.loads(text)["ground_truths"]
        value = truth["variants"][0]["metrics"][0]["estimate"]["value"]
        assert value == pytest.approx(expected, abs=1e-6)


def test_edits_ask_where_nothing_is_labelled(tmp_path: Path) -> None:
    for number in range(4):
        coloured(tmp_path / "flat" / f"{number}.png", 25 * number)
    result = run("evaluate", tmp_path / "flat", "--self-supervised", "--edited", "2")
    assert result.exit_code == 0, result.stderr
    assert "over 4 images" in result.stdout


def test_what_networks_bring_reaches_them(photos: Path, networks: FakeNetworks) -> None:
    own = photos.parent / "my=net.keras"
    own.write_bytes(b"a network")
    result = run(
        "evaluate",
        photos,
        *("--backbone", "VGG-16", "--backbone", own, "--weights", "vgg16=random"),
        *("--preprocessing", f"{own}=tf", "--trust-model", "0" * 64, "--layer", "low", "--offline"),
    )
    assert result.exit_code == 0, result.stderr
    first, second = networks.requests
    assert (first.backbone, str(first.weights), first.layer) == ("VGG-16", "random", "low")
    assert (second.preprocessing, second.trusted_sha256) == ("tf", "0" * 64)
    assert "VGG-16 has random weights" in result.stderr
    assert "offline" in result.stderr


def test_a_recommendation_ends_with_the_command_to_type(photos: Path) -> None:
    result = run("recommend", photos)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[1].startswith("Use one, gap pooling, 16 px, squash")
    assert "mAP 41.7" in lines[2]
    assert lines[-1] == f"imgsearch index {photos} --backbone one --size 16"


def test_a_recommendation_without_classes_looks_for_copies_and_says_so(tmp_path: Path) -> None:
    for number in range(8):
        coloured(tmp_path / "flat" / f"{number}.png", 11 * number)
    result = run("recommend", tmp_path / "flat")
    assert result.exit_code == 0, result.stderr
    assert "how well copies are found" in result.stderr
    assert "imgsearch index" in result.stdout


def test_a_recommendation_lists_what_was_left_out(photos: Path) -> None:
    (photos / "a" / "broken.jpg").write_bytes(b"no picture")
    result = run("recommend", photos, "--json", "--download")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert {found["backbone"] for found in document["tried"]["variants"]} == {"one", "two"}
    assert len(document["unreadable_files"]) == 1


def test_a_verdict_on_one_network_begins_with_that(photos: Path) -> None:
    lines = run("recommend", photos).stdout.splitlines()
    assert lines[0] == "Only one network was tried, so another may be better."
    assert lines[1].startswith("Use one")
    document = json.loads(run("recommend", photos, "--json").stdout)
    assert document["caveat"] == lines[0]
    both = run("recommend", photos, "--download")
    assert both.stdout.startswith("Use ")
    assert json.loads(run("recommend", photos, "--download", "--json").stdout)["caveat"] is None


def test_a_recommendation_shows_what_decides_and_explains_its_table(photos: Path) -> None:
    result = run("recommend", photos, "--metric", "MRR")
    assert result.exit_code == 0, result.stderr
    assert "It reaches MRR " in result.stdout
    (columns,) = (line for line in result.stderr.splitlines() if "decode/s" in line)
    headings = re.split(r"\s{2,}", columns.strip())
    shown = [heading for heading in headings if heading in {"MRR", "difference", *METRICS}]
    assert shown == ["MRR", "difference", "mAP", "hit-rate@1", "hit-rate@10"]
    assert "no other is both better and faster" in result.stderr
    assert "difference: to one gap 16 squash" in result.stderr
    assert "in brackets: 95 % bootstrap interval; metrics in percent" in result.stderr
    assert "hit-rate@10" in run("recommend", photos).stderr
    refused = run("recommend", photos, "--metric", "accuracy")
    assert refused.exit_code == 2
    assert "accuracy" in refused.stderr


def test_a_recommendation_shows_its_embeddings_with_and_without_projection(
    tmp_path: Path,
) -> None:
    for number in range(260):
        coloured(tmp_path / f"class{number % 2}" / f"{number}.png", 0.3 * number)
    result = run("recommend", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "160:0.5" in result.stderr
    assert "none" in result.stderr


def annotated(folder: Path, *, hard: list[int]) -> Path:
    """Write six pictures and the annotations of two queries in the form of revisited Oxford."""
    for number in range(6):
        coloured(folder / "photos" / f"{number}.jpg", 15 * number)
    box = [0, 0, 20, 20]
    document = {
        "imlist": [str(number) for number in range(6)],
        "qimlist": ["0", "5"],
        "gnd": [
            {"bbx": box, "easy": [1], "hard": hard, "junk": []},
            {"bbx": box, "easy": [4], "hard": [], "junk": []},
        ],
    }
    path = folder / "gnd.pkl"
    path.write_bytes(pickle.dumps(document))
    return path


def test_a_protocol_without_any_right_answer_is_left_out_with_a_note(tmp_path: Path) -> None:
    annotations = annotated(tmp_path, hard=[])
    result = run("evaluate", tmp_path / "photos", "--revisited", annotations, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    names = [truth["name"] for truth in document["ground_truths"]]
    assert names == ["revisited, easy", "revisited, medium"]
    assert document["notes"][0].startswith("Left out: revisited, hard: no query has a right answer")
    assert "Left out: revisited, hard" in result.stderr


def test_every_protocol_is_evaluated_where_each_has_right_answers(tmp_path: Path) -> None:
    annotations = annotated(tmp_path, hard=[3])
    result = run("evaluate", tmp_path / "photos", "--revisited", annotations, "--json")
    assert result.exit_code == 0, result.stderr
    names = [truth["name"] for truth in json.loads(result.stdout)["ground_truths"]]
    assert names == ["revisited, easy", "revisited, medium", "revisited, hard"]


def test_a_query_of_two_groups_counts_in_both(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "truth.csv"
    table.write_text(
        "query,relevant,group\na/0.png,a/1.png,north\na/0.png,,south\nb/0.png,b/1.png,south\n",
        encoding="utf-8",
    )
    result = run("evaluate", photos, "--truth", table, "--json")
    assert result.exit_code == 0, result.stderr
    (truth,) = json.loads(result.stdout)["ground_truths"]
    assert truth["queries"] == 2
    # a/0 finds a/1 second, b/0 finds b/1 third.
    assert truth["variants"][0]["groups"] == [
        {"group": "south", "queries": 2, "value": pytest.approx(5 / 12, abs=1e-6)},
        {"group": "north", "queries": 1, "value": 0.5},
    ]


def test_table_report_and_document_mark_the_same_variants(photos: Path, tmp_path: Path) -> None:
    result = run(
        "evaluate",
        photos,
        *("--pooling", "gap", "--pooling", "gmp", "--pooling", "rmac", "--size", "8"),
        *("--size", "16", "--json", "--report", tmp_path / "report.html"),
    )
    (truth,) = json.loads(result.stdout)["ground_truths"]
    best = {(found["pooling"], found["size"]) for found in truth["variants"] if found["pareto"]}
    assert 0 < len(best) < 6
    rows = [line.split() for line in result.stderr.splitlines() if line.startswith("*  ")]
    assert {(row[1], row[2]) for row in rows} == best
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    marked = re.findall(
        r'<tr class="pareto">.*?<th scope="row" data-value="(\S+) (\d+)', page, re.DOTALL
    )
    assert set(marked) == best
