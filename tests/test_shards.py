"""Shares of the files: each file in one of them, whoever asks; a gallery keeps its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, write_picture
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.indexing.shards import Shard

if TYPE_CHECKING:
    from pathlib import Path


@given(path=st.binary(min_size=1, max_size=40), of=st.integers(1, 50))
def test_every_path_lies_in_exactly_one_share(path: bytes, of: int) -> None:
    assert sum(Shard(number, of).holds(path) for number in range(1, of + 1)) == 1


def test_a_share_is_the_same_on_every_machine_and_in_every_version() -> None:
    """The digest is what coreutils' `printf a/b.jpg | b2sum -l 64` prints."""
    assert int("67ed673b4d9fccae", 16) % 7 == 5
    assert Shard(6, 7).holds(b"a/b.jpg")


def test_shares_are_of_about_one_size() -> None:
    share = Shard(3, 4)
    held = sum(share.holds(b"folder/IMG_%04d.jpg" % number) for number in range(4000))
    assert 900 < held < 1100


@pytest.mark.parametrize("text", ["0/4", "5/4", "3", "3/", "a/b", "-1/4", "1/0", "", "3/4/5"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 3/16"):
        Shard.parse(text)


def indexed(folder: Path, photos: Path, shard: Shard | None = None) -> Gallery:
    """Return a gallery of a share of the photos."""
    gallery = Gallery(folder, source=FakeSource())
    gallery.index(photos, options=IndexOptions(shard=shard))
    return gallery


def names(gallery: Gallery) -> set[str]:
    """Return the names of a gallery's files."""
    return {file.path.name for file in gallery.files()}


def test_shares_part_the_files_and_a_later_run_keeps_to_its_own(
    photos: Path, tmp_path: Path
) -> None:
    (photos / "trip0/broken.png").write_bytes(b"no picture")
    parts = [indexed(tmp_path / f"{k}.gallery", photos, Shard(k, 3)) for k in (1, 2, 3)]
    held = [names(part) for part in parts]
    assert sorted(name for part in held for name in part) == sorted(
        path.name for path in photos.rglob("[0-9]*.png")
    )
    assert sum(len(list(part.unreadable())) for part in parts) == 1
    write_picture(photos / "trip1/new.png", seed=99)
    reports = [part.index() for part in parts]
    assert sum(report.new for report in reports) == 1
    assert [report.missing for report in reports] == [0, 0, 0]
    assert sum("new.png" in names(part) for part in parts) == 1
    assert [part.information().shard for part in parts] == ["1/3", "2/3", "3/3"]


def test_files_named_one_by_one_are_shared_out_too(photos: Path, tmp_path: Path) -> None:
    named = sorted(photos.rglob("*.png"))
    whole, apart = [], []
    for k in (1, 2):
        whole.append(names(indexed(tmp_path / f"whole{k}", photos, Shard(k, 2))))
        gallery = Gallery(tmp_path / f"apart{k}", source=FakeSource())
        gallery.index(photos, options=IndexOptions(shard=Shard(k, 2)))
        gallery.index(*named)
        apart.append(names(gallery))
    assert whole == apart
    assert len(whole[0] | whole[1]) == len(named)


def test_another_share_is_refused_and_nothing_is_lost(photos: Path, tmp_path: Path) -> None:
    gallery = indexed(tmp_path / "gallery", photos, Shard(1, 2))
    before = names(gallery)
    with pytest.raises(UsageError, match="holds the share 1/2"):
        gallery.index(options=IndexOptions(shard=Shard(2, 2)))
    assert names(gallery) == before
    everything = indexed(tmp_path / "everything", photos)
    with pytest.raises(UsageError, match="holds the share 1/1"):
        everything.index(options=IndexOptions(shard=Shard(2, 2)))
    assert len(names(everything)) == 12


def test_a_share_becomes_the_whole(photos: Path, tmp_path: Path) -> None:
    gallery = indexed(tmp_path / "gallery", photos, Shard(1, 2))
    held = len(names(gallery))
    report = gallery.index(options=IndexOptions(shard=Shard(1, 1)))
    assert report.new == 12 - held
    assert len(names(gallery)) == 12
