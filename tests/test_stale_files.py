"""Files of the same size and time that hold other bytes, and figures that no file should have."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import FakeSource, write_picture

from imgsearch.errors import UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.images import loading
from imgsearch.indexing import scan
from imgsearch.indexing.report import IndexOptions, IndexReport
from imgsearch.indexing.scan import UnknownFile
from imgsearch.paths import ScannedFile
from imgsearch.storage import sqlite_errors
from imgsearch.storage.database import Store
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.scan_comparison import Changes, Tally
from imgsearch.storage.sqlite_errors import translated_errors

if TYPE_CHECKING:
    from pathlib import Path

REHASH = IndexOptions(rehash=True)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return two pictures of one size and one time."""
    one, two = (write_picture(tmp_path / f"photos/{n}.bmp", seed=n) for n in (1, 2))
    for path in (one, two):
        os.utime(path, ns=(10**18, 10**18))
    assert one.stat().st_size == two.stat().st_size
    return one, two


def best(gallery: Gallery, picture: Path) -> str:
    """Return the name of the file that is the same."""
    return gallery.query(picture, include_self=True)[0].path.name


def done(report: IndexReport) -> tuple[int, int, int]:
    """Return how many files are changed, unchanged and embedded."""
    return report.changed, report.unchanged, report.embedded


def swap(one: Path, two: Path) -> None:
    """Let two files change names."""
    one.rename(one.with_name("tmp"))
    two.rename(one)
    one.with_name("tmp").rename(two)


def without_identity(gallery: Gallery) -> None:
    """Leave the gallery as an earlier version made it."""
    with gallery._connections.changing() as store:
        store.connection.execute("UPDATE file SET inode = NULL, ctime_ns = NULL")


def test_files_that_swap_names_are_read_again_and_not_embedded(
    gallery: Gallery, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    gallery.index(tmp_path / "photos")
    original = shutil.copy(pair[0], tmp_path / "original.bmp")
    swap(*pair)
    assert done(gallery.index()) == (2, 0, 0)
    assert best(gallery, original) == "2.bmp"


def test_a_query_does_not_take_a_swapped_file_for_the_old_one(
    gallery: Gallery, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    gallery.index(tmp_path / "photos")
    swap(*pair)
    assert best(gallery, pair[0]) == "2.bmp"


def test_an_edit_that_keeps_size_and_time_is_seen(
    gallery: Gallery, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    gallery.index(tmp_path / "photos")
    pair[0].write_bytes(write_picture(tmp_path / "new.bmp", seed=3).read_bytes())
    os.utime(pair[0], ns=(10**18, 10**18))
    assert done(gallery.index()) == (1, 1, 1)


def test_other_figures_of_the_same_bytes_only_update_the_row(
    gallery: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    """A restored backup: all times are as they were, inodes and change times are not."""
    gallery.index(photos)
    shutil.copytree(photos, tmp_path / "restored")
    shutil.rmtree(photos)
    (tmp_path / "restored").rename(photos)
    assert done(gallery.index()) == (0, 12, 0)
    assert source.embedded == 12


def test_a_gallery_without_inodes_learns_them_without_reading(
    gallery: Gallery, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(tmp_path / "photos")
    without_identity(gallery)
    with monkeypatch.context() as patch:
        patch.setattr(loading, "read_file", lambda _path: pytest.fail("read"))
        assert done(gallery.index()) == (0, 2, 0)
    swap(*pair)
    assert done(gallery.index()) == (2, 0, 0)


def test_rehashing_reads_everything_and_embeds_only_what_is_new(
    gallery: Gallery, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "photos/bad.png").write_bytes(b"no picture")
    gallery.index(tmp_path / "photos")
    swap(*pair)
    without_identity(gallery)
    assert done(gallery.index()) == (0, 3, 0), "as an earlier version would have it for ever"
    without_identity(gallery)
    assert done(gallery.index(options=replace(REHASH, dry_run=True))) == (0, 3, 0)
    assert done(gallery.index(options=REHASH)) == (2, 1, 0)
    assert done(gallery.index(options=REHASH)) == (0, 3, 0)


def test_a_check_of_files_finds_other_bytes_and_a_repair_has_them_read_again(
    gallery: Gallery, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    gallery.index(tmp_path / "photos")
    assert gallery.check(files=True).clean
    swap(*pair)
    without_identity(gallery)
    gallery.index()
    assert gallery.check().clean
    (finding,) = gallery.check(files=True).findings
    assert "2 of 2 files that were read hold other bytes" in finding.what
    assert not gallery.check(files=True).clean
    assert gallery.check(files=True, repair=True).clean
    assert done(gallery.index()) == (2, 0, 0)
    pair[0].unlink()
    assert gallery.check(files=True).clean


def test_what_is_not_known_counts_as_unchanged_and_inodes_that_are_made_up_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.paths.devices_without_inodes", lambda: frozenset({7}))
    store = Store.in_memory()
    root = store.add_root(tmp_path, recursive=True)
    scanned = ScannedFile(b"a", 1, 1, ctime_ns=5, inode=9, device=7)
    for stored, expected in (
        (ScannedRow(root.id, b"a", 1, 1), Tally(unchanged=1)),
        (ScannedRow(root.id, b"a", 1, 1, 8, 5), Tally(unchanged=1)),
        (ScannedRow(root.id, b"a", 1, 1, None, 6), Tally(changed=1)),
    ):
        store.connection.execute("DELETE FROM file")
        store.put_file(None, stored, content_id=None, reason="bad", decoders="d")
        changes = Changes(store)
        changes.add(root.id, [scanned])
        assert changes.compare(None, "d") == expected
        changes.fill_in()
        known = store.connection.execute("SELECT inode, ctime_ns FROM file").fetchone()
        assert known == (stored.inode, stored.ctime_ns or 5)


def test_figures_that_no_column_takes_are_clamped_and_the_file_is_indexed(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file dated beyond 2262, and an inode of 64 bits."""
    real = ScannedFile.of.__func__  # type: ignore[attr-defined]

    class Status:
        st_size, st_mtime_ns, st_ctime_ns = 100, 99_999_999_999 * 10**9, -(10**20)
        st_ino, st_dev, st_nlink = 2**64 - 1, 2**64 - 2, 1

    file = ScannedFile.of(b"a", Status())  # type: ignore[arg-type]
    assert (file.mtime_ns, file.ctime_ns) == (2**63 - 1, -(2**63))
    assert (file.inode, file.device) == (-1, -2)

    def of(cls: Any, path: bytes, status: Any, **options: Any) -> ScannedFile:
        return real(cls, path, Status() if b"00" in path else status, **options)

    monkeypatch.setattr(ScannedFile, "of", classmethod(of))
    assert gallery.index(photos).new == 12
    assert gallery.index(photos).unchanged == 12


@pytest.mark.parametrize("name", ["read_file", "load"])
@pytest.mark.parametrize("error", [OverflowError("too large"), MemoryError(), KeyError(1)])
def test_no_single_file_stops_a_run_whatever_it_raises(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch, *, name: str, error: Exception
) -> None:
    real, bad = getattr(loading, name), (photos / "trip0/00.png")
    data = bad.read_bytes()

    def work(what: Any, **options: Any) -> Any:
        if what in (bad, data):
            raise error
        return real(what, **options)

    monkeypatch.setattr(loading, name, work)
    report = gallery.index(photos)
    (unreadable,) = report.unreadable_files
    assert unreadable.path == bad
    assert report.embedded == 11
    if not isinstance(error, MemoryError):
        assert unreadable.reason.startswith(f"unexpected {type(error).__name__}: ")


def test_metadata_that_no_column_takes_are_a_reason_too(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, data = loading.load, (photos / "trip0/00.png").read_bytes()

    def load(given: bytes, **options: Any) -> Any:
        image = real(given, **options)
        if given == data:
            image = replace(image, metadata=replace(image.metadata, camera="\ud800"))
        return image

    monkeypatch.setattr(loading, "load", load)
    report = gallery.index(photos)
    assert (report.embedded, report.unreadable) == (11, 1)
    assert "cannot be stored" in report.unreadable_files[0].reason


def nested(base: Path, depth: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make folders of 100 letters within each other, each of which holds a picture."""
    with monkeypatch.context() as patch:
        patch.chdir(base)
        here = type(base)()
        for level in range(depth):
            write_picture(here / "a.png", seed=level)
            (here / ("n" * 100)).mkdir()
            patch.chdir("n" * 100)
    return base


def test_folders_whose_paths_are_too_long_are_named_with_the_reason(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    report = gallery.index(nested(tmp_path / "deep", 60, monkeypatch))
    assert 30 < report.new < 42
    left = [*report.unlisted, *report.unreadable_files]
    assert left
    assert {item.reason for item in left} == {os.strerror(errno.ENAMETOOLONG)}


def refusing(real: Any, place: Path, code: int) -> Any:
    """Return a call of the operating system's that refuses one path."""

    def call(path: Any = ".", **options: Any) -> Any:
        if os.fsdecode(path) == str(place):
            raise OSError(code, os.strerror(code), path)
        return real(path, **options)

    return call


def test_a_root_that_may_not_be_listed_is_named_with_the_reason_and_keeps_its_files(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refusing(os.scandir, photos, errno.EACCES))
        report = gallery.index()
    assert [(item.path, item.reason) for item in report.unlisted] == [
        (photos, os.strerror(errno.EACCES))
    ]
    assert (report.offline, report.missing) == (0, 0)
    assert gallery.index().unchanged == 12


def test_a_file_that_is_listed_but_cannot_be_examined_is_named_and_kept(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos)
    real = scan._regular_file

    def regular(entry: Any, path: bytes, rules: Any, *, by_symlink: bool) -> Any:
        if path == b"trip0/00.png":
            return UnknownFile(path, "reason")
        return real(entry, path, rules, by_symlink=by_symlink)

    monkeypatch.setattr(scan, "_regular_file", regular)
    report = gallery.index()
    assert [(item.path, item.reason) for item in report.unreadable_files] == [
        (photos / "trip0/00.png", "reason")
    ]
    assert report.missing == 0
    assert gallery.information().files == 12


def test_a_database_of_another_user_is_refused_by_its_true_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gallery.db").write_bytes(b"")
    monkeypatch.setattr(sqlite_errors.os, "access", lambda *_: False)
    for writing, doing in ((False, "read"), (True, "write")):
        with (
            pytest.raises(
                PermissionError, match=rf"may not {doing} it, it belongs to .*gallery\.db"
            ),
            translated_errors(tmp_path, writing=writing),
        ):
            sqlite3.connect(tmp_path / "nowhere/gallery.db")


def test_a_user_without_a_home_is_told_to_name_a_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "IMGSEARCH_GALLERY", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_242_424)
    with pytest.raises(UsageError, match=r"no home folder.*--gallery"):
        Gallery()
    with pytest.raises(UsageError, match="home folder"):
        Gallery("~/gallery")
