"""Applying a plan loses nothing: not by what changed meanwhile, not by a crash, not twice."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plan_fakes import REMOVED, Desk, Killed, Killer, make_desk, other_device

from imgsearch.duplicates.groups import Kind
from imgsearch.errors import PlanRefusedError, UsageError
from imgsearch.plans import file_acts, freedesktop_trash, steps, system_trash, ways
from imgsearch.plans.journal import Journal, journals

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A gallery with two groups of duplicates."""
    return make_desk(tmp_path, monkeypatch)


def held(desk: Desk) -> set[str]:
    """Return the files that the gallery knows."""
    files = desk.gallery.files(all_files=True)
    return {os.fspath(file.path.relative_to(desk.photos)) for file in files}


def test_files_go_to_the_trash_as_file_managers_know_it_and_come_back(desk: Desk) -> None:
    before = desk.state()
    report = desk.gallery.apply(desk.plan())
    assert {os.fspath(path.relative_to(desk.photos)) for path in report.removed} == set(REMOVED)
    assert before.keys() - desk.state().keys() == set(REMOVED)
    names = [Path(name).name for name in REMOVED]
    assert desk.trashed() == sorted([*names, *(f"{name}.trashinfo" for name in names)])
    told = (desk.trash / "info/copy of one.png.trashinfo").read_text()
    quoted = str(desk.photos / "b/copy of one.png").replace(" ", "%20")
    assert told.splitlines()[:2] == ["[Trash Info]", f"Path={quoted}"]
    assert held(desk) == before.keys() - set(REMOVED)
    undone = desk.gallery.undo()
    assert set(undone.restored) == set(report.removed)
    assert (desk.state(), desk.trashed(), held(desk)) == (before, [], before.keys())
    again = desk.gallery.index()
    assert (again.new, again.changed, again.missing, again.embedded) == (0, 0, 0, 0)


def test_undoing_twice_does_nothing_more_and_applying_again_works(desk: Desk) -> None:
    plan, before = desk.plan(), desk.state()
    desk.gallery.apply(plan)
    desk.gallery.undo()
    assert desk.gallery.undo().restored == ()
    assert len(desk.gallery.apply(plan).removed) == 3
    assert len(journals(desk.gallery.path)) == 2
    assert len(desk.gallery.undo().restored) == 3
    assert desk.state() == before


def test_a_dry_run_writes_nothing_at_all(desk: Desk) -> None:
    plan = desk.plan()
    before = sorted(desk.base.rglob("*"))
    report = desk.gallery.apply(plan, dry_run=True)
    assert (len(report.removed), report.dry_run, report.journal) == (3, True, None)
    assert sorted(desk.base.rglob("*")) == before


def test_a_folder_receives_files_with_their_structure_and_overwrites_nothing(desk: Desk) -> None:
    before, plan = desk.state(), desk.plan()
    taken = desk.base / "out/photos/b/copy of one.png"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"mine")
    desk.gallery.apply(plan, to=desk.base / "out")
    assert taken.read_bytes() == b"mine"
    found = {os.fspath(p.relative_to(desk.base / "out")) for p in taken.parents[2].rglob("*.png")}
    assert found == {
        "photos/b/copy of one.png",
        "photos/b/copy of one (2).png",
        "photos/b/small two.png",
        "photos/c/two.png",
    }
    desk.gallery.undo()
    assert desk.state() == before
    assert taken.read_bytes() == b"mine"


def test_a_folder_on_another_device_receives_verified_copies(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = desk.state()
    other_device(monkeypatch, desk.base / "out")
    desk.gallery.apply(desk.plan(), to=desk.base / "out")
    assert before.keys() - desk.state().keys() == set(REMOVED)
    moved = desk.base / "out/photos/b/small two.png"
    assert moved.stat().st_mtime_ns == before["b/small two.png"][1]
    desk.gallery.undo()
    assert desk.state() == before
    assert [path for path in (desk.base / "out").rglob("*") if path.is_file()] == []


def test_hard_links_take_the_places_of_files_with_the_same_bytes(desk: Desk) -> None:
    before, plan = desk.state(), desk.gallery.plan(desk.groups(), kinds=["identical"])
    desk.gallery.apply(plan, link="hard")
    keeper, link = desk.photos / "a/one.png", desk.photos / "b/copy of one.png"
    assert keeper.samefile(link)
    assert "b/copy of one.png" in held(desk)
    desk.gallery.undo()
    assert not keeper.samefile(link)
    assert desk.state() == before


def test_symbolic_links_may_take_any_place_and_hard_ones_may_not(desk: Desk) -> None:
    before, plan = desk.state(), desk.plan()
    with pytest.raises(UsageError, match="other bytes than its keeper"):
        desk.gallery.apply(plan, link="hard")
    assert desk.state() == before
    desk.gallery.apply(plan, link="symlink")
    assert (desk.photos / "b/small two.png").readlink() == desk.photos / "a/two.png"
    desk.gallery.undo()
    assert desk.state() == before


def test_reflinks_where_the_file_system_has_none_change_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of the tests may have them; here it has not."""

    def refuse(source: Path, target: Path) -> None:
        file_acts.create(target, b"")
        raise OSError(errno.EOPNOTSUPP, "Operation not supported", str(source))

    monkeypatch.setattr(file_acts, "reflink", refuse)
    before, plan = desk.state(), desk.gallery.plan(desk.groups(), kinds=["identical"])
    with pytest.raises(PlanRefusedError, match="makes no such links; use another --link"):
        desk.gallery.apply(plan, link="reflink")
    assert (desk.state(), desk.trashed()) == (before, [])
    assert len(desk.gallery.apply(plan).removed) == 2
    desk.gallery.undo()
    assert desk.state() == before


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_file_system_without_links_is_cleared_up_and_put_back_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool
) -> None:
    """FAT and exFAT: no hard link, and no call that renames only to a free name."""

    def refuse(source: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(source))

    monkeypatch.setattr(file_acts, "_renamed_by_linux", lambda *_: False)
    monkeypatch.setattr(os, "link", refuse)
    if elsewhere:
        other_device(monkeypatch, desk.base / "out")
    before = desk.state()
    for place in (None, desk.base / "out"):
        report = desk.gallery.apply(desk.plan(), to=place)
        assert (len(report.removed), report.refused) == (3, ())
        assert len(desk.gallery.undo().restored) == 3
        assert desk.state() == before
        assert not list(desk.base.rglob("*.imgsearch-part"))
    taken = desk.base / "taken"
    taken.write_text("there")
    with pytest.raises(FileExistsError):
        file_acts.rename(desk.photos / "a/one.png", taken)
    assert taken.read_text() == "there"


def test_a_reflink_takes_the_place_with_the_times_of_what_was_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy stands for what the system call would make."""

    def copy(source: Path, target: Path) -> None:
        file_acts.create(target, source.read_bytes())

    monkeypatch.setattr(file_acts, "reflink", copy)
    before, plan = desk.state(), desk.gallery.plan(desk.groups(), kinds=["identical"])
    desk.gallery.apply(plan, link="reflink")
    assert desk.state() == before
    assert "copy of one.png" in desk.trashed()
    assert len(desk.gallery.undo().restored) == 2
    assert (desk.state(), desk.trashed()) == (before, [])


# What may have happened between the plan and its application


def change_file(desk: Desk) -> None:
    """Write other bytes of the same length, with the old time."""
    path = desk.photos / "b/small two.png"
    status, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_with_other_bytes_but_the_same_size_and_time_is_left(desk: Desk) -> None:
    plan = desk.plan()
    change_file(desk)
    changed = desk.state()
    report = desk.gallery.apply(plan)
    (refusal,) = report.refused
    assert refusal.path == desk.photos / "b/small two.png"
    assert "holds other bytes" in refusal.reason
    assert len(report.removed) == 2
    desk.gallery.undo()
    assert desk.state() == changed


def swap_keeper(desk: Desk) -> None:
    """Put another picture in the keeper's place, of its size and with its time."""
    path = desk.photos / "a/two.png"
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_whose_keeper_has_other_bytes_is_left(desk: Desk) -> None:
    plan = desk.plan()
    swap_keeper(desk)
    report = desk.gallery.apply(plan)
    assert {refusal.path.name for refusal in report.refused} == {"small two.png", "two.png"}
    assert [path.name for path in report.removed] == ["copy of one.png"]


def delete_keeper(desk: Desk) -> None:
    (desk.photos / "a/one.png").unlink()


def touch_and_change(desk: Desk) -> None:
    (desk.photos / "b/small two.png").write_bytes(b"something else")


def replace_by_link(desk: Desk) -> None:
    (desk.photos / "b/copy of one.png").unlink()
    (desk.photos / "b/copy of one.png").symlink_to(desk.photos / "a/one.png")


def replace_folder_by_link(desk: Desk) -> None:
    shutil.move(desk.photos / "b", desk.base / "moved")
    (desk.photos / "b").symlink_to(desk.base / "moved")


def make_hard_link_of_keeper(desk: Desk) -> None:
    (desk.photos / "b/copy of one.png").unlink()
    os.link(desk.photos / "a/one.png", desk.photos / "b/copy of one.png")


def replace_by_folder(desk: Desk) -> None:
    (desk.photos / "b/copy of one.png").unlink()
    (desk.photos / "b/copy of one.png").mkdir()


def unplug(desk: Desk) -> None:
    shutil.move(desk.photos, desk.base / "unplugged")
    desk.photos.mkdir()


def forget(desk: Desk) -> None:
    desk.gallery.remove(desk.photos / "b")


def index_changed(desk: Desk) -> None:
    change_file(desk)
    os.utime(desk.photos / "b/small two.png")
    desk.gallery.index()


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (delete_keeper, "a/one.png: not there any more"),
        (touch_and_change, "b/small two.png: holds other bytes"),
        (replace_by_link, "b/copy of one.png: no regular file any more"),
        (replace_folder_by_link, "reached through a symbolic link"),
        (make_hard_link_of_keeper, "the same file as its keeper"),
        (replace_by_folder, "no regular file any more"),
        (unplug, "offline"),
        (forget, "the gallery does not hold it as the plan does"),
        (index_changed, "the gallery does not hold it as the plan does"),
    ],
)
def test_a_plan_that_does_not_fit_any_more_is_refused_as_a_whole(
    desk: Desk, happens: Callable[[Desk], None], said: str
) -> None:
    plan = desk.plan()
    happens(desk)
    before = sorted(desk.base.rglob("*")), desk.state()
    for dry_run in (True, False):
        with pytest.raises(PlanRefusedError, match="nothing was done") as caught:
            desk.gallery.apply(plan, dry_run=dry_run)
        assert said in str(caught.value)
    assert (sorted(p for p in desk.base.rglob("*") if p.name != "writer.lock"), desk.state()) == (
        [path for path in before[0] if path.name != "writer.lock"],
        before[1],
    )


def test_a_file_that_was_only_touched_still_goes(desk: Desk) -> None:
    plan = desk.plan()
    os.utime(desk.photos / "b/small two.png")
    assert len(desk.gallery.apply(plan).removed) == 3


def test_a_plan_of_another_gallery_is_refused(desk: Desk, tmp_path: Path) -> None:
    plan = replace(desk.plan(), gallery_id="0" * 32, gallery=Path("/elsewhere"))
    with pytest.raises(PlanRefusedError, match="another gallery, which lay in /elsewhere"):
        desk.gallery.apply(plan)
    assert tmp_path.exists()


def outside(desk: Desk, path: Path) -> Any:
    """Return a plan that names another file in place of one."""
    plan = desk.plan()
    group = plan.groups[0]
    item = replace(group.removals[0], file=replace(group.removals[0].file, path=path))
    return replace(plan, groups=(replace(group, removals=(item,)),))


def test_a_plan_that_names_files_outside_the_gallery_is_refused(desk: Desk) -> None:
    other = desk.base / "other.png"
    shutil.copy2(desk.photos / "a/one.png", other)
    stranger = desk.photos / "b/stranger.png"
    shutil.copy2(desk.photos / "a/one.png", stranger)
    for path in (other, stranger, desk.photos / "b/../../other.png"):
        with pytest.raises(PlanRefusedError, match="the gallery"):
            desk.gallery.apply(outside(desk, path))
    assert other.exists()
    assert stranger.exists()


def test_a_plan_that_contradicts_itself_is_refused(desk: Desk) -> None:
    plan = desk.plan()
    one, two = plan.groups
    keeper = replace(two.removals[0], file=one.keeper)
    similar = replace(two.removals[0], kind=Kind.SIMILAR)
    for group, said in (
        (replace(two, removals=(keeper,)), "kept and removed at once"),
        (replace(two, removals=(two.removals[0], two.removals[0])), "removed twice"),
        (replace(two, removals=(similar,)), "of kind similar"),
    ):
        with pytest.raises(PlanRefusedError, match=said):
            desk.gallery.apply(replace(plan, groups=(one, group)))
    assert desk.trashed() == []


def test_what_became_protected_is_not_touched(desk: Desk) -> None:
    plan = replace(desk.plan(), protect=(desk.photos / "c",))
    with pytest.raises(PlanRefusedError, match="protected"):
        desk.gallery.apply(plan)


def test_a_file_that_is_swapped_between_the_look_and_the_act_is_put_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program renames its own file over the one that was looked at."""
    mine, real = desk.base / "mine.png", file_acts.rename

    def rename(source: Path, target: Path) -> None:
        if source.name == "small two.png" and not mine.exists() and target != source:
            source.rename(mine)
            source.write_bytes(b"another picture")
        real(source, target)

    monkeypatch.setattr(file_acts, "rename", rename)
    report = desk.gallery.apply(desk.plan())
    assert [refusal.path.name for refusal in report.refused] == ["small two.png"]
    assert (desk.photos / "b/small two.png").read_bytes() == b"another picture"
    assert "small two.png" not in desk.trashed()


# Disks


def fail_with(code: int, monkeypatch: pytest.MonkeyPatch, name: str, *, after: int = 0) -> None:
    """Let an act fail, once it was done some times."""
    real, calls = getattr(file_acts, name), 0

    def failing(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            raise OSError(code, os.strerror(code), "the disk")
        return real(*arguments, **options)

    monkeypatch.setattr(file_acts, name, failing)


@pytest.mark.parametrize(("name", "after"), [("create", 0), ("append", 0), ("create", 1)])
def test_a_full_disk_ends_it_before_anything_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, after: int
) -> None:
    before, plan = desk.state(), desk.plan()
    fail_with(errno.ENOSPC, monkeypatch, name, after=after)
    with pytest.raises(OSError, match="No space left"):
        desk.gallery.apply(plan)
    assert (desk.state(), desk.trashed()) == (before, [])


def test_a_disk_that_becomes_full_while_copying_leaves_no_half_copy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = desk.state()
    other_device(monkeypatch, desk.base / "out")
    fail_with(errno.ENOSPC, monkeypatch, "write")
    with pytest.raises(OSError, match="No space left"):
        desk.gallery.apply(desk.plan(), to=desk.base / "out")
    assert desk.state() == before
    assert [path for path in (desk.base / "out").rglob("*") if path.is_file()] == []


def test_a_full_disk_is_named_by_the_file_that_had_no_room(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing to a descriptor fails without a name."""

    def refuse(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    plan = desk.plan()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        with pytest.raises(OSError, match="No space left") as failed:
            file_acts.create(desk.base / "new", b"bytes")
    assert failed.value.filename == str(desk.base / "new")
    other_device(monkeypatch, desk.base / "out")
    monkeypatch.setattr(file_acts, "write", lambda *_: refuse())
    with pytest.raises(OSError, match="No space left") as failed:
        desk.gallery.apply(plan, to=desk.base / "out")
    assert str(failed.value.filename).startswith(str(desk.base / "out"))


def test_too_little_room_is_found_before_anything_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = freedesktop_trash.device_of
    monkeypatch.setattr(ways, "device_of", lambda path: 0 if "out" in path.parts else real(path))
    monkeypatch.setattr(ways, "_free", lambda _: 10)
    with pytest.raises(PlanRefusedError, match="10 are free"):
        desk.gallery.apply(desk.plan(), to=desk.base / "out")


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The superuser may write everywhere, so the answer is given by hand."""
    plan, before, real = desk.plan(), desk.state(), os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path != desk.photos / "b" and real(path, mode)
    )
    with pytest.raises(PlanRefusedError, match="files cannot be moved out of it"):
        desk.gallery.apply(plan)
    monkeypatch.setattr(
        os, "access", lambda path, mode: "out" not in str(path) and real(path, mode)
    )
    (desk.base / "out").mkdir()
    with pytest.raises(PlanRefusedError, match="nothing can be written there"):
        desk.gallery.apply(plan, to=desk.base / "out")
    assert desk.state() == before


@pytest.mark.parametrize("place", ["photos", "photos/a", "photos/new"])
def test_a_folder_that_would_be_indexed_is_refused(desk: Desk, place: str) -> None:
    with pytest.raises(UsageError, match="which is indexed"):
        desk.gallery.apply(desk.plan(), to=desk.base / place)
    (desk.base / "link").symlink_to(desk.photos)
    with pytest.raises(UsageError, match="which is indexed"):
        desk.gallery.apply(desk.plan(), to=desk.base / "link/new")


def test_the_gallery_itself_is_no_place_for_files(desk: Desk) -> None:
    for place in (desk.gallery.path, desk.gallery.path / "removed"):
        with pytest.raises(UsageError, match="lies in the gallery itself"):
            desk.gallery.apply(desk.plan(), to=place)


def test_a_file_in_the_place_of_the_folder_or_of_the_trash_is_refused(desk: Desk) -> None:
    (desk.base / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="this is a file"):
        desk.gallery.apply(desk.plan(), to=desk.base / "file")
    (desk.base / "data").mkdir()
    desk.trash.write_bytes(b"")
    with pytest.raises(PlanRefusedError, match="there is no trash for it"):
        desk.gallery.apply(desk.plan())


# Trash on another device


@pytest.fixture
def drive(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The photos' folder, as if it were a mounted drive."""
    monkeypatch.setattr(
        freedesktop_trash, "device_of", lambda path: 1 + path.is_relative_to(desk.photos)
    )
    monkeypatch.setattr(freedesktop_trash, "_top_of", lambda _: desk.photos)
    return desk.photos


def test_a_drive_has_a_trash_of_its_own_with_relative_paths(desk: Desk, drive: Path) -> None:
    before = desk.state()
    desk.gallery.apply(desk.plan())
    trash = drive / f".Trash-{os.getuid()}"
    assert trash.stat().st_mode & 0o777 == 0o700
    told = (trash / "info/small two.png.trashinfo").read_text()
    assert "Path=b/small%20two.png\n" in told
    desk.gallery.undo()
    assert desk.state() == before


def test_a_trash_for_all_users_is_used_if_it_is_sticky_and_no_link(desk: Desk, drive: Path) -> None:
    shared = drive / ".Trash"
    shared.mkdir()
    shared.chmod(0o777)
    plan = desk.plan()
    assert len(desk.gallery.apply(plan).removed) == 3
    assert list(shared.iterdir()) == [], "not sticky"
    desk.gallery.undo()
    shared.chmod(0o1777)
    desk.gallery.apply(plan)
    assert (shared / str(os.getuid()) / "files/small two.png").exists()


def test_a_drive_without_a_trash_is_refused(
    desk: Desk, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = desk.state(), os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != drive and real(path, mode))
    with pytest.raises(PlanRefusedError, match="use --to FOLDER"):
        desk.gallery.apply(desk.plan())
    (drive / f".Trash-{os.getuid()}").symlink_to(desk.base)
    with pytest.raises(PlanRefusedError, match="a symbolic link instead of a trash"):
        desk.gallery.apply(desk.plan())
    assert desk.state() == before


def test_names_in_the_trash_are_free_and_not_too_long(tmp_path: Path) -> None:
    trash = freedesktop_trash.Trash(tmp_path, None)
    for folder in (trash.files, trash.info):
        folder.mkdir()
    (trash.files / "a.png").touch()
    (trash.info / "a (2).png.trashinfo").touch()
    target, info = trash.names_for(Path("/photos/a.png"))
    assert (target.name, info.name) == ("a (3).png", "a (3).png.trashinfo")
    target, info = trash.names_for(Path("/photos") / ("é" * 122 + ".jpeg"))
    info.touch()
    assert target.suffix == ".jpeg"


def test_systems_that_do_not_tell_where_their_trash_is_are_asked_through_send2trash(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_ = desk.base / "bin"
    bin_.mkdir()
    monkeypatch.setattr(ways.sys, "platform", "darwin")
    monkeypatch.setattr(system_trash, "send", lambda path: shutil.move(path, bin_ / path.name))
    before = desk.state()
    report = desk.gallery.apply(desk.plan())
    assert "alone can put them back" in report.where
    undone = desk.gallery.undo()
    assert {"in the system's trash" in refusal.reason for refusal in undone.refused} == {True}
    for name in REMOVED:
        shutil.move(bin_ / Path(name).name, desk.photos / name)
    assert desk.gallery.undo().in_place == 3
    assert desk.state() == before


# Undo


def test_undo_overwrites_nothing(desk: Desk) -> None:
    desk.gallery.apply(desk.plan())
    path = desk.photos / "b/small two.png"
    path.write_bytes(b"a new picture")
    report = desk.gallery.undo()
    (refusal,) = report.refused
    assert "something else is there; the file is at" in refusal.reason
    assert path.read_bytes() == b"a new picture"
    path.unlink()
    assert desk.gallery.undo().restored == (path,)


def test_undo_says_what_is_not_where_it_was_put(desk: Desk) -> None:
    desk.gallery.apply(desk.plan())
    (desk.trash / "files/two.png").unlink()
    (desk.trash / "files/small two.png").write_bytes(b"other")
    reasons = {refusal.path.name: refusal.reason for refusal in desk.gallery.undo().refused}
    assert "any more" in reasons["two.png"]
    assert "holds other bytes than it did" in reasons["small two.png"]


def test_undo_finds_what_a_person_put_back_by_hand(desk: Desk) -> None:
    before = desk.state()
    desk.gallery.apply(desk.plan())
    shutil.move(desk.trash / "files/two.png", desk.photos / "c/two.png")
    shutil.copy2(desk.trash / "files/small two.png", desk.photos / "b/small two.png")
    report = desk.gallery.undo()
    assert (len(report.restored), report.in_place) == (1, 2)
    assert desk.state() == before
    assert desk.trashed() == ["small two.png", "small two.png.trashinfo"]


def test_undo_passes_over_an_application_in_which_nothing_was_done(desk: Desk) -> None:
    before = desk.state()
    one, two = desk.groups()
    desk.gallery.apply(desk.gallery.plan([one]))
    plan = desk.gallery.plan([two], kinds=["copy"])
    change_file(desk)
    assert desk.gallery.apply(plan).removed == ()
    assert [path.name for path in desk.gallery.undo().restored] == ["copy of one.png"]
    assert desk.state().keys() == before.keys()


def test_undo_makes_folders_again_that_were_removed(desk: Desk) -> None:
    before = desk.state()
    desk.gallery.apply(desk.plan())
    (desk.photos / "b").rmdir()
    desk.gallery.undo()
    assert desk.state() == before


def test_the_gallery_knows_what_an_undo_put_back_that_was_killed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files were put back, and their rows were not, when it ended."""
    before = held(desk)
    desk.gallery.apply(desk.plan())

    def cut(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("imgsearch.storage.moved_files.recall", cut)
        with pytest.raises(Killed):
            desk.gallery.undo()
    assert held(desk) != before
    (desk.photos / "c/two.png").write_bytes(b"changed since it was put back")
    desk.gallery.undo()
    assert held(desk) == before - {"c/two.png"}


def test_undo_works_without_the_database(desk: Desk) -> None:
    before = desk.state()
    journal = desk.gallery.apply(desk.plan()).journal
    desk.gallery.close()
    database = desk.gallery.path / "gallery.db"
    database.write_bytes(b"damaged" * 1000)
    for left in desk.gallery.path.glob("gallery.db-*"):
        left.unlink()
    assert journal is not None
    assert len(desk.gallery.undo(journal).restored) == 3
    assert desk.state() == before


def test_a_journal_that_is_none_or_damaged_changes_nothing(desk: Desk) -> None:
    with pytest.raises(UsageError, match="nothing was applied"):
        desk.gallery.undo()
    journal = desk.gallery.apply(desk.plan()).journal
    assert journal is not None
    after = desk.state()
    lines = journal.read_bytes().splitlines(keepends=True)
    for damage, said in (
        ([lines[0], b"{}\n", *lines[1:]], "line 2 was changed or put in"),
        ([b'{"imgsearch": "plan", "version": 1}\n'], "no journal"),
        ([b""], "no journal"),
    ):
        journal.write_bytes(b"".join(damage))
        with pytest.raises(PlanRefusedError, match=said):
            desk.gallery.undo(journal)
    assert desk.state() == after


def test_a_line_that_was_cut_short_is_left_out_and_written_over(desk: Desk) -> None:
    before = desk.state()
    journal = desk.gallery.apply(desk.plan()).journal
    assert journal is not None
    with journal.open("ab") as file:
        file.write(b'{"begin": 4, "way": "tra')
    assert len(desk.gallery.undo().restored) == 3
    assert desk.state() == before
    assert all(json.loads(line) for line in journal.read_text().splitlines())
    (journal.parent / "29990101T000000Z-ffff.jsonl").write_bytes(b'{"imgsea')
    assert desk.gallery.undo().restored == (), "the last one in which something was done"


# Kills


WAYS: dict[str, dict[str, Any]] = {
    "trash": {},
    "folder": {"to": "out"},
    "other device": {"to": "out"},
    "no rename": {},
    "hard": {"link": "hard"},
    "symlink": {"link": "symlink"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_between_any_two_acts_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Also one during the undo of what the first kill left, and one that a second apply follows."""
    choices = {name: desk.base / v if name == "to" else v for name, v in WAYS[way].items()}
    kinds = ["identical"] if way == "hard" else []
    plan, before = desk.gallery.plan(desk.groups()[1:], kinds=kinds), desk.state()
    if way == "other device":
        other_device(monkeypatch, desk.base / "out")
    if way == "no rename":
        monkeypatch.setattr(file_acts, "_renamed_by_linux", lambda *_: False)
    at, killed = 0, True
    while killed:
        at += 1
        killed = killed_at(at, monkeypatch, lambda: desk.gallery.apply(plan, **choices))
        reachable(desk, before)
        if at % 2:  # the second time, the undo is killed as well, a few acts on
            killed_at(at % 7 + 1, monkeypatch, desk.gallery.undo)
            reachable(desk, before)
        else:
            desk.gallery.apply(plan, **choices)
            assert len(desk.state()) == len(before) - (plan.files if way != "hard" else 0)
        if journals(desk.gallery.path):
            desk.gallery.undo()
        assert desk.state() == before
        assert desk.trashed() == []
        assert not [path for path in desk.base.rglob("*") if path.name.endswith(ways.PART)]
        shutil.rmtree(desk.gallery.path / "journals", ignore_errors=True)
    assert at > 15


def killed_at(at: int, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> bool:
    """Do something, killed at one of its acts on files; return whether it came so far."""
    with monkeypatch.context() as patch:
        Killer(at=at).install(patch)
        try:
            act()
        except Killed:
            return True
        except UsageError:
            return False  # killed before there was a journal: nothing to undo
    return False


def reachable(desk: Desk, before: dict[str, tuple[str, int]]) -> None:
    """Assert that every file is in its place, or where a journal says."""
    now = desk.state()
    targets: dict[Path, set[Path | None]] = {}
    for path in journals(desk.gallery.path):
        for state in Journal.read(path).states.values():
            targets.setdefault(state.step.path, set()).add(state.step.target)
    for name, known in before.items():
        path = desk.photos / name
        places = [path, *(target for target in targets.get(path, ()) if target is not None)]
        assert name in now or any(place.is_file() for place in places), (name, places)
        held_there = {
            steps.holds(p, content=known[0], size=p.stat().st_size) for p in places if p.is_file()
        }
        assert True in held_there, name


def test_an_interrupted_application_is_continued_by_the_same_command(desk: Desk) -> None:
    plan, asked = desk.plan(), iter([False, True])
    report = desk.gallery.apply(plan, stop=lambda: next(asked))
    assert (len(report.removed), report.interrupted) == (1, True)
    rest = desk.gallery.apply(plan)
    assert (len(rest.removed), rest.before) == (2, 1)
    assert rest.journal == report.journal
    nothing = desk.gallery.apply(plan)
    assert (nothing.removed, nothing.before) == ((), 3)
    assert len(desk.gallery.undo().restored) == 3


def test_progress_is_told_after_every_file(desk: Desk) -> None:
    told: list[tuple[int, int]] = []
    desk.gallery.apply(desk.plan(), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
