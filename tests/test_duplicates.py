"""Groups of duplicates in a gallery: found, told apart by kind, whatever came first."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource
from PIL import Image, ImageOps
from scenes import cropped, save, scene

from imgsearch import Gallery
from imgsearch.duplicates.groups import Kind
from imgsearch.errors import UsageError
from imgsearch.storage.database import Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.duplicates.groups import Group


@pytest.fixture(autouse=True)
def _few_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate on three pictures only: its edits take most of a test's time."""
    monkeypatch.setattr("imgsearch.duplicates.calibrating.EDITED", 3)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return a folder of six different pictures, and five made of the first two."""
    folder = tmp_path / "album"
    for seed in range(6):
        save(scene(seed), folder / f"{seed}.png")
    save(scene(0).resize((120, 90)), folder / "small.jpg")
    save(ImageOps.mirror(scene(0)), folder / "mirrored.jpg")
    save(cropped(scene(1), 0.1, 0.1, 0.9, 0.8), folder / "cropped.jpg")
    save(scene(1).convert("L"), folder / "grey.jpg")
    shutil.copy(folder / "1.png", folder / "twin.png")
    return folder


def told(groups: Iterable[Group]) -> dict[str, dict[str, str]]:
    """Return, by the keeper's name, the kinds of its members by theirs."""
    return {
        group.keeper.path.name: {
            member.file.path.name: member.evidence.kind.value for member in group.members
        }
        for group in groups
    }


FOUND = {
    "0.png": {"small.jpg": "copy", "mirrored.jpg": "edit"},
    "1.png": {"twin.png": "identical", "cropped.jpg": "edit", "grey.jpg": "edit"},
}


def test_every_picture_is_with_the_one_that_it_is_of(gallery: Gallery, album: Path) -> None:
    gallery.index(album)
    groups = gallery.duplicates()
    assert told(groups) == FOUND
    assert all(0.99 <= member.evidence.certainty <= 1 for g in groups for member in g.members)
    assert told(gallery.duplicates(kinds="copy")) == {"0.png": {"small.jpg": "copy"}}
    assert told(gallery.duplicates(kinds=[Kind.IDENTICAL])) == {"1.png": {"twin.png": "identical"}}


def test_the_groups_do_not_depend_on_what_was_indexed_first(tmp_path: Path, album: Path) -> None:
    one, other = (Gallery(tmp_path / f"{n}.gallery", source=FakeSource()) for n in "ab")
    one.index(album)
    for path in sorted(album.iterdir(), reverse=True):
        other.index(path)
    assert one.duplicates() == other.duplicates()


def test_a_rank_chooses_what_is_kept(gallery: Gallery, album: Path) -> None:
    gallery.index(album)
    groups = told(gallery.duplicates(rank=lambda file: file.width * file.height))
    assert groups["small.jpg"] == {"0.png": "copy", "mirrored.jpg": "edit"}


def test_filters_choose_among_what_is_looked_for(gallery: Gallery, album: Path) -> None:
    from imgsearch import Filters

    gallery.index(album)
    (album / "deep").mkdir()
    shutil.move(album / "small.jpg", album / "deep/small.jpg")
    gallery.index(album)
    assert told(gallery.duplicates(Filters(under=(album / "deep",)))) == {}
    assert told(gallery.duplicates(Filters(formats=("PNG",)))) == {
        "1.png": {"twin.png": "identical"}
    }


def test_what_similar_asks_for_is_given_only_then(gallery: Gallery, tmp_path: Path) -> None:
    for seed in range(3):
        image = Image.blend(scene(7), scene(seed), 0.45)
        save(image, tmp_path / f"photos/{seed}.png")
    gallery.index(tmp_path / "photos")
    assert gallery.duplicates() == []
    (group,) = gallery.duplicates(kinds=["similar"])
    assert {member.evidence.kind for member in group.members} == {Kind.SIMILAR}


def test_other_bytes_of_the_same_pixels_are_told_apart_from_copies(
    gallery: Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    save(scene(1), folder / "a.png")
    save(scene(1), folder / "b.bmp")
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "turned.png").parent.mkdir(exist_ok=True)
    scene(1).rotate(90, expand=True).save(folder / "turned.png", exif=exif)
    save(scene(1), folder / "c.jpg", quality=95)
    gallery.index(folder)
    (group,) = gallery.duplicates()
    assert told([group])[group.keeper.path.name] == {
        name: "copy" if name == "c.jpg" else "pixels"
        for name in {"a.png", "b.bmp", "turned.png", "c.jpg"} - {group.keeper.path.name}
    }


def moved(seed: int) -> Image.Image:
    """Return a scene as another exposure has it: shifted, and with a part that moved."""
    image = cropped(scene(seed), 0.04, 0.03, 1, 1)
    part = image.crop((20, 20, 80, 80))
    image.paste(part, (34, 26))
    return image


def test_exposures_moments_apart_are_a_burst_and_not_copies(
    gallery: Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    save(scene(1), folder / "a.jpg", taken="2024:05:01 12:00:00", camera="Pomelo 9")
    save(moved(1), folder / "b.jpg", taken="2024:05:01 12:00:02", camera="Pomelo 9")
    save(scene(2), folder / "c.jpg", taken="2024:05:01 12:00:03", camera="Pomelo 9")
    save(scene(1), folder / "d.jpg", taken="2024:05:01 12:00:00", camera="Pomelo 9", quality=60)
    gallery.index(folder)
    assert told(gallery.duplicates()) == {"a.jpg": {"b.jpg": "burst", "d.jpg": "copy"}}


def test_a_raw_beside_its_picture_is_a_companion_and_not_a_duplicate(
    gallery: Gallery, album: Path
) -> None:
    save(scene(0).resize((200, 150)), album / "0-edited.png")
    (album / "0.NEF").write_bytes(b"not read")
    gallery.index(album)
    group = next(g for g in gallery.duplicates() if g.keeper.path.name == "0.png")
    assert told([group]) == {"0.png": FOUND["0.png"]}
    assert [(c.path.name, c.of.name) for c in group.companions] == [
        ("0-edited.png", "0.png"),
        ("0.NEF", "0.png"),
    ]


def test_names_of_one_file_on_disk_are_no_duplicates(gallery: Gallery, photos: Path) -> None:
    first = photos / "trip0/00.png"
    os.link(first, photos / "trip1/linked.png")
    gallery.index(photos)
    assert gallery.duplicates(kinds=[Kind.IDENTICAL]) == []
    shutil.copy(first, photos / "trip2/copy.png")
    gallery.index()
    (group,) = gallery.duplicates(kinds=[Kind.IDENTICAL])
    assert group.keeper_names == (photos / "trip1/linked.png",)
    assert [member.file.path for member in group.members] == [photos / "trip2/copy.png"]


def test_what_is_not_the_same_is_remembered_by_content(gallery: Gallery, album: Path) -> None:
    gallery.index(album)
    gallery.duplicates()
    assert gallery.not_the_same(album / "0.png", album / "small.jpg")
    assert not gallery.not_the_same(album / "small.jpg", album / "0.png")
    shutil.move(album / "small.jpg", album / "tiny.jpg")
    gallery.index(album)
    assert told(gallery.duplicates())["0.png"] == {"mirrored.jpg": "edit"}
    assert gallery.not_the_same(album / "0.png", album / "tiny.jpg", take_back=True)
    assert told(gallery.duplicates())["0.png"] == {"tiny.jpg": "copy", "mirrored.jpg": "edit"}
    for one, other in (("0.png", "nowhere.png"), ("1.png", "twin.png")):
        with pytest.raises(UsageError):
            gallery.not_the_same(album / one, album / other)


def test_new_pictures_are_recognised_and_nothing_is_added(
    gallery: Gallery, album: Path, tmp_path: Path
) -> None:
    gallery.index(album)
    before = gallery.information().files
    card = tmp_path / "card"
    save(ImageOps.mirror(scene(3)), card / "m.jpg")
    save(scene(20), card / "unknown.jpg")
    shutil.copy(album / "4.png", card / "same.png")
    (card / "broken.jpg").write_bytes(b"no picture")
    failed: list[str] = []
    save(scene(5), card / "other.bmp")
    groups = gallery.already_held(card, failed=lambda path, _: failed.append(path.name))
    assert told(groups) == {
        "3.png": {"m.jpg": "edit"},
        "4.png": {"same.png": "identical"},
        "5.png": {"other.bmp": "pixels"},
    }
    assert failed == ["broken.jpg"]
    assert gallery.information().files == before
    with pytest.raises(UsageError, match="no such file"):
        gallery.already_held(tmp_path / "nowhere")


def test_leaks_are_pairs_across_two_folders_only(gallery: Gallery, tmp_path: Path) -> None:
    train, test = tmp_path / "data/train", tmp_path / "data/test"
    save(scene(1), train / "a.png")
    save(scene(1).resize((120, 90)), train / "a-small.jpg")
    save(ImageOps.mirror(scene(1)), test / "b.jpg")
    save(scene(2), test / "c.png")
    save(scene(2).resize((120, 90)), test / "c-small.jpg")
    save(scene(3), test / "d.png")
    shutil.copy(test / "d.png", train / "d.png")
    gallery.index(tmp_path / "data")
    groups = gallery.duplicates(between=(train, test))
    assert told(groups) == {"a.png": {"b.jpg": "edit"}, "d.png": {"d.png": "identical"}}
    assert {group.keeper.path.parent for group in groups} == {train}
    with pytest.raises(UsageError, match="within each other"):
        gallery.duplicates(between=(tmp_path / "data", test))


def test_an_older_gallery_gets_its_fingerprints_without_embedding_anything(
    tmp_path: Path, photos: Path
) -> None:
    folder = tmp_path / "test.gallery"
    Gallery(folder, source=FakeSource()).index(photos)
    with closing(sqlite3.connect(folder / "gallery.db")) as database, database:
        made = database.execute("SELECT * FROM fingerprint ORDER BY content_id").fetchall()
        database.execute("DELETE FROM fingerprint WHERE content_id % 2")
        database.execute("UPDATE fingerprint SET version = 0, rendering = x''")
    assert len(made) == 12
    source = FakeSource()
    Gallery(folder, source=source).index()
    assert source.embedded == 0
    with closing(sqlite3.connect(folder / "gallery.db")) as database:
        again = database.execute("SELECT * FROM fingerprint ORDER BY content_id").fetchall()
    assert again == made


def test_files_that_changed_or_went_since_are_left_out_and_that_is_said(
    gallery: Gallery, album: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever removes by the list would else remove the last file of a content."""
    gallery.index(album)
    (album / "1.png").unlink()
    shutil.copy(album / "5.png", album / "mirrored.jpg")
    found = told(gallery.duplicates())
    assert found == {
        "0.png": {"small.jpg": "copy"},
        "twin.png": {"cropped.jpg": "edit", "grey.jpg": "edit"},
    }
    assert "2 files changed or went since the last `imgsearch index`" in caplog.text
    album.rename(album.with_name("unplugged"))
    assert told(gallery.duplicates()) == FOUND, "what is offline counts as it was"


def test_a_gallery_without_fingerprints_still_finds_equal_bytes(
    gallery: Gallery, album: Path, said: list[str]
) -> None:
    """Galleries made before fingerprints were kept have none until `index` runs again."""
    gallery.index(album)
    with closing(sqlite3.connect(gallery.path / "gallery.db")) as database, database:
        database.execute("DELETE FROM fingerprint")
    found = {"1.png": {"twin.png": "identical"}}
    assert told(gallery.duplicates(kinds="identical")) == found
    assert not any(line.startswith("calibrating") for line in said)
    assert told(gallery.duplicates()) == found
    held = gallery.query(album / "1.png", include_self=True)
    assert gallery.with_kinds(album / "1.png", held)[0].kind == Kind.IDENTICAL
    album.rename(album.with_name("unplugged"))
    (kept,) = [m for m in gallery.with_kinds(album / "1.png", held) if m.kind is not None]
    assert kept.kind == Kind.IDENTICAL


def test_the_calibration_is_made_once_and_again_when_the_gallery_has_grown(
    gallery: Gallery, album: Path, said: list[str]
) -> None:
    def calibrated() -> int:
        return sum(line.startswith("calibrating") for line in said)

    gallery.index(album)
    gallery.duplicates()
    gallery.duplicates(precision=0.9)
    assert calibrated() == 1
    with closing(Store.open(gallery.path)) as store:
        assert (store.calibrated_at(1) or "").endswith("Z")
    for seed in range(30, 40):
        save(scene(seed), album / f"more/{seed}.png")
    gallery.index()
    gallery.duplicates()
    assert calibrated() == 2


@pytest.mark.parametrize("precision", [0, 1, "high", True, -0.5])
def test_a_precision_is_a_share(gallery: Gallery, precision: object) -> None:
    with pytest.raises(UsageError, match="precision"):
        gallery.duplicates(precision=precision)  # type: ignore[arg-type]


def test_a_kind_that_is_none_is_refused(gallery: Gallery) -> None:
    with pytest.raises(UsageError, match="choose from identical"):
        gallery.duplicates(kinds=["twin"])
