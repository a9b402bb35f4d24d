"""Members of tars are files, as in the shards that WebDataset reads."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, touch_later, write_picture

from imgsearch import Gallery
from imgsearch.addresses import Address
from imgsearch.errors import NotThereError

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch import IndexReport


def shard(file: Path, *seeds: int, folder: str = "") -> Path:
    """Write a shard: a picture, its label and its caption, one after the other, for each seed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = write_picture(file.parent / "made.png", seed=0)
    with tarfile.open(file, "w") as tar:
        for seed in seeds:
            write_picture(made, seed=seed)
            tar.add(made, f"{folder}{seed:05}.png")
            made.write_text(json.dumps({"seed": seed}))
            tar.add(made, f"{folder}{seed:05}.json")
    made.unlink()
    return file


def counts(report: IndexReport) -> tuple[int, ...]:
    """Return what a run found: new, changed, moved, unchanged, missing, embedded."""
    return (report.new, report.changed, report.moved, report.unchanged, report.missing,
            report.embedded)  # fmt: skip


def names(gallery: Gallery) -> list[str]:
    """Return the paths of all files."""
    return sorted(str(file.path) for file in gallery.files(all_files=True))


def test_a_tar_that_is_named_is_a_folder_of_its_members(gallery: Gallery, tmp_path: Path) -> None:
    shards = [shard(tmp_path / f"shards/{n}.tar", 2 * n, 2 * n + 1) for n in range(2)]
    assert counts(gallery.index(*shards)) == (4, 0, 0, 0, 0, 4)
    assert counts(gallery.index()) == (0, 0, 0, 4, 0, 0)
    assert names(gallery) == [
        f"tar:{tmp_path}/shards/{n}.tar/{seed:05}.png"
        for n in (0, 1)
        for seed in (2 * n, 2 * n + 1)
    ]
    match = gallery.query(f"tar:{tmp_path}/shards/1.tar/00002.png", k=1)[0]
    assert match.root == Address(f"tar:{tmp_path}/shards/{match.path.parent.name}")
    assert gallery.image(match.content).shape == (24, 24, 3)
    assert gallery.original(match.content).file.read(4) == b"\x89PNG"
    assert gallery.remove(f"tar:{shards[0]}").files == 2


def test_all_tars_of_a_folder_are_looked_into_and_those_that_come_later(
    gallery: Gallery, tmp_path: Path
) -> None:
    shard(tmp_path / "shards/a.tar", 1, 2)
    gallery.index(tmp_path / "shards/a.tar")
    shard(tmp_path / "shards/deeper/b.tar", 3, folder="./inner/")
    write_picture(tmp_path / "shards/beside.png", seed=9)
    # The tar that was a root becomes a part of the folder.
    assert counts(gallery.index(f"tar:{tmp_path}/shards")) == (1, 0, 0, 2, 0, 1)
    assert [str(root.path) for root in gallery.information().roots] == [f"tar:{tmp_path}/shards"]
    shard(tmp_path / "shards/c.tar", 4)
    assert counts(gallery.index()) == (1, 0, 0, 3, 0, 1)
    assert f"tar:{tmp_path}/shards/deeper/b.tar/inner/00003.png" in names(gallery)
    (tmp_path / "shards/a.tar").unlink()
    assert counts(gallery.index()) == (0, 0, 0, 2, 2, 0)


def test_a_shard_that_is_made_again_is_read_again(gallery: Gallery, tmp_path: Path) -> None:
    """Even where the sizes and times of its members stay, as tools set them to zero."""
    tar = shard(tmp_path / "a.tar", 1, 2, 3)
    gallery.index(tar)
    touch_later(tar)
    assert counts(gallery.index()) == (0, 0, 0, 3, 0, 0)
    shard(tar, 1, 4, 3, 5)
    touch_later(tar, seconds=60)
    assert counts(gallery.index()) == (2, 0, 0, 2, 1, 2)


def test_what_is_no_whole_tar_loses_nothing(gallery: Gallery, tmp_path: Path) -> None:
    tar = shard(tmp_path / "a.tar", 1, 2, 3)
    gallery.index(tar)
    whole = tar.read_bytes()
    for cut in (whole[:1000], whole[:2000], b"no tar at all" * 100, b""):
        tar.write_bytes(cut)
        report = gallery.index()
        assert report.missing == 0
        assert "tar" in report.unlisted[0].reason
        assert str(report.unlisted[0].path) == f"tar:{tar}"
    # An unsound header in the middle: what lies before it is known, the rest is not missing.
    with tarfile.open(fileobj=None, name=_restored(tar, whole)) as opened:
        third = opened.getmembers()[2].offset
    tar.write_bytes(whole[:third] + b"\xff" * 512 + whole[third + 512 :])
    report = gallery.index()
    assert (report.missing, len(report.unlisted)) == (0, 1)
    tar.write_bytes(whole)
    assert counts(gallery.index())[:5] == (0, 0, 0, 3, 0)
    tar.unlink()
    assert gallery.index().missing == 0


def _restored(tar: Path, whole: bytes) -> Path:
    tar.write_bytes(whole)
    return tar


def test_a_name_that_leads_out_of_the_tar_and_what_is_no_file_are_left(
    gallery: Gallery, tmp_path: Path
) -> None:
    made = write_picture(tmp_path / "made.png", seed=1)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(made, "../out.png")
        tar.add(made, "/rooted.png")
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        odd = tarfile.TarInfo("caf\udce9.png")
        odd.size = made.stat().st_size
        with made.open("rb") as file:
            tar.addfile(odd, file)
    gallery.index(tmp_path / "a.tar")
    assert [name.rpartition("/")[2] for name in names(gallery)] == ["caf\udce9.png", "rooted.png"]


def test_no_plan_touches_a_tar(gallery: Gallery, tmp_path: Path) -> None:
    """Members of tars are found to be duplicates; `apply` removes files of this machine alone."""
    tar = shard(tmp_path / "a.tar", 1)
    write_picture(tmp_path / "photos/1.png", seed=1)
    gallery.index(tar, tmp_path / "photos")
    bytes_before = tar.read_bytes()
    groups = list(gallery.duplicates())
    assert len(groups) == 1
    plan = gallery.plan(groups)
    assert plan.groups == ()
    (left,) = plan.left
    assert (str(left.path), left.reason) == (
        f"tar:{tar}/00001.png",
        "no file of this machine, and only such are moved",
    )
    assert gallery.apply(plan).removed == ()
    assert tar.read_bytes() == bytes_before
    assert (tmp_path / "photos/1.png").is_file()


def test_a_member_that_is_gone_says_so(gallery: Gallery, tmp_path: Path) -> None:
    tar = shard(tmp_path / "a.tar", 1, 2)
    gallery.index(tar)
    file = next(iter(gallery.files()))
    tar.unlink()
    fresh = Gallery(gallery.path, source=FakeSource())
    from imgsearch.sources import finding

    finding._source.cache_clear()
    with pytest.raises(NotThereError, match="no such tar"):
        fresh.image(file.content)
