"""`info`, `backbones`, `remove`, `prune`, `check`, `relocate`, `export` as a person types them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backbone_fixtures import save_network, tiny_network
from cli_fakes import FakeSource, picture, run

from imgsearch.cli.tables import align, byte_size, counted, duration
from imgsearch.cli.terminal import plain
from imgsearch.gallery.checking import CheckReport
from imgsearch.storage.findings import FEW, Finding


@pytest.fixture(autouse=True)
def _fake_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An indexed folder of four photos and a file that is none."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    for seed in range(4):
        picture(folder / f"{seed}.png", seed)
    (folder / "broken.jpg").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    assert run("index", folder).exit_code == 3
    return folder


def document(*arguments: str | Path) -> dict[str, Any]:
    """Run a command, and return its JSON document."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    content: dict[str, Any] = json.loads(result.stdout)
    assert content["imgsearch"] == arguments[0]
    return content


@pytest.mark.usefixtures("photos")
def test_info_shows_roots_files_and_recipes() -> None:
    result = run("info")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["files", "5"] in lines
    assert ["contents", "4"] in lines
    assert ["online", "5", "files", "photos"] in lines
    assert "fake/grid/gap/16/squash  (primary)" in result.stdout
    assert "the embeddings themselves, 48 dimensions" in result.stdout
    assert "imgsearch info --unreadable" in result.stdout
    assert document("info")["recipes"][0]["cache"] == "fresh"


@pytest.mark.usefixtures("photos")
def test_info_lists_unreadable_files_with_reasons() -> None:
    result = run("info", "--unreadable")
    assert result.exit_code == 0
    assert result.stdout.startswith("photos/broken.jpg  ")
    listed = json.loads(run("info", "--unreadable", "--json").stdout)
    assert listed["imgsearch"] == "unreadable"
    assert Path(listed["unreadable_files"][0]["path"]).name == "broken.jpg"


def test_info_says_when_nothing_is_unreadable(photos: Path) -> None:
    (photos / "broken.jpg").unlink()
    assert run("index").exit_code == 0
    result = run("info", "--unreadable")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Every file" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("info",),
        ("info", "--unreadable"),
        ("remove", "x"),
        ("prune",),
        ("check",),
        ("check", "--repair"),
        ("relocate", "a", "b"),
        ("export", "out"),
        ("map",),
    ],
    ids=" ".join,
)
def test_without_a_gallery_every_command_exits_with_ten(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*command, "--gallery", tmp_path / "none")
    assert result.exit_code == 10, result.stderr
    assert result.stdout == ""
    assert str(tmp_path / "none") in result.stderr
    assert not (tmp_path / "none").exists()


def test_removing_files_leaves_the_pictures_on_disk(photos: Path) -> None:
    result = run("remove", photos / "0.png", photos / "1.png")
    assert result.exit_code == 0
    assert result.stderr == "Removed 2 files from the gallery.\n"
    assert (photos / "0.png").is_file()
    assert document("info")["files"] == 3
    assert document("remove", photos / "2.png")["files"] == 1


@pytest.mark.usefixtures("photos")
def test_removing_what_the_gallery_does_not_hold_is_refused() -> None:
    result = run("remove", "elsewhere")
    assert result.exit_code == 2
    assert "elsewhere" in result.stderr


def test_prune_drops_contents_without_a_file(photos: Path) -> None:
    (photos / "0.png").unlink()
    run("index")
    assert document("info")["orphans"] == 1
    assert document("prune")["contents"] == 1
    assert run("prune").stderr.startswith("Pruned 0 contents and 0 caches; ")


@pytest.mark.usefixtures("photos")
def test_a_sound_gallery_is_said_to_be_sound() -> None:
    result = run("check")
    assert (result.exit_code, result.stderr) == (0, "The gallery is sound.\n")
    assert document("check")["clean"] is True


def test_a_damaged_cache_is_named_with_its_remedy_and_repaired(
    photos: Path, tmp_path: Path
) -> None:
    (cache,) = (tmp_path / "gallery").glob("index-*.faiss")
    data = bytearray(cache.read_bytes())
    data[len(data) // 2] ^= 1
    cache.write_bytes(data)
    result = run("check")
    assert result.exit_code == 1
    assert result.stdout.startswith("cache: ")
    assert "imgsearch check --repair" in result.stdout
    assert json.loads(run("check", "--json").stdout)["clean"] is False
    repaired = run("check", "--repair")
    assert repaired.exit_code == 0
    assert "(repaired)" in repaired.stdout
    assert run("check").exit_code == 0
    assert run("query", photos / "0.png").exit_code == 0


@pytest.mark.usefixtures("photos")
def test_damage_that_cannot_be_repaired_is_reported_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    findings = (Finding("row \x1b[31m lost", "damage"), Finding("old file", "note"))
    monkeypatch.setattr(
        "imgsearch.gallery.gallery.Gallery.check", lambda *_, **__: CheckReport(findings)
    )
    result = run("check", "--repair")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "damage: row \\x1b[31m lost (cannot be repaired: index the photos into a new gallery)",
        "note: old file",
    ]


def test_a_relocated_root_is_found_at_its_new_place(photos: Path, tmp_path: Path) -> None:
    new = photos.rename(tmp_path / "moved")
    result = run("relocate", photos, new)
    assert result.exit_code == 0
    assert result.stderr == "moved: 5 of 5 files found there.\n"
    assert run("index", "--json").exit_code == 0
    back = document("relocate", new, photos, "--force")
    assert (back["files"], back["found"]) == (5, 0)


@pytest.mark.usefixtures("photos")
def test_an_export_holds_every_embedding(tmp_path: Path) -> None:
    report = document("export", tmp_path / "out")
    assert (report["embeddings"], report["dim"]) == (4, 48)
    arrays = [Path(file["path"]) for file in report["files"] if file["path"].endswith(".npy")]
    assert np.load(arrays[0]).shape == (4, 48)
    again = run("export", tmp_path / "out")
    assert again.exit_code == 2
    assert run("export", tmp_path / "out", "--overwrite").exit_code == 0


@pytest.mark.usefixtures("photos")
def test_an_unknown_layout_of_an_export_is_refused(tmp_path: Path) -> None:
    result = run("export", tmp_path / "out", "--layout", "xlsx")
    assert result.exit_code == 2
    assert "parquet" in result.stderr


def test_the_catalogue_is_listed_with_what_is_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    result = run("backbones")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "1280" in lines["mobilenet_v2"]
    assert "on this machine" not in lines["mobilenet_v2"]
    entries = {entry["name"]: entry for entry in document("backbones")["backbones"]}
    assert len(entries) >= 40
    assert entries["mobilenet_v2"]["available"] is False
    weights = (
        tmp_path / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    )
    weights.parent.mkdir()
    weights.touch()
    lines = {line.split()[0]: line for line in run("backbones").stdout.splitlines()}
    assert lines["mobilenet_v2"].endswith("on this machine")


def test_an_unknown_backbone_is_answered_with_near_names() -> None:
    result = run("backbones", "mobilnet_v2")
    assert result.exit_code == 2
    assert "mobilenet_v2" in result.stderr


@pytest.mark.tensorflow
def test_the_layers_of_a_backbone_are_listed_with_their_shapes() -> None:
    result = run("backbones", "MobileNetV2")
    assert result.exit_code == 0
    assert "7x7x1280  out_relu" in result.stdout
    layers = json.loads(run("backbones", "mobilenet_v2", "--json").stdout)["layers"]
    assert {"name": "out_relu", "shape": [7, 7, 1280]} in layers


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    rows = [[("日本", ""), ("1", ""), ("x", "")], [("a", ""), ("100", ""), ("", "")]]
    lines = [plain(line) for line in align(rows, "<><", indent=" ")]
    assert lines == [" 日本    1  x", " a     100"]
    assert align([], "<") == []


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (14_000_000, "14.0 MB"),
        (5 * 10**12, "5000.0 GB"),
    ],
)
def test_sizes_are_shown_in_decimal_units(count: int, shown: str) -> None:
    assert byte_size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (12.34, "12.3 s"),
        (59.6, "1 min 00 s"),
        (65, "1 min 05 s"),
        (7380, "2 h 03 min"),
    ],
)
def test_durations_are_shown_as_a_person_says_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_numbers_carry_their_noun() -> None:
    assert counted(1, "file") == "1 file"
    assert counted(2020, "file") == "2,020 files"


@pytest.mark.usefixtures("photos")
def test_a_removal_of_more_than_a_tenth_wants_a_yes_where_nobody_can_be_asked() -> None:
    refused = run("remove", "/")
    assert refused.exit_code == 2
    assert "5 of 5 files would leave the gallery; say --yes" in refused.stderr
    assert document("info")["files"] == 5
    only_said = document("remove", "/", "--dry-run")
    assert (only_said["files"], only_said["contents"], only_said["dry_run"]) == (5, 4, True)
    assert document("info")["files"] == 5
    assert document("remove", "/", "--yes")["dry_run"] is False
    assert document("info")["files"] == 0


def test_a_few_files_named_one_by_one_are_removed_without_a_question(photos: Path) -> None:
    assert document("remove", photos / "0.png", photos / "1.png")["files"] == 2
    picture(photos / "sub/one.png", 9)
    assert run("index").exit_code == 0
    assert run("remove", photos / "sub").exit_code == 2, "a folder, though it holds one file"


def test_a_part_of_less_than_a_tenth_is_removed_without_a_question(photos: Path) -> None:
    for seed in range(10, 30):
        picture(photos / f"{seed}.png", seed)
    picture(photos / "sub/30.png", 30)
    picture(photos / "sub/31.png", 31)
    assert run("index").exit_code == 0
    assert document("remove", photos / "sub")["files"] == 2


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 0), ("n", 1, 5), ("", 1, 5)])
def test_on_a_terminal_a_removal_is_asked_about(
    photos: Path, monkeypatch: pytest.MonkeyPatch, *, answer: str, code: int, left: int
) -> None:
    monkeypatch.setattr("imgsearch.cli.maintenance.is_terminal", lambda _stream: True)
    result = run("remove", photos, given=f"{answer}\n".encode())
    assert result.exit_code == code
    assert "Go on?" in result.stderr
    monkeypatch.undo()
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(photos.parent / "gallery"))
    assert document("info")["files"] == left


def test_a_relocation_to_nothing_is_refused_unless_forced(photos: Path, tmp_path: Path) -> None:
    refused = run("relocate", photos, tmp_path / "nowhere")
    assert refused.exit_code == 2
    assert "none of the 5 files" in refused.stderr
    assert "--force" in refused.stderr
    assert run("relocate", photos, tmp_path / "nowhere", "--yes").exit_code == 2
    only_said = document("relocate", photos, tmp_path / "nowhere", "--dry-run")
    assert (only_said["found"], only_said["dry_run"]) == (0, True)
    assert document("info")["roots"][0]["path"] == str(photos)
    assert document("relocate", photos, tmp_path / "nowhere", "--force")["found"] == 0
    assert document("info")["roots"][0]["path"] == str(tmp_path / "nowhere")


def test_a_relocation_that_would_lose_more_than_a_tenth_wants_a_yes(
    photos: Path, tmp_path: Path
) -> None:
    photos.rename(tmp_path / "moved")
    (tmp_path / "moved/0.png").unlink()
    refused = run("relocate", photos, tmp_path / "moved")
    assert refused.exit_code == 2
    assert "1 of 5 files are not in" in refused.stderr
    assert document("relocate", photos, tmp_path / "moved", "--yes")["found"] == 4


def test_files_are_sampled_and_read_again_when_asked(photos: Path) -> None:
    assert document("check", "--files")["clean"]
    report = json.loads(run("index", "--rehash", "--json").stdout)
    assert (report["unchanged"], report["changed"], report["embedded"]) == (5, 0, 0)
    assert (report["aliases"], report["merged"]) == (0, [])
    (photos.parent / "link").symlink_to(photos)
    result = run("index", photos.parent / "link")
    assert "link is photos, which the gallery knows already" in result.stderr


def test_many_damaged_embeddings_are_dropped_with_drop_and_counted(
    photos: Path, tmp_path: Path
) -> None:
    for seed in range(10, 10 + FEW):
        picture(photos / f"{seed}.png", seed)
    run("index", photos)
    with closing(sqlite3.connect(tmp_path / "gallery" / "gallery.db")) as database, database:
        count = database.execute("UPDATE embedding SET vector = x'00'").rowcount
    result = run("check", "--repair")
    assert result.exit_code == 1
    assert "'imgsearch check --repair --drop' repairs this" in result.stdout
    (finding,) = json.loads(run("check", "--json").stdout)["findings"]
    assert finding["drops"] == count > FEW
    assert run("check", "--drop").exit_code == 2
    result = run("check", "--repair", "--drop")
    assert result.exit_code == 0
    assert f"(repaired, {count} embeddings dropped)" in result.stdout
    assert run("check").exit_code == 0


def test_a_custom_models_file_is_opened_only_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "own.keras"
    assert run("backbones", path).exit_code == 1
    path.write_bytes(b"anything")
    digest = hashlib.sha256(b"anything").hexdigest()
    result = run("backbones", path)
    assert (result.exit_code, f"--trust-model {digest}" in result.stderr) == (1, True)
    assert run("backbones", path, "--trust-model", "0" * 64).exit_code == 1
    assert run("backbones", path, "--trust-model", "none").exit_code == 2
    assert "not a Keras network" in run("backbones", path, "--trust-model", digest).stderr


@pytest.mark.parametrize(
    "arguments",
    [("--size", "32"), ("--trust-model", "0" * 64), ("compact", "--trust-model", "0" * 64)],
)
def test_options_of_a_networks_layers_need_a_network_that_takes_them(
    arguments: tuple[str, ...],
) -> None:
    assert run("backbones", *arguments).exit_code == 2


@pytest.mark.tensorflow
def test_the_layers_of_a_custom_model_are_listed_with_their_shapes(tmp_path: Path) -> None:
    """3 x 3 convolutions of 16 pixels: with stride 2, (16 - 3) // 2 + 1 = 7 remain; then 5.

    They have 3 x 3 x 3 x 4 + 4 and 3 x 3 x 4 x 6 + 6 parameters, the classifier 6 x 3 + 3.
    """
    path = tmp_path / "own.keras"
    trust = ("--trust-model", save_network(tiny_network(), path))
    result = run("backbones", path, *trust)
    assert result.exit_code == 0
    assert "7x7x4  first" in result.stdout
    assert "5x5x6  second" in result.stdout
    assert "pooled" not in result.stdout
    document = json.loads(run("backbones", path, *trust, "--json").stdout)
    assert document["layers"] == [
        {"name": "first", "shape": [7, 7, 4]},
        {"name": "second", "shape": [5, 5, 6]},
    ]
    assert (document["name"], document["dim"], document["layer"]) == (str(path), 6, "second")
    assert (document["size"], document["parameters"]) == (16, 112 + 222 + 21)
    assert run("backbones", path, *trust, "--size", "32").exit_code == 2


@pytest.mark.tensorflow
def test_the_layers_of_a_backbone_are_listed_at_any_size() -> None:
    assert "3x3x1280  out_relu" in run("backbones", "mobilenet_v2", "--size", "96").stdout
