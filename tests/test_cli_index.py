"""`imgsearch index` says what it did, on the right stream and with the right exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cli_fakes import FakeEmbedder, FakeSource, command, picture, run

from imgsearch.cli.index import summary
from imgsearch.cli.interrupts import interrupts
from imgsearch.cli.terminal import plain
from imgsearch.indexing.report import IndexReport, UnreadableFile
from imgsearch.recipe import RecipeRequest


@pytest.fixture(autouse=True)
def _fake_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a gallery that does not exist yet, named by the environment."""
    path = tmp_path / "gallery"
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(path))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four photos, one of them twice."""
    folder = tmp_path / "photos"
    for seed in range(4):
        picture(folder / f"{seed}.png", seed)
    shutil.copy(folder / "0.png", folder / "0 again.png")
    return folder


def report_of(*arguments: str | Path, exit_code: int = 0) -> dict[str, object]:
    """Index, and return the JSON report."""
    result = run("index", *arguments, "--json")
    assert result.exit_code == exit_code, result.stderr
    report: dict[str, object] = json.loads(result.stdout)
    return report


@pytest.mark.usefixtures("gallery")
def test_the_report_is_talk_on_standard_error_and_standard_output_stays_empty(
    photos: Path,
) -> None:
    result = run("index", photos)
    assert result.exit_code == 0
    assert result.stdout == ""
    lines = [line.split() for line in result.stderr.splitlines()]
    assert ["new", "5"] in lines
    assert ["unchanged", "0"] in lines
    assert "4 embeddings with fake/grid/gap/16/squash" in result.stderr
    assert "images/s" in result.stderr
    assert "Hint: 'imgsearch query IMAGE'" in result.stderr


@pytest.mark.usefixtures("gallery")
def test_a_second_run_finds_everything_unchanged(photos: Path) -> None:
    assert report_of(photos)["new"] == 5
    again = report_of()
    assert (again["new"], again["unchanged"], again["embedded"]) == (0, 5, 0)


@pytest.mark.usefixtures("gallery")
def test_moves_changes_and_losses_are_counted(photos: Path) -> None:
    report_of(photos)
    (photos / "1.png").rename(photos / "one.png")
    (photos / "2.png").unlink()
    picture(photos / "3.png", 99, side=32)
    report = report_of()
    assert [report[key] for key in ("moved", "missing", "changed", "embedded")] == [1, 1, 1, 1]


@pytest.mark.usefixtures("gallery")
def test_unreadable_files_are_listed_with_reasons_and_exit_with_three(photos: Path) -> None:
    for number in range(12):
        (photos / f"broken {number:02}.jpg").write_bytes(b"no picture" + bytes([number]))
    result = run("index", photos)
    assert result.exit_code == 3
    assert "12 files could not be read:" in result.stderr
    assert result.stderr.count("broken ") == 10
    assert "and 2 more" in result.stderr
    assert "imgsearch info --unreadable" in result.stderr
    everything = run("index", "--verbose")
    assert everything.stderr.count("broken ") == 12


@pytest.mark.usefixtures("gallery")
def test_unreadable_files_that_are_known_are_counted_and_fail_only_a_strict_run(
    photos: Path,
) -> None:
    """They stay, and a nightly run is to tell of what has come, not of them."""
    for number in range(12):
        (photos / f"broken {number:02}.jpg").write_bytes(b"no picture" + bytes([number]))
    run("index", photos)
    again = run("index", "--json")
    assert again.exit_code == 0
    assert "12 files could not be read, none of them new:" in again.stderr
    assert "  12  not a picture that can be read (no known format)" in again.stderr
    assert "broken " not in again.stderr
    document = json.loads(again.stdout)
    assert (document["unreadable"], document["newly_unreadable"]) == (12, 0)
    assert len(document["unreadable_files"]) == 12
    assert (run("index", "-q").exit_code, run("index", "-q").stderr) == (0, "")
    assert run("index", "--strict").exit_code == 3
    (photos / "broken new.jpg").write_bytes(b"")
    third = run("index")
    assert third.exit_code == 3
    assert "13 files could not be read, 1 of them new:" in third.stderr
    assert third.stderr.count("broken ") == 1
    assert "broken new.jpg  empty (0 bytes)" in third.stderr


def test_what_a_package_would_read_comes_first_with_the_command_that_installs_it() -> None:
    lacking = "HEIC needs a package that is not installed: pip install pillow-heif"
    files = [UnreadableFile(Path(f"/a/{n}.jpg"), "truncated") for n in range(15)]
    files += [UnreadableFile(Path(f"/a/{n}.heic"), lacking) for n in range(2)]
    report = IndexReport(
        recipe=None, unreadable_files=tuple(files), newly_unreadable=tuple(files[1:])
    )
    lines = [plain(line) for line in summary(report, everything=False)]
    start = lines.index("17 files could not be read, 16 of them new:")
    first, second, title, *names = lines[start + 1 :]
    what = "HEIC needs a package that is not installed"
    assert " ".join(first.split()) == f"2 {what} pip install pillow-heif"
    assert second.split() == ["15", "truncated"]
    assert title == "New:"
    assert [line.split()[0] for line in names[:3]] == ["/a/0.heic", "/a/1.heic", "/a/1.jpg"]
    assert names[10:] == ["  and 6 more", "  'imgsearch info --unreadable' lists them again"]


def test_commands_that_are_shown_name_the_gallery(tmp_path: Path, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"")
    folder = tmp_path / "my gallery"
    said = run("index", photos, "--gallery", folder).stderr
    assert f"'imgsearch info --unreadable --gallery '{folder}''" in said
    assert f"'imgsearch query IMAGE --gallery '{folder}'' finds" in said


def test_verbose_says_which_gallery_it_is(gallery: Path, photos: Path) -> None:
    assert f"gallery: {gallery}" in run("index", photos, "-v").stderr.splitlines()
    assert str(gallery) not in run("index").stderr


@pytest.mark.usefixtures("gallery")
def test_quiet_silences_talk_but_not_trouble(photos: Path) -> None:
    result = run("index", photos, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    (photos / "broken.jpg").write_bytes(b"no picture")
    result = run("index", "-q")
    assert result.exit_code == 3
    assert result.stderr == (
        "imgsearch: 1 path could not be read; 'imgsearch info --unreadable' lists the files\n"
    )


def test_a_dry_run_writes_nothing(gallery: Path, photos: Path) -> None:
    result = run("index", photos, "--dry-run", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["new"] == 5
    assert json.loads(result.stdout)["recipe"] is None
    assert "nothing was written" in result.stderr
    assert not gallery.exists()


@pytest.mark.usefixtures("gallery")
def test_an_absent_root_is_offline_and_named(photos: Path) -> None:
    report_of(photos)
    photos.rename(photos.with_name("unplugged"))
    result = run("index")
    assert result.exit_code == 0
    assert ["offline", "5"] in [line.split()[:2] for line in result.stderr.splitlines()]
    assert f"Offline: {photos}" in result.stderr


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize(("options", "end"), [((), b"\n"), (("-0",), b"\0"), (("--null",), b"\0")])
def test_paths_may_come_from_a_list_on_standard_input(
    photos: Path, options: tuple[str, ...], end: bytes
) -> None:
    wanted = b"".join(os.fsencode(photos / f"{n}.png") + end for n in (1, 2))
    result = run("index", "--files-from", "-", *options, "--json", given=wanted)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["new"] == 2


@pytest.mark.usefixtures("gallery")
def test_paths_may_come_from_a_list_in_a_file_beside_named_ones(
    tmp_path: Path, photos: Path
) -> None:
    listing = tmp_path / "list"
    listing.write_bytes(b"\n".join(os.fsencode(photos / f"{n}.png") for n in (1, 2)) + b"\r\n\n")
    assert report_of(photos / "3.png", "--files-from", listing)["new"] == 3


@pytest.mark.usefixtures("gallery")
def test_a_list_with_a_newline_in_a_name_is_read_when_it_ends_with_nul(tmp_path: Path) -> None:
    odd = picture(tmp_path / "odd" / "two\nlines.png", 7)
    wanted = os.fsencode(odd) + b"\0"
    result = run("index", "--files-from", "-", "-0", "--json", given=wanted)
    assert json.loads(result.stdout)["new"] == 1


def test_an_empty_list_indexes_nothing_rather_than_everything(gallery: Path) -> None:
    result = run("index", "--files-from", "-", "--json", given=b"")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["new"] == 0
    assert "names no files" in result.stderr
    assert not gallery.exists()


@pytest.mark.usefixtures("gallery")
def test_options_of_the_recipe_reach_the_library(photos: Path) -> None:
    network = ("--backbone", "vgg16", "--layer", "block4_pool", "--size", "32")
    recipe = report_of(photos, *network, "--pooling", "gem", "--resize", "pad")["recipe"]
    assert isinstance(recipe, dict)
    assert recipe["name"] == "vgg16/block4_pool/gem/32/pad"
    assert report_of(photos, *network, "--pooling", "gem:3", "--resize", "pad")["recipe"] == recipe
    sharper = report_of(photos, *network, "--pooling", "gem:4.0")["recipe"]
    assert isinstance(sharper, dict)
    assert sharper["name"] == "vgg16/block4_pool/gem:4/32/squash"
    rounded = report_of(photos, *network, "--precision", "bfloat16")["recipe"]
    assert isinstance(rounded, dict)
    assert rounded["name"] == "vgg16/block4_pool/gap/32/squash/bfloat16"
    assert (rounded["decoder"], report_of(photos, *network)["recipe"]["decoder"]) == (2, 2)


def test_other_decoding_rules_embed_anew_and_take_over(gallery: Path, photos: Path) -> None:
    first = report_of(photos, "--decoder", "1")
    kept = report_of(photos)
    assert kept["embedded"] == 0
    assert kept["recipe"] == first["recipe"]
    result = run("index", "--decoder", "2", "--gallery", gallery)
    assert "queries now use" in result.stderr
    assert "decoding rules 2" in result.stderr
    again = report_of(photos)
    assert (again["embedded"], again["recipe"]["decoder"]) == (0, 2)
    refused = run("index", photos, "--decoder", "3")
    assert refused.exit_code == 2
    assert "--decoder" in refused.stderr


def test_runtime_and_threads_reach_what_makes_embeddings(
    gallery: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query of a picture wants the quickest start, a run of index the highest rate."""
    asked: list[tuple[str, int | None]] = []

    def source(*, runtime: str, threads: int | None) -> FakeSource:
        asked.append((runtime, threads))
        return FakeSource()

    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", source)
    run("index", photos)
    run("index", photos, "--runtime", "litert", "--threads", "3")
    run("query", photos / "1.png", "--gallery", gallery)
    run("query", photos / "1.png", "--runtime", "openvino")
    assert asked == [("auto", None), ("litert", 3), ("quick", None), ("openvino", None)]


@pytest.mark.usefixtures("gallery")
def test_offline_and_talk_about_the_backbone_reach_the_person(photos: Path) -> None:
    result = run("index", photos, "--offline")
    assert "backbone auto: a fake (offline)" in result.stderr.splitlines()


@pytest.mark.usefixtures("gallery")
def test_excluded_files_are_left_out_and_remembered(photos: Path) -> None:
    assert report_of(photos, "--exclude", "0*", "--exclude", "1.png")["new"] == 2
    assert report_of()["new"] == 0


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--null",), "--null"),
        (("--trust-model", "abc"), "--trust-model"),
        (("--pooling", "mean"), "pooling: 'mean'"),
        (("--pooling", "gem:0"), "pooling: 'gem:0'"),
        (("--size", "0"), "--size"),
        (("--batch-size", "0"), "--batch-size"),
        (("no/such/folder",), "no/such/folder"),
    ],
)
def test_options_that_make_no_sense_are_named_and_exit_with_two(
    arguments: tuple[str, ...], named: str
) -> None:
    result = run("index", *arguments)
    assert result.exit_code == 2
    assert named in result.stderr
    assert result.stdout == ""


@pytest.mark.usefixtures("gallery")
def test_indexing_nothing_without_a_gallery_exits_with_ten() -> None:
    result = run("index")
    assert result.exit_code == 10
    assert result.stderr.startswith("imgsearch: no gallery")


def test_common_options_may_stand_before_the_command(tmp_path: Path, photos: Path) -> None:
    before = run("--gallery", tmp_path / "g", "-q", "index", photos)
    assert (before.exit_code, before.stderr) == (0, "")
    after = run("info", f"--gallery={tmp_path / 'g'}", "--json")
    assert json.loads(after.stdout)["files"] == 5
    assert json.loads(run(f"--gallery={tmp_path / 'g'}", "info", "--json").stdout)["files"] == 5


def test_hostile_names_and_reasons_are_spelled_out_in_the_report() -> None:
    bad = UnreadableFile(Path("/a/\x1b[2J\n[red]x\udcff.jpg"), "reason \x1b[31m")
    report = IndexReport(
        recipe=None, unreadable_files=(bad,), newly_unreadable=(bad,), unlisted=(bad,)
    )
    text = "\n".join(plain(line) for line in summary(report, everything=True))
    assert "\x1b" not in text
    assert text.count("/a/\\x1b[2J\\n[red]x\\xff.jpg  reason \\x1b[31m") == 2
    assert "1 folder could not be listed:" in text


def test_an_interrupted_run_says_how_to_go_on() -> None:
    report = IndexReport(recipe=None, interrupted=True, hints=("another hint",))
    text = "\n".join(plain(line) for line in summary(report, everything=False))
    assert text.startswith("Interrupted after")
    assert "the same command continues" in text
    assert "another hint" not in text


TWICE = """
import signal
from imgsearch.cli.interrupts import interrupts
former = signal.getsignal(signal.SIGINT)
with interrupts(announce=False) as asked:
    assert not asked.stop()
    signal.raise_signal(signal.SIGINT)
    assert asked.stop()
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("aborted")
assert signal.getsignal(signal.SIGINT) is former
"""


def test_the_first_interrupt_asks_to_stop_the_second_aborts_and_the_handler_returns() -> None:
    """In a process of its own: a test's own process may hold libraries that end at a signal."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "aborted\n", "")


def test_outside_the_main_thread_no_handler_is_installed() -> None:
    former = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with interrupts(announce=False) as asked:
            seen.extend([signal.getsignal(signal.SIGINT), asked.stop()])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [former, False]


def _wait_for_batches(path: Path, count: int) -> None:
    end = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < count:
        assert time.monotonic() < end, "no batch came"
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX systems send them")
@pytest.mark.parametrize("background", [False, True], ids=["foreground", "background"])
def test_an_interrupt_finishes_the_batch_commits_and_exits_with_130(
    gallery: Path, tmp_path: Path, *, background: bool
) -> None:
    photos = tmp_path / "many"
    for seed in range(40):
        picture(photos / f"{seed:02}.png", seed)
    batches = tmp_path / "batches"
    environment = os.environ | {"FAKE_DELAY": "0.3", "FAKE_BATCHES": str(batches)}
    process = subprocess.Popen(
        command("index", photos, "--batch-size", "4", "--json"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell has SIGINT ignored in what it starts in the background.
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if background else None,  # noqa: PLW1509 - sets a signal, starts no thread
    )
    _wait_for_batches(batches, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    report = json.loads(out)
    assert report["interrupted"] is True
    assert 4 <= report["embedded"] < 40
    assert b"finishing the current batch" in err
    assert b"Traceback" not in err
    rest = report_of()
    assert report["embedded"] + rest["embedded"] == 40  # type: ignore[operator]
    assert (gallery / "gallery.db").is_file()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX systems send them")
@pytest.mark.usefixtures("gallery")
def test_a_second_interrupt_aborts_at_once_and_loses_nothing_committed(tmp_path: Path) -> None:
    photos = tmp_path / "many"
    for seed in range(12):
        picture(photos / f"{seed:02}.png", seed)
    batches = tmp_path / "batches"
    environment = os.environ | {"FAKE_DELAY": "10", "FAKE_BATCHES": str(batches)}
    process = subprocess.Popen(
        command("index", photos, "--batch-size", "2"), env=environment, stderr=subprocess.PIPE
    )
    _wait_for_batches(batches, 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.rstrip().endswith(b"imgsearch: interrupted")
    assert b"Traceback" not in err
    assert batches.stat().st_size == 1
    assert run("index").exit_code == 0
    assert run("check").exit_code == 0


@pytest.mark.usefixtures("gallery")
def test_a_locked_gallery_names_the_process_and_exits_with_eleven(
    photos: Path, tmp_path: Path
) -> None:
    report_of(photos)
    more = tmp_path / "more"
    for seed in range(50, 54):
        picture(more / f"{seed}.png", seed)
    batches = tmp_path / "batches"
    environment = os.environ | {"FAKE_DELAY": "5", "FAKE_BATCHES": str(batches)}
    writer = subprocess.Popen(command("index", more, "-q"), env=environment)
    try:
        _wait_for_batches(batches, 1)
        result = run("index")
        assert result.exit_code == 11
        assert str(writer.pid) in result.stderr
        assert run("query", photos / "1.png").exit_code == 0
    finally:
        writer.kill()
        writer.wait()


def test_the_fake_embeds_a_picture_as_unit_rows() -> None:
    """The fake itself: what the tests above stand on."""
    source = FakeSource()
    recipe = source.resolve(RecipeRequest(), offline=False)
    images = np.zeros((2, 16, 16, 3), np.uint8)
    rows = FakeEmbedder(recipe).embed(images)
    assert rows.shape == (2, 48)
    assert np.allclose((rows**2).sum(axis=1), 1)


@pytest.mark.usefixtures("gallery")
def test_the_kind_of_index_is_remembered_and_shown(photos: Path) -> None:
    assert run("index", photos, "--index", "exact", "--memory", "300MB").exit_code == 0
    assert run("index", "--memory", "1GiB").exit_code == 0
    result = run("info", "--json")
    assert json.loads(result.stdout)["recipes"][0]["index"] == "exact"
    assert "exact" in run("info").stdout


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--index", "HNSW32"), "HNSW"), (("--index", "x"), "FAISS"), (("--memory", "x"), "600MB")],
)
def test_an_index_that_makes_no_sense_is_named(
    photos: Path, arguments: tuple[str, str], message: str
) -> None:
    result = run("index", photos, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
