"""`imgsearch apply` and `undo`: shown first, done with --yes, refused in a sentence, taken back."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cli_fakes import picture, run
from folding_file_system import fold_names
from plan_fakes import REMOVED, Desk, make_desk

from imgsearch.duplicates.groups import Evidence, Group, Kind, Member
from imgsearch.plans import file_acts

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A gallery with two groups of duplicates."""
    made = make_desk(tmp_path, monkeypatch)
    monkeypatch.chdir(made.photos)
    return made


def refused(result: Result, desk: Desk, before: dict[str, tuple[str, int]]) -> str:
    """Assert that a command failed in a sentence and changed nothing; return the sentence."""
    assert result.exit_code in {1, 2}, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("imgsearch: ")
    assert desk.state() == before
    return result.stderr


def test_a_plan_is_shown_and_nothing_is_done_until_yes_is_said(desk: Desk) -> None:
    before, plan = desk.state(), desk.written()
    shown = run("apply", plan)
    assert shown.exit_code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("keep    a/one.png  ")
    assert lines[1].startswith("remove  b/copy of one.png  ")
    assert "identical 100 %" in lines[1]
    assert any(
        line.startswith("remove  b/small two.png") and "copy 99.50 %" in line for line in lines
    )
    assert "3 files of " in shown.stderr
    assert "would go to the trash" in shown.stderr
    assert "--yes does it" in shown.stderr
    assert desk.state() == before
    done = run("apply", plan, "--yes")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "went to the trash" in done.stderr
    assert before.keys() - desk.state().keys() == set(REMOVED)
    back = run("undo", "--dry-run")
    assert set(back.stdout.splitlines()) == set(REMOVED)
    assert "3 files would be put back." in back.stderr
    undone = run("undo")
    assert (undone.exit_code, undone.stdout) == (0, "")
    assert "3 files put back." in undone.stderr
    assert desk.state() == before
    assert "0 files put back." in run("undo").stderr


def test_what_is_left_and_what_only_a_removed_file_knows_is_shown(desk: Desk) -> None:
    one, two = desk.groups()
    copy = replace(two.members[0].file, camera="Canon\x1b[31m EOS R5")
    two = replace(two, members=(replace(two.members[0], file=copy), two.members[1]))
    plan = desk.gallery.plan([one, two], protect=[desk.photos / "b"], keep=["newest"])
    shown = run("apply", desk.written(plan)).stdout
    assert f"leave   b/small two.png  protected: it lies in {desk.photos / 'b'}" in shown
    plan = desk.gallery.plan([one, two])
    shown = run("apply", desk.written(plan)).stdout
    assert "        only it has: camera Canon\\x1b[31m EOS R5" in shown.splitlines()


IDENTICAL = ("duplicates", "--kind", "identical", "--plan")


@pytest.mark.parametrize(
    ("choices", "gone"),
    [
        ((), {"b/copy of one.png", "c/two.png"}),
        (("--keep", "largest,newest"), {"a/one.png", "a/two.png"}),
        (("--keep", "largest", "--keep", "oldest", "--protect", "b"), {"c/two.png"}),
        (("--prefer", "c", "--prefer", "b", "--split-companions"), {"a/one.png", "a/two.png"}),
    ],
)
def test_the_files_that_a_plan_names_go_and_come_back(
    desk: Desk, choices: tuple[str, ...], gone: set[str]
) -> None:
    before = desk.state()
    planned = run(*IDENTICAL, desk.base / "tidy.json", *choices)
    assert planned.exit_code == 0, planned.stderr
    assert f"{len(gone)} file" in planned.stderr
    assert desk.state() == before
    done = run("apply", desk.base / "tidy.json", "--yes")
    assert done.exit_code == 0, done.stderr
    assert before.keys() - desk.state().keys() == gone
    assert run("undo").exit_code == 0
    assert desk.state() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--keep", "largest"), "--keep is for a plan; give --plan FILE too"),
        (("--prefer", "a"), "--prefer is for a plan"),
        (("--protect", "a"), "--protect is for a plan"),
        (("--split-companions",), "--split-companions is for a plan"),
        (("--plan", "../t.json", "--keep", "best"), "'best' is no rule"),
        (("--plan", "../t.json", "--keep", "preferred"), "name them with --prefer"),
        (("--plan", "../t.json", "--kind", "similar"), "never removed"),
        (("--plan", "../t.json", "--new", "a"), "--new looks at others"),
        (("--plan", "no/t.json"), "there is no such folder"),
        (("--plan", "../t.json", "--kind", "identical", "--protect", "no"), "no such folder"),
    ],
)
def test_choices_of_a_plan_that_make_no_sense_are_told(
    desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    result = run("duplicates", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (desk.base / "t.json").exists()


def test_a_folder_may_be_named_instead_of_the_trash(desk: Desk) -> None:
    plan = desk.written()
    done = run("apply", plan, "--to", desk.base / "out", "--yes", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["where"] == str(desk.base / "out")
    assert (desk.base / "out/photos/b/small two.png").is_file()
    undone = run("undo", document["journal"], "--json")
    assert len(json.loads(undone.stdout)["restored"]) == 3


@pytest.mark.parametrize("kind", ["hard", "symlink"])
def test_links_may_take_the_places_of_files(desk: Desk, kind: str) -> None:
    before = desk.state()
    plan = desk.written(desk.gallery.plan(desk.groups(), kinds=["identical"]))
    done = run("apply", plan, "--link", kind, "--yes")
    assert done.exit_code == 0, done.stderr
    assert "link to the keeper in each one's place" in done.stderr
    link = desk.photos / "b/copy of one.png"
    assert link.samefile(desk.photos / "a/one.png")
    assert run("undo").exit_code == 0
    assert desk.state() == before


def test_a_reflink_is_made_or_the_file_system_is_said_to_have_none(desk: Desk) -> None:
    before = desk.state()
    plan = desk.written(desk.gallery.plan(desk.groups(), kinds=["identical"]))
    done = run("apply", plan, "--link", "reflink", "--yes")
    assert desk.state() == before, "the bytes and times are the same either way"
    if done.exit_code:
        assert "makes no such links" in done.stderr
    else:
        assert run("undo").exit_code == 0
    assert desk.state() == before


def test_an_edited_plan_is_refused_unless_entries_were_taken_out_and_that_is_said(
    desk: Desk,
) -> None:
    before, path = desk.state(), desk.written()
    document = json.loads(path.read_text())
    del document["groups"][0]
    path.write_text(json.dumps(document))
    assert "say --edited" in refused(run("apply", path, "--yes"), desk, before)
    assert run("apply", path, "--edited").exit_code == 0
    document["groups"][0]["remove"][0]["path"] = str(desk.photos / "c/other.png")
    path.write_text(json.dumps(document))
    said = refused(run("apply", path, "--edited", "--yes"), desk, before)
    assert "was changed, not taken out" in said


def test_a_stale_plan_is_refused(desk: Desk) -> None:
    path = desk.written()
    (desk.photos / "b/small two.png").write_bytes(b"another picture")
    before = desk.state()
    said = refused(run("apply", path, "--yes"), desk, before)
    assert "make it again" in said
    assert "b/small two.png: holds other bytes" in said


def test_a_plan_of_another_gallery_is_refused(desk: Desk, tmp_path: Path) -> None:
    before, path = desk.state(), desk.written()
    picture(tmp_path / "others/1.png", 8)
    assert run("index", tmp_path / "others", "--gallery", tmp_path / "two").exit_code == 0
    result = run("apply", path, "--yes", "--gallery", tmp_path / "two")
    assert "another gallery" in refused(result, desk, before)


def test_without_a_gallery_or_a_plan_there_is_an_error(desk: Desk) -> None:
    before, path = desk.state(), desk.written()
    assert run("apply", path, "--gallery", desk.base / "none").exit_code == 10
    assert run("undo", "--gallery", desk.base / "none").exit_code == 2
    assert "No such file" in refused(run("apply", desk.base / "none.json"), desk, before)
    assert "no plan" in refused(run("apply", desk.photos / "a/one.png"), desk, before)
    assert "no journal" in refused(run("undo", path), desk, before)


def test_files_that_left_the_gallery_are_refused(desk: Desk) -> None:
    path = desk.written()
    assert run("remove", desk.photos / "b", "--yes").exit_code == 0
    before = desk.state()
    assert "the gallery does not hold it" in refused(run("apply", path, "--yes"), desk, before)


def test_a_full_disk_is_told_and_nothing_is_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, path = desk.state(), desk.written()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_acts, "append", full)
    said = refused(run("apply", path, "--yes"), desk, before)
    assert "No space left on device; free space and run again" in said


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The superuser may write everywhere, so the answer is given by hand."""
    before, path, real = desk.state(), desk.written(), os.access
    monkeypatch.setattr(
        os, "access", lambda place, mode: place != desk.photos / "b" and real(place, mode)
    )
    assert "permission denied" in refused(run("apply", path, "--yes"), desk, before)


def test_a_trash_that_cannot_be_made_is_told_and_nothing_is_changed(desk: Desk) -> None:
    before, path = desk.state(), desk.written()
    (desk.base / "data").mkdir()
    desk.trash.write_bytes(b"a file in its place")
    said = refused(run("apply", path, "--yes"), desk, before)
    assert "there is no trash for it" in said
    assert "use --to FOLDER" in said


@pytest.mark.parametrize("place", ["photos/gone", "tidy.json"])
def test_a_folder_that_makes_no_sense_is_told(desk: Desk, place: str) -> None:
    before, path = desk.state(), desk.written()
    refused(run("apply", path, "--yes", "--to", desk.base / place), desk, before)


def test_a_keeper_that_is_gone_is_told_and_nothing_is_changed(desk: Desk) -> None:
    path = desk.written()
    (desk.photos / "a/one.png").unlink()
    before = desk.state()
    said = refused(run("apply", path, "--yes"), desk, before)
    assert "a/one.png: not there any more" in said


def test_a_file_that_was_swapped_is_left_and_the_command_fails(desk: Desk) -> None:
    path = desk.written()
    swapped = desk.photos / "b/small two.png"
    status = swapped.stat()
    swapped.write_bytes(bytes(status.st_size))
    os.utime(swapped, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = run("apply", path, "--yes")
    assert done.exit_code == 1
    assert "left as it is" in done.stderr
    assert swapped.read_bytes() == bytes(status.st_size)


def test_a_link_in_the_way_is_told_and_nothing_is_changed(desk: Desk) -> None:
    path = desk.written()
    shutil.move(desk.photos / "b", desk.base / "moved")
    (desk.photos / "b").symlink_to(desk.base / "moved")
    before = desk.state()
    assert "symbolic link" in refused(run("apply", path, "--yes"), desk, before)


def test_two_spellings_of_one_file_are_never_file_and_keeper(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system that ignores case the gallery may have met a file by both."""
    path = desk.photos / "B/Copy of One.png"
    picture(path, 1)
    shutil.copy2(desk.photos / "a/one.png", path)
    desk.gallery.index()
    kept, other = desk.file("b/copy of one.png"), desk.file("B/Copy of One.png")
    evidence = Evidence(kind=Kind.IDENTICAL, certainty=1.0)
    plan = desk.gallery.plan([Group(keeper=kept, members=(Member(file=other, evidence=evidence),))])
    assert plan.files == 1
    written = desk.written(plan)
    path.unlink()
    path.parent.rmdir()
    fold_names(monkeypatch, desk.photos)
    before = desk.state()
    said = refused(run("apply", written, "--yes"), desk, before)
    assert "the same file as its keeper" in said
    folded = desk.gallery.plan(
        [Group(keeper=kept, members=(Member(file=other, evidence=evidence),))]
    )
    assert folded.groups == ()
    assert "by another spelling" in folded.left[0].reason


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
@pytest.mark.parametrize("name", ["new\nline\x1b[31m.png", "caf\udce9.png", "\u202egnp.png"])
@pytest.mark.parametrize("to", [False, True])
def test_names_of_any_bytes_go_and_come_back(desk: Desk, name: str, to: bool) -> None:  # noqa: FBT001 - a parameter of the table
    shutil.copy2(desk.photos / "a/one.png", desk.photos / name)
    desk.gallery.index()
    before = desk.state()
    group = desk.group("a/one.png", (name, Kind.IDENTICAL))
    plan = desk.gallery.plan([group], keep=["preferred"], prefer=[desk.photos / "a"])
    assert plan.files == 1
    written = desk.written(plan)
    choices = ("--to", desk.base / "out") if to else ()
    shown = run("apply", written, *choices)
    assert shown.stdout.isprintable() or "\x1b" not in shown.stdout
    assert "\u202e" not in shown.stdout
    assert len(shown.stdout.splitlines()) == 3
    done = run("apply", written, "--yes", *choices)
    assert done.exit_code == 0, done.stderr
    assert name not in desk.state()
    assert run("undo").exit_code == 0
    assert desk.state() == before


def test_undo_overwrites_nothing_and_fails(desk: Desk) -> None:
    assert run("apply", desk.written(), "--yes").exit_code == 0
    path = desk.photos / "c/two.png"
    path.write_bytes(b"mine")
    undone = run("undo")
    assert undone.exit_code == 1
    assert "something else is there" in undone.stderr
    assert path.read_bytes() == b"mine"
    path.unlink()
    assert run("undo").exit_code == 0
    assert path.is_file()


def test_a_locked_gallery_is_told(desk: Desk) -> None:
    from imgsearch.storage.writer_lock import writer_lock

    before, path = desk.state(), desk.written()
    with writer_lock(desk.gallery.path):
        for command in (("apply", path, "--yes"), ("undo",)):
            result = run(*command)
            assert result.exit_code in {11, 2}, result.output
        assert run("apply", path).exit_code == 0, "looking needs no lock"
    assert desk.state() == before


def test_commands_that_are_shown_name_the_gallery(desk: Desk) -> None:
    done = run("apply", desk.written(), "--yes", "--gallery", desk.gallery.path)
    assert f"imgsearch undo --gallery {desk.gallery.path}" in done.stderr


def test_other_names_for_the_commands_are_answered() -> None:
    assert "Did you mean 'undo'?" in run("restore").stderr
    assert "Did you mean 'apply'?" in run("trash").stderr
