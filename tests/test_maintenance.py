"""Looking after a gallery: what is said of it, what is taken out, where it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, write_picture

from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.search.cache_files import cache_files
from imgsearch.vectors.projection_choice import MINIMUM_COUNT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def indexed(gallery: Gallery, photos: Path) -> Gallery:
    """Return a gallery of the twelve photos."""
    gallery.index(photos)
    return gallery


def paths_in(gallery: Gallery, photos: Path) -> set[Path]:
    """Return the paths that the gallery answers with."""
    matches = gallery.query(min(photos.rglob("*.png")), k=1000, include_self=True)
    return {match.path for match in matches}


@pytest.mark.parametrize(
    "call",
    [
        lambda gallery, _: gallery.information(),
        lambda gallery, _: list(gallery.unreadable()),
        lambda gallery, folder: gallery.remove(folder),
        lambda gallery, _: gallery.prune(),
        lambda gallery, _: gallery.check(),
        lambda gallery, _: gallery.check(repair=True),
        lambda gallery, folder: gallery.relocate(folder, folder / "b"),
        lambda gallery, folder: gallery.export(folder / "export"),
        lambda gallery, folder: gallery.query(folder / "a.png"),
        lambda gallery, _: gallery.index(),
    ],
)
def test_without_a_gallery_everything_says_so_and_makes_none(
    gallery: Gallery, tmp_path: Path, call: Callable[[Gallery, Path], object]
) -> None:
    with pytest.raises(NoGalleryError, match="imgsearch index FOLDER"):
        call(gallery, tmp_path)
    assert not gallery.path.exists()


def test_information_counts_everything(indexed: Gallery, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"x")
    (photos / "copy.png").write_bytes((photos / "trip0/00.png").read_bytes())
    (photos / "trip1/01.png").unlink()
    write_picture(tmp_path / "other/a.png", seed=50)
    indexed.index(photos, options=IndexOptions(exclude=("*.tmp",)))
    indexed.index(tmp_path / "other")
    (tmp_path / "other").rename(tmp_path / "gone")
    about = indexed.information()
    assert (about.files, about.contents, about.unreadable, about.orphans) == (14, 12, 1, 1)
    assert about.bytes > 0
    assert [(root.path.name, root.online, root.files, root.exclude) for root in about.roots] == [
        ("other", False, 1, ()),
        ("photos", True, 13, ("*.tmp",)),
    ]
    (recipe,) = about.recipes
    assert (recipe.primary, recipe.embeddings, recipe.cache) == (True, 13, "fresh")
    assert (recipe.projection, recipe.projection_dim) == ("none", None)


def test_information_says_how_the_cache_is(indexed: Gallery) -> None:
    (cache,) = cache_files(indexed.path)
    data = cache.path.read_bytes()
    cache.path.write_bytes(data[:-1])
    assert indexed.information().recipes[0].cache == "damaged"
    cache.path.unlink()
    assert indexed.information().recipes[0].cache == "absent"
    older = cache.path.with_name(cache.path.name.replace("-1.faiss", "-0.faiss"))
    older.write_bytes(data)
    assert indexed.information().recipes[0].cache == "stale"


def test_files_folders_and_roots_can_be_removed_and_the_photos_stay(
    indexed: Gallery, photos: Path
) -> None:
    report = indexed.remove(photos / "trip0/00.png", photos / "trip1")
    assert (report.files, report.contents) == (5, 5)
    assert len(paths_in(indexed, photos)) == 7
    assert len(list(photos.rglob("*.png"))) == 12
    assert indexed.check().findings == ()
    report = indexed.remove(photos.parent)
    assert (report.files, report.contents) == (7, 7)
    assert indexed.information().roots == ()
    assert indexed.check().findings == ()
    indexed.index(photos)
    assert len(paths_in(indexed, photos)) == 12


def test_a_content_that_another_file_holds_stays(indexed: Gallery, photos: Path) -> None:
    (photos / "copy.png").write_bytes((photos / "trip0/00.png").read_bytes())
    indexed.index(photos)
    assert indexed.remove(photos / "trip0/00.png").contents == 0
    assert photos / "copy.png" in paths_in(indexed, photos)


def test_removing_one_file_spares_contents_that_wait_for_their_files_return(
    indexed: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    (photos / "trip1").rename(tmp_path / "elsewhere")
    indexed.index(photos)
    report = indexed.remove(photos / "trip0/00.png")
    assert (report.files, report.contents) == (1, 1)
    assert indexed.information().orphans == 4
    (tmp_path / "elsewhere").rename(photos / "trip1")
    indexed.index(photos / "trip1")
    assert source.embedded == 12


def test_removing_what_is_not_there_is_refused_and_removes_nothing(
    indexed: Gallery, photos: Path
) -> None:
    with pytest.raises(UsageError, match=r"none\.png: the gallery has nothing there"):
        indexed.remove(photos / "trip1", photos / "none.png")
    assert indexed.information().files == 12


def test_pruning_drops_what_no_file_holds_and_keeps_answers(indexed: Gallery, photos: Path) -> None:
    for path in (photos / "trip0").iterdir():
        path.unlink()
    indexed.index(photos)
    query = photos / "trip1/01.png"
    before = indexed.query(query, k=100)
    (indexed.path / ".index-x.faiss.ab.tmp").write_bytes(b"cut off")
    (indexed.path / "index-0123456789ab-7.faiss").write_bytes(b"of a recipe that is gone")
    report = indexed.prune()
    assert (report.contents, report.caches) == (4, 2)
    assert indexed.query(query, k=100) == before
    assert indexed.information().orphans == 0
    assert indexed.check().findings == ()
    assert (indexed.prune().contents, indexed.prune().caches) == (0, 0)


def test_pruning_does_not_refit_the_projection(gallery: Gallery, tmp_path: Path) -> None:
    """A few photos less are no reason for other scores."""
    folder = tmp_path / "many"
    for number in range(MINIMUM_COUNT + 3):
        write_picture(folder / f"{number:03}.png", seed=number, side=4)
    gallery.index(folder)
    version = gallery.information().recipes[0].projection
    assert version != "none"
    (folder / "000.png").unlink()
    gallery.index()
    before = gallery.query(folder / "100.png", k=30)
    gallery.prune()
    assert gallery.information().recipes[0].projection == version
    assert gallery.query(folder / "100.png", k=30) == before
    with Gallery(gallery.path, source=FakeSource()) as again:
        assert again.query(folder / "100.png", k=30) == before


def test_pruning_gives_the_space_back(gallery: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(600):
        write_picture(folder / f"{number:03}.png", seed=number, side=4)
    gallery.index(folder)
    for path in sorted(folder.iterdir())[10:]:
        path.unlink()
    gallery.index()
    report = gallery.prune()
    assert report.contents == 590
    assert report.bytes_freed > 590 * 48 * 4


def test_a_relocated_root_computes_nothing_and_answers_with_its_new_paths(
    indexed: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    photos.rename(tmp_path / "moved")
    report = indexed.relocate(photos, tmp_path / "moved")
    assert (report.root, report.files, report.found) == (tmp_path / "moved", 12, 12)
    assert indexed.index().unchanged == 12
    assert source.embedded == 12
    assert paths_in(indexed, tmp_path / "moved") == set((tmp_path / "moved").rglob("*.png"))


def test_a_relocation_may_run_ahead_of_the_disk(
    indexed: Gallery, photos: Path, tmp_path: Path
) -> None:
    report = indexed.relocate(photos, tmp_path / "soon")
    assert (report.files, report.found) == (12, 0)
    assert indexed.index().offline == 12
    photos.rename(tmp_path / "soon")
    assert indexed.index().unchanged == 12


def test_a_folder_above_several_roots_moves_them_all(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos / "trip0", photos / "trip1")
    photos.rename(tmp_path / "moved")
    assert gallery.relocate(photos, tmp_path / "moved").found == 8
    assert gallery.index().unchanged == 8


def test_a_root_can_move_into_itself_or_out_again(
    indexed: Gallery, photos: Path, tmp_path: Path
) -> None:
    photos.rename(tmp_path / "tmp")
    photos.mkdir()
    (tmp_path / "tmp").rename(photos / "old")
    assert indexed.relocate(photos, photos / "old").found == 12
    assert indexed.relocate(photos / "old", photos).found == 0


@pytest.mark.parametrize("new", ["photos/trip1", "photos/trip1/x", "photos", "."])
def test_a_root_cannot_move_into_or_over_another(
    gallery: Gallery, photos: Path, tmp_path: Path, new: str
) -> None:
    write_picture(tmp_path / "other/a.png", seed=50)
    gallery.index(tmp_path / "other", photos / "trip1", photos / "trip2")
    with pytest.raises(UsageError, match="overlaps"):
        gallery.relocate(tmp_path / "other", tmp_path / new)
    assert {root.path.name for root in gallery.information().roots} == {"other", "trip1", "trip2"}


def test_a_root_can_move_beside_single_files(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    """A root of single files claims nothing of the folders in it."""
    write_picture(tmp_path / "single.png", seed=50)
    gallery.index(tmp_path / "single.png", photos)
    photos.rename(tmp_path / "moved")
    assert gallery.relocate(photos, tmp_path / "moved").found == 12


def test_a_folder_that_is_no_root_cannot_be_relocated(indexed: Gallery, photos: Path) -> None:
    with pytest.raises(UsageError, match="its folders are"):
        indexed.relocate(photos / "trip1", photos / "trip7")


def test_a_roots_new_place_may_be_anothers_old_one(gallery: Gallery, tmp_path: Path) -> None:
    write_picture(tmp_path / "x/a/1.png", seed=1)
    write_picture(tmp_path / "x/sub/a/2.png", seed=2)
    gallery.index(tmp_path / "x/a", tmp_path / "x/sub/a")
    (tmp_path / "x").rename(tmp_path / "y")
    (tmp_path / "x").mkdir()
    (tmp_path / "y").rename(tmp_path / "x/sub")
    assert gallery.relocate(tmp_path / "x", tmp_path / "x/sub").found == 2
    assert gallery.index().unchanged == 2
