"""One physical file under several names is one file, and no duplicate of itself."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

import pytest
from conftest import write_picture
from folding_file_system import fold_names

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.indexing.report import IndexOptions
from imgsearch.paths import Listings
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.gallery import Gallery
    from imgsearch.search.matches import Match

MANY = 1100
FOLLOW = IndexOptions(follow_symlinks=True)


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with three pictures in a file system that ignores case."""
    folder = tmp_path / "drive"
    write_picture(folder / "Trip/P000.png", seed=0)
    write_picture(folder / "P001.png", seed=1)
    write_picture(folder / unicodedata.normalize("NFD", "é.png"), seed=2)
    fold_names(monkeypatch, folder)
    return folder


def everything(gallery: Gallery, picture: Path) -> list[Match]:
    """Return all matches, by path."""
    matches = gallery.query(picture, k=100, include_self=True)
    return sorted(matches, key=lambda match: match.path)


def names(gallery: Gallery, picture: Path) -> list[str]:
    """Return the names of all files that the gallery answers with."""
    matches = everything(gallery, picture)
    assert all(not match.duplicates for match in matches)
    return [match.path.name for match in matches]


def test_the_double_finds_every_spelling_and_lists_one(drive: Path) -> None:
    assert (drive / "TRIP/p000.PNG").read_bytes() == (drive / "Trip/P000.png").read_bytes()
    assert (drive / unicodedata.normalize("NFC", "é.png")).exists()
    assert sorted(path.name for path in drive.iterdir() if path.name.isascii()) == [
        "P001.png",
        "Trip",
    ]
    assert not (drive / "p002.png").exists()


def test_a_name_is_there_only_as_its_folder_lists_it(drive: Path) -> None:
    listings = Listings()
    assert listings.holds(drive, b"Trip/P000.png")
    assert not listings.holds(drive, b"Trip/p000.png")
    assert not listings.holds(drive, b"trip/P000.png")
    composed = unicodedata.normalize("NFC", "é.png")
    assert not listings.holds(drive, composed.encode())
    assert listings.spelled(drive / "tRIP/p000.PNG") == drive / "Trip/P000.png"
    assert listings.spelled(drive / composed).name == unicodedata.normalize("NFD", "é.png")
    assert listings.spelled(drive / "nowhere/x.png") == drive / "nowhere/x.png"


def test_a_rename_in_case_only_leaves_no_second_name(gallery: Gallery, drive: Path) -> None:
    gallery.index(drive)
    (drive / "P001.png").rename(drive / "p.tmp")
    (drive / "p.tmp").rename(drive / "p001.png")
    report = gallery.index(drive)
    assert (report.moved, report.new, report.missing) == (1, 0, 0)
    assert "p001.png" in names(gallery, drive / "p001.png")
    assert gallery.information().files == 3


def test_a_folder_renamed_in_case_only_leaves_no_second_name(gallery: Gallery, drive: Path) -> None:
    gallery.index(drive)
    (drive / "Trip").rename(drive / "t.tmp")
    (drive / "t.tmp").rename(drive / "trip")
    assert gallery.index().moved == 1
    assert drive / "trip/P000.png" in [m.path for m in everything(gallery, drive / "P001.png")]
    assert gallery.information().files == 3


def test_another_normal_form_of_a_name_leaves_no_second_name(gallery: Gallery, drive: Path) -> None:
    gallery.index(drive)
    composed = unicodedata.normalize("NFC", "é.png")
    (drive / unicodedata.normalize("NFD", "é.png")).rename(drive / "e.tmp")
    (drive / "e.tmp").rename(drive / composed)
    assert gallery.index().moved == 1
    assert composed in names(gallery, drive / "P001.png")


def test_another_spelling_names_the_same_file_folder_or_root(gallery: Gallery, drive: Path) -> None:
    gallery.index(drive / "Trip")
    report = gallery.index(drive / "TRIP", drive / "trip/p000.PNG")
    assert (report.new, report.unchanged) == (0, 1)
    assert len(gallery.information().roots) == 1
    assert len(gallery.query(drive / "P001.png", where=Filters(under=(drive / "tRip",)))) == 1


def test_a_stale_second_spelling_is_no_duplicate_even_before_the_next_index(
    gallery: Gallery, drive: Path
) -> None:
    """As an earlier version left it in the gallery."""
    gallery.index(drive)
    with gallery._connections.changing() as store:
        store.connection.execute(
            "INSERT INTO file (root_id, path, size, mtime_ns, content_id) "
            "SELECT root_id, CAST('p001.png' AS BLOB), size, mtime_ns, content_id FROM file "
            "WHERE path = CAST('P001.png' AS BLOB)"
        )
    assert len(names(gallery, drive / "P001.png")) == 3


def test_a_root_that_is_a_link_to_a_known_root_is_merged_and_told(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(photos)
    gallery.index(photos)
    report = gallery.index(tmp_path / "link", tmp_path / "link/trip0")
    assert (report.new, report.unchanged) == (0, 12)
    assert [(told.path, told.known) for told in report.merged] == [
        (tmp_path / "link", photos),
        (tmp_path / "link/trip0", photos / "trip0"),
    ]
    assert len(gallery.information().roots) == 1
    gallery.index(tmp_path / "link/trip1/01.png")
    assert gallery.information().files == 12


def test_the_folder_behind_a_root_that_is_a_link_is_merged(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(photos / "trip0")
    gallery.index(tmp_path / "link")
    report = gallery.index(photos)
    assert [(told.path, told.known) for told in report.merged] == [
        (tmp_path / "link", photos / "trip0")
    ]
    assert (report.new, report.unchanged) == (8, 4)
    assert [root.path for root in gallery.information().roots] == [photos]


def test_a_link_within_a_root_that_follows_none_is_a_root_of_its_own(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    write_picture(tmp_path / "outside/x.png", seed=50)
    (photos / "link").symlink_to(tmp_path / "outside")
    gallery.index(photos)
    gallery.index(photos / "link")
    assert gallery.index().unchanged == 13


def test_a_link_beside_its_target_is_left_out(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    (photos / "a.png").symlink_to(photos / "trip0/00.png")
    (photos / "again").symlink_to(photos / "trip1")
    write_picture(tmp_path / "outside/x.png", seed=50)
    (photos / "b.png").symlink_to(tmp_path / "outside/x.png")
    (photos / "c").symlink_to(tmp_path / "outside")
    report = gallery.index(photos, options=FOLLOW)
    # The folder "again" is walked first, and then is the one way to its four files.
    assert (report.new, report.aliases) == (13, 2)
    assert len(names(gallery, photos / "trip0/00.png")) == 13
    report = gallery.index(photos)
    assert (report.unchanged, report.new, report.missing) == (13, 0, 0)


def test_a_named_link_to_a_file_of_another_root_is_left_out(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos)
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk/link.png").symlink_to(photos / "trip0/00.png")
    report = gallery.index(tmp_path / "desk/link.png")
    assert (report.new, report.aliases) == (0, 1)
    assert gallery.information().files == 12


def test_a_link_that_an_earlier_run_took_in_leaves_the_gallery(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    (photos / "a.png").symlink_to(tmp_path / "x.png")
    write_picture(tmp_path / "x.png", seed=50)
    gallery.index(photos, options=FOLLOW)
    (tmp_path / "x.png").unlink()
    (photos / "a.png").unlink()
    (photos / "a.png").symlink_to(photos / "trip0/00.png")
    report = gallery.index()
    assert (report.missing, report.aliases) == (0, 1)
    assert gallery.information().files == 12


def test_hard_links_are_duplicates_that_say_so(gallery: Gallery, photos: Path) -> None:
    original = photos / "trip0/00.png"
    (photos / "copy.png").write_bytes(original.read_bytes())
    os.link(original, photos / "link.png")
    os.link(photos / "copy.png", photos / "other.png")
    gallery.index(photos)
    (match,) = [m for m in everything(gallery, original) if m.duplicates]
    assert [(match.path.name, False)] + [(c.path.name, c.hard_link) for c in match.duplicates] == [
        ("copy.png", False),
        ("link.png", False),
        ("other.png", True),
        ("00.png", True),
    ]


def test_a_second_mount_of_one_folder_holds_no_duplicates(
    gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bind mount: no link shows, but device and inode are the same."""
    (tmp_path / "mount").symlink_to(photos / "trip0")
    real, islink = os.path.realpath, os.path.islink

    def realpath(path: str | bytes, **options: bool) -> str | bytes:
        text = os.fsdecode(path)
        return path if "/mount" in text else real(path, **options)

    monkeypatch.setattr(os.path, "realpath", realpath)
    monkeypatch.setattr(os.path, "islink", lambda path: "/mount" not in str(path) and islink(path))
    gallery.index(photos)
    report = gallery.index(tmp_path / "mount")
    assert (report.new, report.aliases) == (0, 4)
    assert gallery.index().aliases == 4
    assert gallery.information().files == 12


def test_filters_removal_and_queries_see_through_links(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(photos)
    gallery.index(photos)
    query = tmp_path / "link/trip0/00.png"
    found = gallery.query(query, k=100, where=Filters(under=(tmp_path / "link/trip1",)))
    assert {match.path.parent for match in found} == {photos / "trip1"}
    assert photos / "trip0/00.png" not in {match.path for match in gallery.query(query, k=100)}
    assert gallery.remove(tmp_path / "link/trip1").files == 4
    gallery.index(write_picture(tmp_path / "other/a.png", seed=50).parent)
    with pytest.raises(UsageError, match="overlaps"):
        gallery.relocate(tmp_path / "other", tmp_path / "link/trip0")


def test_a_filter_sees_what_lies_behind_a_followed_link(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    write_picture(tmp_path / "outside/x.png", seed=50)
    (photos / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "alias").symlink_to(photos)
    gallery.index(photos, options=FOLLOW)
    for folder in (photos / "link", tmp_path / "alias/link"):
        found = gallery.query(photos / "trip0/00.png", where=Filters(under=(folder,)))
        assert [match.path.name for match in found] == ["x.png"], folder


def test_a_thousand_single_file_roots_can_be_filtered_and_named_briefly(
    gallery: Gallery, tmp_path: Path
) -> None:
    """One expression over so many parts is more than SQLite takes."""
    base = tmp_path / "many"
    data = write_picture(tmp_path / "x.png", seed=1, side=4).read_bytes()
    files = [base / f"{number:04}" / "a.png" for number in range(MANY)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    (base / "0000/b.png").write_bytes(data)
    gallery.index(*files, base / "0000/b.png")
    assert len(gallery.information().roots) == MANY
    (match,) = gallery.query(files[0], include_self=True, where=Filters(under=(base,)))
    assert len(match.duplicates) == MANY
    with pytest.raises(UsageError) as caught:
        gallery.query(files[0], where=Filters(under=(tmp_path / "nowhere",)))
    assert len(str(caught.value)) < 1000
    assert "1,095 more" in str(caught.value)


def test_file_systems_without_inodes_are_told_by_the_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 27 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "42 27 7:0 / /media/My\\040Drive rw,nosuid - fuseblk /dev/loop0 rw\n"
        "43 27 8:17 / /boot/efi rw master:3 shared:4 - vfat /dev/sdb1 rw\n"
        "44 27 0:55 / /home/x/net rw - fuse.sshfs host: rw\n"
        "nonsense\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(paths, "_MOUNTS", mounts)
    devices = {os.makedev(7, 0), os.makedev(8, 17), os.makedev(0, 55)}
    assert paths.devices_without_inodes() == devices
    monkeypatch.setattr(paths, "_MOUNTS", tmp_path / "none")
    assert paths.devices_without_inodes() == frozenset()
