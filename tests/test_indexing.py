"""A run of `index`: true to the disk after every change, and nothing embedded twice."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import FakeEmbedder, FakeSource, touch_later, write_picture
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from PIL import Image

from imgsearch.errors import UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.images import formats, loading
from imgsearch.indexing import scan
from imgsearch.indexing.report import IndexOptions, IndexProgress, IndexReport

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def counts(report: IndexReport) -> dict[str, int]:
    """Return the counts of a report that are not 0."""
    names = ("new", "changed", "moved", "unchanged", "missing", "offline", "unreadable", "embedded")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def known(gallery: Gallery) -> set[Path]:
    """Return every path that the gallery answers with, however far it is."""
    return {path for match in everything(gallery) for path in match}


def everything(gallery: Gallery) -> list[tuple[Path, ...]]:
    """Return, for every match of an image that is not in the gallery, its paths."""
    with Gallery(gallery.path, source=FakeSource()) as reader:
        matches = reader.query(grey(), k=10_000)
    return [(match.path, *(copy.path for copy in match.duplicates)) for match in matches]


def grey() -> bytes:
    """Return an image that no gallery here holds."""
    from io import BytesIO

    buffer = BytesIO()
    Image.new("RGB", (16, 16), (99, 98, 97)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_first_run_embeds_every_file_and_a_second_reads_none(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gallery.index(photos)
    assert counts(first) == {"new": 12, "embedded": 12}
    assert first.first

    def refuse(_path: Path) -> bytes:
        raise AssertionError("a file was read")

    monkeypatch.setattr(loading, "read_file", refuse)
    second = gallery.index()
    assert counts(second) == {"unchanged": 12}
    assert not second.first


def test_a_touched_file_is_hashed_but_not_embedded(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    touch_later(photos / "trip0/00.png")
    assert counts(gallery.index(photos)) == {"unchanged": 12}
    assert source.embedded == 12
    assert counts(gallery.index(photos)) == {"unchanged": 12}


def test_a_changed_file_is_embedded_anew_and_its_old_content_is_no_match(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    path = write_picture(photos / "trip0/00.png", seed=99)
    touch_later(path)
    assert counts(gallery.index(photos)) == {"unchanged": 11, "changed": 1, "embedded": 1}
    assert len(everything(gallery)) == 12


def test_renames_moves_and_copies_compute_nothing(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    (photos / "trip0/00.png").rename(photos / "trip0/renamed.png")
    (photos / "trip1/01.png").rename(photos / "moved.png")
    shutil.copy(photos / "trip2/02.png", photos / "copy.png")
    os.link(photos / "trip2/05.png", photos / "hardlink.png")
    (photos / "trip0").rename(photos / "trip9")
    report = gallery.index(photos)
    assert counts(report) == {"new": 2, "moved": 5, "unchanged": 7}
    assert source.embedded == 12
    assert known(gallery) == set(photos.rglob("*.png"))


def test_two_files_that_swap_names_keep_their_embeddings(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    a, b = photos / "trip0/00.png", photos / "trip1/01.png"
    touch_later(b)
    gallery.index(photos)
    nearest = gallery.query(a, k=1, include_self=True)[0].content
    a.rename(photos / "c")
    b.rename(a)
    (photos / "c").rename(b)
    assert counts(gallery.index(photos)) == {"changed": 2, "unchanged": 10}
    assert source.embedded == 12
    assert gallery.query(b, k=1, include_self=True)[0].content == nearest


def test_a_file_that_takes_the_place_of_another_is_the_moved_content(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    touch_later(photos / "trip0/00.png")
    (photos / "trip0/00.png").replace(photos / "trip1/01.png")
    assert counts(gallery.index(photos)) == {"changed": 1, "unchanged": 10, "missing": 1}
    assert known(gallery) == set(photos.rglob("*.png"))


def test_equal_files_in_one_run_are_embedded_once(
    gallery: Gallery, tmp_path: Path, source: FakeSource
) -> None:
    for n in range(40):
        write_picture(tmp_path / "p" / f"{n:02}.png", seed=n % 3)
    report = gallery.index(tmp_path / "p", options=IndexOptions(batch_size=2))
    assert counts(report) == {"new": 40, "embedded": 3}
    assert source.embedded == 3
    assert len(everything(gallery)) == 3
    assert len(known(gallery)) == 40


def test_a_removed_file_leaves_the_gallery_and_its_content_is_known_when_it_returns(
    gallery: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    (photos / "trip0/00.png").rename(tmp_path / "away")
    assert counts(gallery.index(photos)) == {"missing": 1, "unchanged": 11}
    assert len(everything(gallery)) == 11
    (tmp_path / "away").rename(photos / "back.png")
    assert counts(gallery.index(photos)) == {"new": 1, "unchanged": 11}
    assert source.embedded == 12
    assert len(everything(gallery)) == 12


def test_an_absent_root_is_offline_and_its_files_stay_and_say_so(
    gallery: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    photos.rename(tmp_path / "unplugged")
    report = gallery.index()
    assert counts(report) == {"offline": 12}
    assert report.offline_roots == (photos,)
    embedded = source.embedded
    matches = gallery.query(grey(), k=20)
    assert len(matches) == 12
    assert all(match.offline for match in matches)
    (tmp_path / "unplugged").rename(photos)
    assert counts(gallery.index()) == {"unchanged": 12}
    assert not any(match.offline for match in gallery.query(grey(), k=20))
    assert embedded == 12


def test_an_empty_mount_point_is_offline_too_in_every_answer(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos)
    photos.rename(tmp_path / "unplugged")
    photos.mkdir()
    assert counts(gallery.index()) == {"offline": 12}
    assert not gallery.information().roots[0].online
    assert all(match.offline for match in gallery.query(grey(), k=20))


def test_several_parts_of_one_absent_root_name_it_once(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos)
    photos.rename(tmp_path / "unplugged")
    report = gallery.index(photos / "trip0", photos / "trip1")
    assert counts(report) == {"offline": 8}
    assert report.offline_roots == (photos,)


def test_indexing_above_an_unplugged_drive_forgets_none_of_its_files(
    gallery: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    photos.rename(tmp_path / "unplugged")
    photos.mkdir()
    write_picture(tmp_path / "other/a.png", seed=77)
    gallery.index(tmp_path, options=IndexOptions(exclude=("unplugged",)))
    assert len(everything(gallery)) == 13
    photos.rmdir()
    (tmp_path / "unplugged").rename(photos)
    assert counts(gallery.index()) == {"unchanged": 13}
    assert source.embedded == 13
    assert known(gallery) == {*photos.rglob("*.png"), tmp_path / "other/a.png"}


def test_a_drive_that_is_unplugged_during_the_scan_loses_nothing(
    gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos)
    real, listed = os.scandir, []

    def scandir(path: Any = ".") -> Any:
        if isinstance(path, bytes) and path.endswith(b"/trip1") and not listed:
            listed.append(path)
            photos.rename(tmp_path / "unplugged")
        return real(path)

    monkeypatch.setattr(scan.os, "scandir", scandir)
    gallery.index()
    assert listed
    monkeypatch.undo()
    (tmp_path / "unplugged").rename(photos)
    assert len(everything(gallery)) == 12
    assert counts(gallery.index()) == {"unchanged": 12}


def test_a_drive_that_is_unplugged_while_files_are_read_is_read_later(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    """What vanished is tried again though neither size nor time has changed."""

    def unplug_once(progress: IndexProgress) -> None:
        if progress.stage == "read" and progress.done >= 5 and photos.exists():
            photos.rename(tmp_path / "unplugged")

    for n in range(100, 160):
        write_picture(photos / f"{n}.png", seed=n)
    options = IndexOptions(batch_size=1, jobs=1)
    report = gallery.index(photos, options=options, progress=unplug_once)
    assert 0 < report.unreadable < 72
    (tmp_path / "unplugged").rename(photos)
    again = gallery.index(photos)
    assert again.unreadable == 0
    assert again.embedded == 72 - report.embedded
    assert len(everything(gallery)) == 72


def test_a_folder_that_cannot_be_listed_is_named_and_keeps_its_files(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos)
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if os.fsdecode(path).endswith("trip1"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path)

    monkeypatch.setattr(scan.os, "scandir", scandir)
    report = gallery.index(photos)
    assert counts(report) == {"unchanged": 8}
    assert [(found.path, found.reason) for found in report.unlisted] == [
        (photos / "trip1", "Permission denied")
    ]
    monkeypatch.undo()
    assert counts(gallery.index(photos)) == {"unchanged": 12}


def test_files_that_may_not_be_examined_are_kept(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may be listed but not entered: nobody can tell whether they are there."""
    gallery.index(photos)
    real = os.stat

    def stat(path: Any, **options: Any) -> os.stat_result:
        if b"/trip1/" in os.fsencode(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, **options)

    gallery.close()
    monkeypatch.setattr(
        scan, "_regular_file", lambda entry, path, rules, by_symlink: None if b"trip1" in path else
        real_regular(entry, path, rules, by_symlink=by_symlink),
    )  # fmt: skip
    monkeypatch.setattr(scan.os, "stat", stat)
    assert counts(gallery.index(photos)) == {"unchanged": 8}
    monkeypatch.undo()
    assert counts(gallery.index(photos)) == {"unchanged": 12}


real_regular = scan._regular_file


def test_broken_files_are_recorded_with_reasons_and_the_rest_is_indexed(
    gallery: Gallery, photos: Path
) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "text.png").write_bytes(b"this is no picture")
    (photos / "cut.png").write_bytes((photos / "trip0/00.png").read_bytes()[:70])
    report = gallery.index(photos)
    assert counts(report) == {"new": 15, "unreadable": 3, "embedded": 12}
    reasons = {file.path.name: file.reason for file in report.unreadable_files}
    assert set(reasons) == {"empty.jpg", "text.png", "cut.png"}
    assert "0 bytes" in reasons["empty.jpg"]
    assert list(gallery.unreadable()) == list(report.unreadable_files)
    again = gallery.index(photos)
    assert counts(again) == {"unchanged": 15, "unreadable": 3}


def test_a_broken_file_is_tried_again_when_it_changes(gallery: Gallery, photos: Path) -> None:
    bad = photos / "bad.png"
    bad.write_bytes(b"half")
    gallery.index(photos)
    write_picture(bad, seed=50)
    assert counts(gallery.index(photos)) == {"unchanged": 12, "changed": 1, "embedded": 1}
    bad.write_bytes(b"half")
    touch_later(bad)
    report = gallery.index(photos)
    assert counts(report) == {"unchanged": 12, "changed": 1, "unreadable": 1}
    assert len(everything(gallery)) == 12


def test_a_broken_file_is_tried_again_by_decoders_that_were_not_there(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "bad.png").write_bytes(b"half")
    gallery.index(photos)
    monkeypatch.setattr(formats, "decoders_fingerprint", lambda: "reader-99")
    asked: list[Path] = []
    real = loading.read_file
    monkeypatch.setattr(loading, "read_file", lambda path: asked.append(path) or real(path))
    assert counts(gallery.index(photos)) == {"unchanged": 13, "unreadable": 1}
    assert asked == [photos / "bad.png"]
    assert counts(gallery.index(photos)) == {"unchanged": 13, "unreadable": 1}
    assert len(asked) == 1


def test_a_file_whose_bytes_were_refused_is_tried_again_though_it_did_not_change(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions and disks are mended without a new modification time."""
    real = loading.read_file

    def read(path: Path) -> bytes:
        if path.name == "00.png":
            raise loading.UnreadableImageError("permission denied", name=str(path))
        return real(path)

    monkeypatch.setattr(loading, "read_file", read)
    assert counts(gallery.index(photos)) == {"new": 12, "unreadable": 1, "embedded": 11}
    assert counts(gallery.index(photos)) == {"unchanged": 12, "unreadable": 1}
    monkeypatch.undo()
    assert counts(gallery.index(photos)) == {"unchanged": 11, "changed": 1, "embedded": 1}


def test_a_file_that_changes_between_scan_and_reading_is_read_again_next_time(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photos / "trip0/00.png"
    real = loading.read_file

    def read(asked: Path) -> bytes:
        if asked == path:
            write_picture(path, seed=60)
            touch_later(path)
        return real(asked)

    monkeypatch.setattr(loading, "read_file", read)
    gallery.index(photos)
    monkeypatch.undo()
    assert counts(gallery.index(photos)) == {"unchanged": 12}
    first = gallery.query(path, k=1, include_self=True)[0]
    assert first.path == path
    assert first.score == 1


NAMES = [
    b"caf\xe9.png", b"\xff\xfe.png", b"new\nline.png", b"100%25.png", b"it's.png", b'quo"te.png',
    b"back\\slash.png", "📷 sunset.png".encode(), b"-k.png", b"~root.png", b" .png",
    b"\x1b[31mred.png", b"*.png", b"a%00b.png",
]  # fmt: skip


def test_files_of_any_name_are_indexed_found_moved_and_removed(
    gallery: Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"dossier \xe9\n")
    for number, name in enumerate(NAMES):
        picture = write_picture(tmp_path / "one.png", seed=number)
        folder.mkdir(exist_ok=True)
        picture.rename(folder / os.fsdecode(name))
    assert counts(gallery.index(folder)) == {"new": len(NAMES), "embedded": len(NAMES)}
    assert known(gallery) == set(folder.iterdir())
    for path in list(folder.iterdir()):
        assert path not in {match.path for match in gallery.query(path, k=50)}
        path.rename(folder / ("x" + path.name))
    assert counts(gallery.index(folder)) == {"moved": len(NAMES)}
    assert gallery.remove(*folder.iterdir()).files == len(NAMES)


def test_a_single_file_is_indexed_alone_and_whatever_its_suffix(
    gallery: Gallery, photos: Path
) -> None:
    odd = photos / "picture.weird"
    (photos / "trip0/00.png").rename(odd)
    assert counts(gallery.index(odd, photos / "trip1/01.png")) == {"new": 2, "embedded": 2}
    assert counts(gallery.index()) == {"unchanged": 2}
    odd.unlink()
    write_picture(photos / "not asked for.png", seed=5)
    assert counts(gallery.index()) == {"unchanged": 1, "missing": 1}


def test_a_single_file_of_an_odd_suffix_in_a_root_stays_when_the_root_is_scanned(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    odd = write_picture(photos / "a.png", seed=70).rename(photos / "picture.weird")
    gallery.index(odd)
    assert counts(gallery.index(photos)) == {"unchanged": 13}


def test_overlapping_paths_are_indexed_once(gallery: Gallery, photos: Path) -> None:
    report = gallery.index(
        photos / "trip0", photos, photos / "trip0/00.png", f"{photos}/trip1/../trip0/"
    )
    assert counts(report) == {"new": 12, "embedded": 12}


def test_a_root_that_takes_in_another_embeds_nothing_again(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    gallery.index(photos / "trip1")
    gallery.index(photos / "trip2/02.png")
    assert source.embedded == 5
    assert counts(gallery.index(photos)) == {"new": 7, "unchanged": 5, "embedded": 7}
    (root,) = gallery.information().roots
    assert root.path == photos
    assert known(gallery) == set(photos.rglob("*.png"))


def test_a_file_is_never_in_the_gallery_twice(gallery: Gallery, photos: Path) -> None:
    write_picture(photos / "loose.png", seed=40)
    gallery.index(photos / "loose.png")
    gallery.index(photos / "trip0")
    write_picture(photos / "trip0/added.png", seed=41)
    gallery.index(photos / "trip0/added.png")
    gallery.index()
    paths = [path for match in everything(gallery) for path in match]
    assert len(paths) == len(set(paths)) == 6


def test_exclusions_drop_what_was_indexed_and_their_end_brings_it_back(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    report = gallery.index(photos, options=IndexOptions(exclude=("trip1",)))
    assert counts(report) == {"unchanged": 8, "missing": 4}
    assert counts(gallery.index()) == {"unchanged": 8}
    report = gallery.index(photos, options=IndexOptions(exclude=("",)))
    assert counts(report) == {"unchanged": 8, "new": 4}
    assert source.embedded == 12


def test_what_was_reached_through_links_goes_when_links_are_no_longer_followed(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    write_picture(tmp_path / "outside/a.png", seed=80)
    (photos / "link").symlink_to(tmp_path / "outside")
    report = gallery.index(photos, options=IndexOptions(follow_symlinks=True))
    assert counts(report) == {"new": 13, "embedded": 13}
    report = gallery.index(photos, options=IndexOptions(follow_symlinks=False))
    assert counts(report) == {"unchanged": 12, "missing": 1}


def test_a_root_that_is_a_link_is_indexed_like_any_other(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(photos)
    assert counts(gallery.index(link)) == {"new": 12, "embedded": 12}
    assert counts(gallery.index()) == {"unchanged": 12}
    assert known(gallery) == {link / path.relative_to(photos) for path in photos.rglob("*.png")}


def test_a_gallery_inside_its_own_root_does_not_index_itself(
    photos: Path, source: FakeSource
) -> None:
    gallery = Gallery(photos / "gallery", source=source)
    gallery.index(photos)
    write_picture(photos / "gallery/export.png", seed=90)
    assert counts(gallery.index()) == {"unchanged": 12}


@pytest.mark.parametrize("after", [1, 5, 11])
def test_a_run_that_was_stopped_continues_where_it_stopped(
    gallery: Gallery, photos: Path, source: FakeSource, after: int
) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= 12 + after

    report = gallery.index(photos, options=IndexOptions(batch_size=4), stop=stop)
    assert report.interrupted
    assert report.new == report.embedded == after
    assert gallery.check().clean
    assert len(everything(gallery)) == after
    rest = gallery.index(photos)
    assert not rest.interrupted
    assert counts(rest) == {"unchanged": after, "new": 12 - after, "embedded": 12 - after}
    assert source.embedded == 12


def test_a_run_that_is_stopped_forgets_no_missing_file(gallery: Gallery, photos: Path) -> None:
    """The content may be found at its new place only by the part that was not done."""
    gallery.index(photos)
    (photos / "trip0").rename(photos / "trip9")
    for stop_at in (1, 9, 13):
        asked = iter(range(1000))
        report = gallery.index(photos, stop=lambda: next(asked) >= stop_at)  # noqa: B023 - used at once
        assert report.interrupted
        assert report.missing == 0
        assert len(everything(gallery)) == 12
    report = gallery.index(photos)
    assert report.missing == 0
    assert known(gallery) == set(photos.rglob("*.png"))


def test_a_run_that_is_stopped_after_its_last_file_was_not_interrupted(
    gallery: Gallery, photos: Path
) -> None:
    asked = iter(range(1000))
    report = gallery.index(photos, stop=lambda: next(asked) >= 23)
    assert not report.interrupted
    assert report.new == 12


class FailingEmbedder(FakeEmbedder):
    """Fails at its third batch."""

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return embeddings, twice."""
        if len(self.batches) == 2:
            raise MemoryError("too much for the network")
        return super().embed(images)


def test_a_backbone_that_fails_commits_whole_batches_only(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "load", FailingEmbedder)
    with pytest.raises(MemoryError):
        gallery.index(photos, options=IndexOptions(batch_size=4))
    gallery = Gallery(gallery.path, source=FakeSource())
    assert len(everything(gallery)) == 8
    assert gallery.check().clean
    assert counts(gallery.index()) == {"unchanged": 8, "new": 4, "embedded": 4}


@pytest.mark.parametrize("rows", [0, 5])
def test_a_backbone_that_returns_too_few_rows_is_caught_before_the_commit(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    class Short(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return super().embed(images)[:rows]

    monkeypatch.setattr(source, "load", Short)
    with pytest.raises(ValueError, match="zip"):
        gallery.index(photos)
    assert gallery.information().files == 0


def test_a_progress_that_raises_ends_the_run_with_the_commits_kept(
    gallery: Gallery, photos: Path
) -> None:
    def abort(progress: IndexProgress) -> None:
        if progress.done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.index(photos, options=IndexOptions(batch_size=3), progress=abort)
    assert len(everything(gallery)) == 6
    assert counts(gallery.index()) == {"unchanged": 6, "new": 6, "embedded": 6}


def test_batches_are_full_and_no_larger_than_asked_for(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    gallery.index(photos, options=IndexOptions(batch_size=5))
    assert source.embedders[0].batches == [5, 5, 2]


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"jobs": 0}, {"jobs": -1}])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        IndexOptions(**options)


def test_progress_counts_up_to_the_total(gallery: Gallery, photos: Path) -> None:
    seen: list[IndexProgress] = []
    gallery.index(photos, options=IndexOptions(batch_size=5), progress=seen.append)
    done = [step.done for step in seen if step.stage == "read"]
    assert done == sorted(done)
    assert done[-1] == 12
    assert {step.total for step in seen if step.stage == "read"} == {12}


def test_a_dry_run_counts_and_changes_nothing(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    dry = IndexOptions(dry_run=True, exclude=("trip2",))
    report = gallery.index(photos, options=dry)
    assert counts(report) == {"new": 8}
    assert report.recipe is None
    assert not gallery.path.exists()
    gallery.index(photos)
    before = (gallery.path / "gallery.db").read_bytes()
    write_picture(photos / "x.png", seed=30)
    touch_later(photos / "trip0/00.png")
    (photos / "trip1/01.png").unlink()
    report = gallery.index(photos, options=dry)
    assert report.dry_run
    assert counts(report) == {"new": 1, "changed": 1, "missing": 5, "unchanged": 6}
    assert (gallery.path / "gallery.db").read_bytes() == before
    assert gallery.information().roots[0].exclude == ()
    assert source.embedded == 12


def test_a_second_recipe_is_added_beside_the_first(
    gallery: Gallery, photos: Path, source: FakeSource
) -> None:
    gallery.index(photos)
    other = Gallery(gallery.path, recipe="other", source=source)
    assert counts(other.index()) == {"unchanged": 12, "embedded": 12}
    assert [item.recipe.backbone for item in gallery.information().recipes] == ["fake-1", "other"]
    assert counts(gallery.index()) == {"unchanged": 12}
    assert counts(other.index()) == {"unchanged": 12}
    write_picture(photos / "x.png", seed=30)
    assert counts(gallery.index()) == {"unchanged": 12, "new": 1, "embedded": 1}
    assert counts(other.index()) == {"unchanged": 13, "embedded": 1}


@pytest.fixture
def forgetful() -> Callable[[Gallery], Gallery]:
    """Return a maker of the gallery that another process would open."""
    return lambda gallery: Gallery(gallery.path, source=FakeSource())


def test_metadata_is_kept_for_every_content(
    gallery: Gallery, tmp_path: Path, forgetful: Callable[[Gallery], Gallery]
) -> None:
    from PIL import ExifTags

    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.Model] = "Canon EOS R5"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 12:34:56"
    path = tmp_path / "p/a.jpg"
    path.parent.mkdir()
    Image.new("RGB", (60, 40), "red").save(path, exif=exif)
    gallery.index(path.parent)
    (match,) = forgetful(gallery).query(grey())
    assert (match.width, match.height, match.format) == (40, 60, "JPEG")
    assert match.taken == "2024-05-01T12:34:56"
    assert match.camera == "Canon EOS R5"
    assert match.bytes == path.stat().st_size


def test_an_image_of_which_the_backbone_makes_no_numbers_is_recorded_and_stops_nothing(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overflowing(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            rows = super().embed(images)
            if self.embedded == 12:
                rows[3, 5], rows[7, 0] = float("nan"), float("inf")
            return rows

    monkeypatch.setattr(source, "load", Overflowing)
    report = gallery.index(photos)
    assert counts(report) == {"new": 12, "unreadable": 2, "embedded": 10}
    assert {file.reason for file in report.unreadable_files} == {
        "the backbone's activations are not finite numbers"
    }
    assert gallery.check().findings == ()
    assert len(everything(gallery)) == 10
    assert counts(gallery.index()) == {"unchanged": 12, "unreadable": 2}


class Photographer(RuleBasedStateMachine):
    """Does to a folder what people do to folders, and indexes now and then."""

    NAMES = st.sampled_from(["a.png", "b.png", "x/a.png", "x/b.png", "x/y/c.png", "z/a.png"])

    def __init__(self) -> None:
        super().__init__()
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name) / "photos"
        write_picture(self.folder / "first.png", seed=0)
        self.source = FakeSource()
        self.gallery = Gallery(Path(self._temporary.name) / "gallery", source=self.source)
        self.clock = 10**9
        self.seen: set[bytes] = set()
        self.index()

    def teardown(self) -> None:
        """Close the gallery and delete the folder."""
        self.gallery.close()
        self._temporary.cleanup()

    def stamp(self, path: Path) -> None:
        """Give a file a time of its own, as a change by a person would."""
        self.clock += 10**9
        os.utime(path, ns=(self.clock, self.clock))

    @rule(name=NAMES, seed=st.integers(0, 5))
    def write(self, name: str, seed: int) -> None:
        """Write one of six images."""
        self.stamp(write_picture(self.folder / name, seed=seed))

    @rule(name=NAMES)
    def spoil(self, name: str) -> None:
        """Write what is not an image."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(b"not an image")
        self.stamp(self.folder / name)

    @rule(name=NAMES, other=NAMES)
    def rename(self, name: str, other: str) -> None:
        """Rename a file, perhaps over another."""
        if (self.folder / name).exists():
            (self.folder / other).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).replace(self.folder / other)

    @rule(name=NAMES, other=NAMES)
    def copy(self, name: str, other: str) -> None:
        """Copy a file with its time, perhaps over another."""
        if (self.folder / name).exists() and name != other:
            (self.folder / other).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.folder / name, self.folder / other)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """Delete a file."""
        (self.folder / name).unlink(missing_ok=True)

    @rule(name=NAMES)
    def touch(self, name: str) -> None:
        """Change a file's time."""
        if (self.folder / name).exists():
            self.stamp(self.folder / name)

    @rule(stop_after=st.integers(0, 12))
    def index_and_stop(self, stop_after: int) -> None:
        """Begin a run and end it early."""
        asked = iter(range(10_000))
        self.gallery.index(stop=lambda: next(asked) >= stop_after)
        self.take_note()

    @rule(below=st.sampled_from(["x", "x/y", "z"]))
    def index_a_part(self, below: str) -> None:
        """Index a folder within the root."""
        if (self.folder / below).is_dir():
            self.gallery.index(self.folder / below)
            self.take_note()

    @rule()
    def prune(self) -> None:
        """Drop what no file holds; it may be embedded again when it returns."""
        before = self.gallery.information().orphans
        assert self.gallery.prune().contents == before
        self.seen.clear()
        self.source.embedders.clear()
        self.gallery.close()
        self.take_note()

    def take_note(self) -> None:
        """Remember which contents a run may have seen."""
        self.seen |= {path.read_bytes() for path in self.folder.rglob("*.png")}

    @rule()
    def index(self) -> None:
        """Index, and compare all that the gallery says with the disk."""
        report = self.gallery.index(self.folder)
        self.take_note()
        on_disk = sorted(self.folder.rglob("*.png"))
        bad = [path for path in on_disk if path.read_bytes() == b"not an image"]
        assert [file.path for file in report.unreadable_files] == bad
        held: dict[bytes, list[Path]] = {}
        for path in on_disk:
            if path not in bad:
                held.setdefault(path.read_bytes(), []).append(path)
        assert sorted(everything(self.gallery)) == sorted(map(tuple, held.values()))
        assert self.source.embedded <= len(self.seen), "something was embedded twice"
        assert report.new + report.changed + report.moved + report.unchanged == len(on_disk)
        assert counts(self.gallery.index()) == {
            name: number
            for name, number in (("unchanged", len(on_disk)), ("unreadable", len(bad)))
            if number
        }
        assert self.gallery.check().clean


TestPhotographer = Photographer.TestCase
TestPhotographer.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
