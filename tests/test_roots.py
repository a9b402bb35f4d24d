"""Which folders a gallery has, and which part of them a run scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imgsearch.errors import UsageError
from imgsearch.storage.database import Store
from imgsearch.storage.records import Root, ScannedRow
from imgsearch.storage.roots import ScanTarget, is_absent, register

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store() -> Store:
    """Return rows that are never written anywhere."""
    return Store.in_memory()


def folder(tmp_path: Path, name: str) -> Path:
    """Make a folder that holds one file."""
    path = tmp_path / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "a.jpg").write_bytes(b"x")
    return path


def put(store: Store, root: Root, *names: bytes) -> None:
    """Keep files."""
    for name in names:
        store.put_file(None, ScannedRow(root.id, name, 1, 1), content_id=None)


def summary(targets: list[ScanTarget]) -> list[tuple[str, bytes, bool]]:
    """Return name of the root, part of it and absence of each target."""
    return [(target.root.path.name, target.below, target.absent) for target in targets]


def names(store: Store) -> list[str]:
    """Return the roots' names."""
    return [root.path.name for root in store.roots()]


def test_a_new_folder_becomes_a_root_and_a_folder_in_it_a_part_of_it(
    store: Store, tmp_path: Path
) -> None:
    outer, inner = folder(tmp_path, "photos"), folder(tmp_path, "photos/trip")
    assert summary(register(store, [outer])) == [("photos", b"", False)]
    assert summary(register(store, [inner])) == [("photos", b"trip", False)]
    assert summary(register(store, [inner / "a.jpg"])) == [("photos", b"trip/a.jpg", False)]
    assert names(store) == ["photos"]


def test_overlapping_folders_in_one_call_are_scanned_once(store: Store, tmp_path: Path) -> None:
    outer, inner = folder(tmp_path, "photos"), folder(tmp_path, "photos/trip")
    targets = register(store, [inner, outer / "a.jpg", outer, inner, inner / "a.jpg"])
    assert summary(targets) == [("photos", b"", False)]


def test_a_folder_whose_name_begins_like_another_is_not_in_it(store: Store, tmp_path: Path) -> None:
    a, b = folder(tmp_path, "trip"), folder(tmp_path, "trip2")
    assert len(register(store, [a, b])) == 2
    assert names(store) == ["trip", "trip2"]
    targets = register(store, [a / "x", folder(tmp_path, "trip/x2"), folder(tmp_path, "trip/x")])
    assert sorted(target.below for target in targets) == [b"x", b"x2"]


def test_a_new_folder_takes_in_the_roots_within_it(store: Store, tmp_path: Path) -> None:
    (target,) = register(store, [folder(tmp_path, "photos/trip")])
    put(store, target.root, b"a.jpg")
    (outer,) = register(store, [folder(tmp_path, "photos")])
    assert names(store) == ["photos"]
    assert list(store.file_paths(outer.root.id)) == [b"trip/a.jpg"]


def test_an_absent_root_is_not_taken_in_lest_its_files_be_called_missing(
    store: Store, tmp_path: Path
) -> None:
    """An index of /mnt while the drive at /mnt/usb is unplugged must not forget the drive."""
    drive = folder(tmp_path, "mnt/usb")
    (target,) = register(store, [drive])
    put(store, target.root, b"a.jpg")
    (drive / "a.jpg").unlink()
    register(store, [folder(tmp_path, "mnt")])
    assert names(store) == ["mnt", "usb"]
    assert summary(register(store, [])) == [("mnt", b"", False), ("usb", b"", True)]
    assert summary(register(store, [drive / "x"])) == [("usb", b"x", True)]
    folder(tmp_path, "mnt/usb")
    assert summary(register(store, [])) == [("mnt", b"", False)]
    assert list(store.file_paths(store.roots()[0].id)) == [b"usb/a.jpg"]


def test_a_single_file_makes_its_folder_a_root_of_single_files(
    store: Store, tmp_path: Path
) -> None:
    file = folder(tmp_path, "home") / "a.jpg"
    assert summary(register(store, [file])) == [("home", b"a.jpg", False)]
    (root,) = store.roots()
    assert not root.recursive
    assert summary(register(store, [])) == [("home", b"", False)]
    register(store, [folder(tmp_path, "home")])
    assert [root.recursive for root in store.roots()] == [True]


def test_a_root_of_single_files_does_not_claim_the_folders_in_it(
    store: Store, tmp_path: Path
) -> None:
    """Or one file would be in the gallery twice, under two roots."""
    register(store, [folder(tmp_path, "home") / "a.jpg"])
    photos = folder(tmp_path, "home/photos")
    register(store, [photos])
    assert summary(register(store, [photos / "a.jpg"])) == [("photos", b"a.jpg", False)]
    other = folder(tmp_path, "home/desk") / "a.jpg"
    assert summary(register(store, [other])) == [("desk", b"a.jpg", False)]
    assert [(root.path.name, root.recursive) for root in store.roots()] == [
        ("home", False),
        ("desk", False),
        ("photos", True),
    ]


def test_a_folder_takes_in_the_roots_of_single_files_within_it(
    store: Store, tmp_path: Path
) -> None:
    (target,) = register(store, [folder(tmp_path, "home/desk") / "a.jpg"])
    put(store, target.root, b"a.jpg")
    register(store, [folder(tmp_path, "home")])
    (root,) = store.roots()
    assert list(store.file_paths(root.id)) == [b"desk/a.jpg"]


def test_a_file_that_is_gone_can_be_named_where_the_gallery_may_know_it(
    store: Store, tmp_path: Path
) -> None:
    (target,) = register(store, [folder(tmp_path, "home") / "a.jpg"])
    put(store, target.root, b"a.jpg")
    (tmp_path / "home/a.jpg").rename(tmp_path / "home/b.jpg")
    assert summary(register(store, [tmp_path / "home/a.jpg"])) == [("home", b"a.jpg", False)]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/a.jpg"])
def test_a_path_that_nobody_knows_is_refused(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"nowhere.*no such file or folder"):
        register(store, [tmp_path / name])


def test_a_root_is_absent_when_it_is_gone_or_emptied_at_one_stroke(
    store: Store, tmp_path: Path
) -> None:
    path = folder(tmp_path, "drive")
    (target,) = register(store, [path])
    root = target.root
    assert not is_absent(store, root)
    (path / "a.jpg").unlink()
    assert not is_absent(store, root), "an empty folder that never held anything"
    put(store, root, b"a.jpg")
    assert is_absent(store, root), "the mount point of an unplugged drive"
    path.rmdir()
    assert is_absent(store, root)
    path.write_bytes(b"a file where the folder was")
    assert is_absent(store, root)


def test_an_absent_root_of_single_files_can_be_named(store: Store, tmp_path: Path) -> None:
    (target,) = register(store, [folder(tmp_path, "home") / "a.jpg"])
    put(store, target.root, b"a.jpg")
    (tmp_path / "home/a.jpg").unlink()
    (tmp_path / "home").rmdir()
    assert summary(register(store, [tmp_path / "home"])) == [("home", b"", True)]


def test_exclusions_and_links_are_remembered_replaced_and_cleared(
    store: Store, tmp_path: Path
) -> None:
    path = folder(tmp_path, "photos")
    register(store, [path], exclude=("*.png", "raw"), follow_symlinks=True)
    (target,) = register(store, [path])
    assert target.root.exclude == ("*.png", "raw")
    assert target.root.follow_symlinks
    (target,) = register(store, [path], exclude=("*.gif",))
    assert target.root.exclude == ("*.gif",)
    assert target.root.follow_symlinks
    (target,) = register(store, [path], exclude=("",), follow_symlinks=False)
    assert target.root.exclude == ()
    assert not target.root.follow_symlinks


def test_exclusions_without_a_folder_are_for_every_root(store: Store, tmp_path: Path) -> None:
    register(store, [folder(tmp_path, "a"), folder(tmp_path, "b")])
    targets = register(store, [], exclude=("*.png",))
    assert [target.root.exclude for target in targets] == [("*.png",), ("*.png",)]


def test_exclusions_may_hold_bytes_that_are_not_utf_8(store: Store, tmp_path: Path) -> None:
    register(store, [folder(tmp_path, "a")], exclude=("caf\udce9*",))
    assert store.roots()[0].exclude == ("caf\udce9*",)


def test_a_root_reached_through_a_link_is_the_links_path(store: Store, tmp_path: Path) -> None:
    folder(tmp_path, "real")
    (tmp_path / "link").symlink_to("real")
    register(store, [tmp_path / "link"])
    assert names(store) == ["link"]
