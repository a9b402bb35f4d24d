"""Walking folders: what is found, what is left out, what can't be told."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.indexing import scan
from imgsearch.indexing.scan import ScanRules, UnlistedFolder, walk
from imgsearch.paths import ScannedFile, look_up

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = frozenset({".jpg", ".png"})


def rules(*exclude: str, follow_symlinks: bool = False, skip: tuple[Path, ...] = ()) -> ScanRules:
    """Return rules for two suffixes."""
    return ScanRules(suffixes=SUFFIXES, exclude=exclude, follow_symlinks=follow_symlinks, skip=skip)


def put(folder: Path, *names: str) -> None:
    """Make files of one byte."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def found(folder: Path, rules: ScanRules, below: bytes = b"") -> list[str]:
    """Return the relative paths that a walk finds."""
    return [os.fsdecode(file.path) for file in walk(folder, rules, below=below)]


def test_image_files_are_found_recursively_in_the_same_order_each_time(tmp_path: Path) -> None:
    put(tmp_path, "b/z.JPG", "a.png", "b/a.jpg", "b/c/d.Png", "notes.txt", "jpg", "B/x.jpg")
    assert found(tmp_path, rules()) == ["a.png", "B/x.jpg", "b/a.jpg", "b/z.JPG", "b/c/d.Png"]
    assert found(tmp_path, rules()) == found(tmp_path, rules())


def test_sizes_and_times_are_those_of_the_file_system(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(1, 1_234_567_890_123_456_789))
    (file,) = walk(tmp_path, rules())
    assert isinstance(file, ScannedFile)
    assert (file.path, file.size, file.mtime_ns) == (b"a.jpg", 1, 1_234_567_890_123_456_789)
    assert file.inode == (tmp_path / "a.jpg").stat().st_ino


def test_hidden_names_and_the_systems_own_folders_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, ".hidden.jpg", ".trash/a.jpg", "@eaDir/a.jpg", "$RECYCLE.BIN/a.jpg", "b/._c.jpg")
    assert found(tmp_path, rules()) == []


def test_pipes_and_folders_that_are_named_like_images_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    put(tmp_path, "folder.jpg/a.jpg")
    assert found(tmp_path, rules()) == ["folder.jpg/a.jpg"]


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.jpg", b"new\nline.jpg", b"100%.jpg", b'it\'s "x" \\.jpg', "📷.jpg".encode()],
)
def test_any_name_is_found_as_its_bytes(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    (file,) = walk(tmp_path, rules())
    assert file.path == name
    assert look_up(tmp_path, name) == file


def test_symbolic_links_are_followed_only_when_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "root/a.jpg", "outside/b.jpg")
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    (tmp_path / "root/c.jpg").symlink_to(tmp_path / "outside/b.jpg")
    (tmp_path / "root/broken.jpg").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path / "root", rules()) == ["a.jpg"]
    assert found(tmp_path / "root", rules(follow_symlinks=True)) == [
        "a.jpg",
        "c.jpg",
        "link/b.jpg",
    ]


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    put(tmp_path, "a/b/c.jpg")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path)
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert found(tmp_path, rules(follow_symlinks=True)) == ["a/b/c.jpg"]
    assert look_up(tmp_path, b"loop.jpg") is None


def test_a_root_that_is_a_link_is_walked(tmp_path: Path) -> None:
    put(tmp_path, "real/a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert found(tmp_path / "link", rules()) == ["a.jpg"]


def test_a_walk_can_begin_below_the_root(tmp_path: Path) -> None:
    put(tmp_path, "a/b.jpg", "c/d.jpg")
    assert found(tmp_path, rules(), b"c") == ["c/d.jpg"]


def test_the_gallerys_own_folder_is_never_entered(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "gallery/cache.png", "gallery2/b.jpg")
    assert found(tmp_path, rules(skip=(tmp_path / "gallery",))) == ["a.jpg", "gallery2/b.jpg"]


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("*.png", ["a.jpg", "raw/ä.jpg", "raw/x/c.jpg"]),
        ("raw", ["a.jpg", "b.png"]),
        ("raw/*", ["a.jpg", "b.png"]),
        ("/raw/x", ["a.jpg", "b.png", "raw/ä.jpg"]),
        ("raw/x/", ["a.jpg", "b.png", "raw/ä.jpg"]),
        ("?.jpg", ["b.png"]),
        ("[äö].jpg", ["a.jpg", "b.png", "raw/x/c.jpg"]),
        ("[!a].*", ["a.jpg"]),
        ("A.JPG", ["a.jpg", "b.png", "raw/ä.jpg", "raw/x/c.jpg"]),
        ("*", []),
    ],
)
def test_exclusions_hold_for_names_or_for_paths(tmp_path: Path, glob: str, left: list[str]) -> None:
    """A question mark is one character, of however many bytes; case counts."""
    put(tmp_path, "a.jpg", "b.png", "raw/ä.jpg", "raw/x/c.jpg")
    assert found(tmp_path, rules(glob)) == left


def test_an_exclusion_may_hold_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    put(tmp_path, os.fsdecode(b"caf\xe9.jpg"), "b.jpg")
    assert found(tmp_path, rules(os.fsdecode(b"caf\xe9*"))) == ["b.jpg"]


@given(st.text(max_size=8), st.binary(min_size=1, max_size=8))
def test_no_exclusion_and_no_name_raises(glob: str, name: bytes) -> None:
    assert rules(glob).excludes(name) in (True, False)


def test_exclusions_with_many_stars_come_to_an_end() -> None:
    """Backtracking through them all would take longer than anybody waits."""
    slow = rules("*a" * 30 + "b", "*/" * 10 + "*x")
    assert not slow.excludes(b"a" * 200 + b"/" + b"a" * 200)


def refuse(monkeypatch: pytest.MonkeyPatch, place: Path, code: int) -> None:
    """Make the operating system refuse to list one folder."""
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if os.fsdecode(path) == str(place):
            raise OSError(code, os.strerror(code), path)
        return real(path)

    monkeypatch.setattr(scan.os, "scandir", scandir)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_folder_that_cannot_be_listed_is_named_and_the_rest_is_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    put(tmp_path, "a/b.jpg", "c/d.jpg")
    refuse(monkeypatch, tmp_path / "a", code)
    assert list(walk(tmp_path, rules())) == [
        UnlistedFolder(b"a", os.strerror(code)),
        look_up(tmp_path, b"c/d.jpg"),
    ]


def test_a_folder_that_vanished_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a/b.jpg", "c/d.jpg")
    refuse(monkeypatch, tmp_path / "a", errno.ENOENT)
    assert found(tmp_path, rules()) == ["c/d.jpg"]


def test_looking_up_gives_a_named_file_whatever_its_suffix_but_no_folder(tmp_path: Path) -> None:
    put(tmp_path, "picture.weird", "folder/x.jpg")
    assert look_up(tmp_path, b"picture.weird") is not None
    assert look_up(tmp_path, b"folder") is None
    assert look_up(tmp_path, b"none.jpg") is None
    assert look_up(tmp_path, b"picture.weird/below.jpg") is None
    assert look_up(tmp_path, b"n" * 300) is None


def test_looking_up_says_when_it_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stat(_path: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "permission denied")

    monkeypatch.setattr(scan.os, "stat", stat)
    with pytest.raises(PermissionError):
        look_up(tmp_path, b"a.jpg")
