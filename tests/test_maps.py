"""The map of a gallery: deterministic, kept, grown without moving what is there, never believed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, silently, write_picture
from PIL import Image

from imgsearch.errors import ImgsearchError, MissingExtraError, NoGalleryError, UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.maps import layout, map_cache
from imgsearch.maps.gallery_map import MapAge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch.maps.gallery_map import GalleryMap
    from imgsearch.maps.layout import MapMethod

METHODS: tuple[MapMethod, ...] = layout.METHODS


@pytest.fixture
def indexed(gallery: Gallery, photos: Path) -> Iterator[Gallery]:
    """Return a gallery of twelve pictures."""
    with gallery:
        gallery.index(photos)
        yield gallery


def places(drawn: GalleryMap | None) -> dict[str, tuple[float, float]]:
    """Return where each content lies."""
    assert drawn is not None
    return {
        content.tobytes().hex(): (float(x), float(y))
        for content, (x, y) in zip(drawn.contents, drawn.positions, strict=True)
    }


def map_file(gallery: Gallery) -> Path:
    """Return the one map that is kept."""
    (kept,) = map_cache.kept_maps(gallery.path)
    return kept.path


@pytest.mark.parametrize("method", METHODS)
def test_every_picture_has_a_place_and_a_cluster(indexed: Gallery, method: MapMethod) -> None:
    report = indexed.draw_map(method=method)
    drawn = report.map
    assert drawn is not None
    assert (report.anew, report.placed, len(drawn), drawn.method) == (True, 12, 12, method)
    assert [one.tobytes().hex() for one in drawn.contents] == indexed.embeddings()[0]
    assert np.hypot(*drawn.positions.T).max() < 1
    assert len(np.unique(drawn.positions, axis=0)) == 12
    assert sum(cluster.size for cluster in drawn.clusters) == 12
    assert np.bincount(drawn.cluster_of).tolist() == [one.size for one in drawn.clusters]
    for place, cluster in enumerate(drawn.clusters):
        members = {content.tobytes().hex() for content in drawn.contents[drawn.cluster_of == place]}
        assert set(cluster.central) == members  # all of them, as there are few
    assert drawn.file == map_file(indexed)
    assert report.bytes == drawn.file.stat().st_size


@pytest.mark.parametrize("method", METHODS)
def test_the_map_does_not_depend_on_the_order_in_which_pictures_came(
    indexed: Gallery, photos: Path, tmp_path: Path, method: MapMethod
) -> None:
    with Gallery(tmp_path / "other.gallery", source=FakeSource()) as other:
        for trip in ("trip2", "trip0", "trip1"):
            other.index(photos / trip)
        mine, theirs = (one.draw_map(method=method).map for one in (indexed, other))
    assert places(mine) == places(theirs)
    assert mine is not None
    assert theirs is not None
    assert mine.clusters == theirs.clusters
    assert np.array_equal(mine.levels, theirs.levels)


@pytest.mark.parametrize("method", METHODS)
def test_new_pictures_are_placed_without_moving_what_is_there_and_old_ones_vanish(
    indexed: Gallery, photos: Path, method: MapMethod
) -> None:
    before = places(indexed.draw_map(method=method).map)
    for seed in range(50, 55):
        write_picture(photos / f"new/{seed}.png", seed=seed)
    gone = photos / "trip0/00.png"
    gone.unlink()
    indexed.index(photos)

    looked_at = silently(indexed.map)
    assert len(looked_at) == 16
    assert looked_at.age == MapAge(drawn=12, added=5, removed=1, strangers=looked_at.age.strangers)
    stayed = {content: place for content, place in places(looked_at).items() if content in before}
    assert len(stayed) == 11
    assert stayed.items() <= before.items()

    report = indexed.draw_map()
    assert (report.anew, report.placed) == (False, 5)
    assert places(report.map) == places(looked_at)
    again = indexed.draw_map()
    assert (again.anew, again.placed) == (False, 0)
    assert places(again.map) == places(looked_at)


def test_a_picture_that_comes_back_lies_where_it_lay(indexed: Gallery, photos: Path) -> None:
    before = places(indexed.draw_map(method="tsne").map)
    away = photos.parent / "away.png"
    (photos / "trip1/01.png").rename(away)
    indexed.index(photos)
    assert len(indexed.map()) == 11
    away.rename(photos / "trip1/back.png")
    indexed.index(photos)
    assert places(indexed.map()) == before


def test_pictures_of_an_unplugged_drive_stay_where_they_are_and_are_marked(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos / "trip0", photos / "trip1")
    shutil.copy(photos / "trip0/00.png", photos / "trip1/copy.png")
    gallery.index()
    before = gallery.draw_map().map
    assert before is not None
    assert not before.offline.any()
    (photos / "trip0").rename(tmp_path / "unplugged")
    after = gallery.map()
    assert places(after) == places(before)
    assert int(after.offline.sum()) == 3  # of four, one of which lies elsewhere too


def test_the_map_keeps_its_projection_when_the_gallery_is_fitted_anew(
    indexed: Gallery, photos: Path
) -> None:
    """A gallery of twelve has none; with 240 more it is searched through one."""
    before = places(indexed.draw_map(method="tsne").map)
    for seed in range(100, 340):
        write_picture(photos / f"more/{seed}.png", seed=seed, side=4)
    indexed.index(photos)
    assert indexed.information().recipes[0].projection != "none"
    looked_at = indexed.map()
    assert len(looked_at) == 252
    assert before.items() <= places(looked_at).items()
    assert looked_at.age.outgrown
    anew = indexed.draw_map(anew=True)
    assert anew.anew
    assert anew.map is not None
    assert anew.map.age == MapAge(drawn=252, added=0, removed=0, strangers=0)


@pytest.mark.parametrize(
    ("age", "outgrown"),
    [
        (MapAge(drawn=100, added=0, removed=0, strangers=0), False),
        (MapAge(drawn=100, added=40, removed=10, strangers=0), False),
        (MapAge(drawn=100, added=40, removed=11, strangers=0), True),
        (MapAge(drawn=1000, added=30, removed=0, strangers=20), False),  # 20 of 1,030 are 1.9 %
        (MapAge(drawn=1000, added=30, removed=0, strangers=21), True),
        (MapAge(drawn=100, added=9, removed=0, strangers=9), False),  # a handful is not many
        (MapAge(drawn=0, added=0, removed=0, strangers=0), False),
    ],
)
def test_a_new_map_is_advised_when_much_has_changed_or_looks_like_nothing_on_it(
    age: MapAge,
    outgrown: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    assert age.outgrown == outgrown


def test_pictures_that_look_like_nothing_on_the_map_are_counted(
    gallery: Gallery, tmp_path: Path
) -> None:
    """Forty are nearly black, one as near to black as these, three are in bright colours."""
    chance = np.random.default_rng(0)

    def dark(name: str) -> None:
        colours = chance.integers(0, 30, (4, 4, 3), dtype=np.uint8)
        path = tmp_path / f"photos/{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(colours).resize((16, 16), Image.Resampling.NEAREST).save(path)

    for number in range(40):
        dark(str(number))
    gallery.index(tmp_path / "photos")
    gallery.draw_map()
    dark("another")
    gallery.index()
    assert gallery.map().age == MapAge(drawn=40, added=1, removed=0, strangers=0)
    for seed in range(3):
        Image.new("RGB", (16, 16), ("red", "blue", "lime")[seed]).save(
            tmp_path / f"photos/bright{seed}.png"
        )
    gallery.index()
    assert gallery.map().age == MapAge(drawn=40, added=4, removed=0, strangers=3)


def test_without_a_map_the_linear_one_is_shown_and_nothing_written(indexed: Gallery) -> None:
    shown = indexed.map()
    assert (shown.method, shown.file, len(shown)) == ("pca", None, 12)
    assert map_cache.kept_maps(indexed.path) == []
    drawn = indexed.draw_map(method="pca").map
    assert places(drawn) == places(shown)


def test_another_method_draws_anew_and_replaces_what_is_kept(indexed: Gallery) -> None:
    indexed.draw_map(method="pca")
    report = indexed.draw_map(method="tsne")
    assert report.anew
    assert report.map is not None
    assert indexed.map().method == "tsne"
    assert map_file(indexed) == report.map.file
    assert indexed.map(method="pca").file is None
    assert indexed.draw_map(anew=True).map is not None
    assert indexed.map().method == "tsne"


def test_a_map_by_neighbours_is_grown_without_the_extra(
    indexed: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed.draw_map(method="tsne")
    write_picture(photos / "new.png", seed=77)
    indexed.index(photos)
    monkeypatch.setattr(layout, "has_tsne", lambda: False)
    assert indexed.draw_map().placed == 1
    with pytest.raises(MissingExtraError, match="pip install openTSNE"):
        indexed.draw_map(anew=True)
    assert indexed.map().method == "tsne"


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_map_is_named_and_never_believed(
    indexed: Gallery, method: MapMethod, said: list[str]
) -> None:
    indexed.draw_map(method=method)
    path = map_file(indexed)
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 40).astype(int):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        assert indexed.map().file is None, place
    path.write_bytes(whole[:-1])
    assert indexed.map().file is None
    assert all(line.endswith("; `imgsearch map` draws it again") for line in said)
    assert all(str(path) in line for line in said)
    assert len(said) == 41

    (finding,) = indexed.check().findings
    assert (finding.severity, finding.repairable) == ("cache", True)
    assert indexed.check(repair=True).clean
    assert not path.exists()
    assert indexed.check().findings == ()
    assert indexed.draw_map(method=method).anew


def test_a_whole_map_survives_a_repair_of_something_else(indexed: Gallery) -> None:
    drawn = indexed.draw_map().map
    next(indexed.path.glob("index-*.faiss")).write_bytes(b"damaged")
    assert indexed.check(repair=True).clean
    assert places(indexed.map()) == places(drawn)
    assert indexed.map().file is not None


def test_a_map_of_another_gallery_is_refused(
    indexed: Gallery, photos: Path, tmp_path: Path, said: list[str]
) -> None:
    drawn = indexed.draw_map().map
    with Gallery(tmp_path / "other.gallery", source=FakeSource()) as other:
        other.index(photos)
        kept = map_file(indexed)
        shutil.copy(kept, other.path / kept.name)
        assert other.map().file is None
    assert "belongs to another gallery" in said[-1]
    assert places(indexed.map()) == places(drawn)


def test_a_map_that_is_newer_than_a_restored_database_is_refused(
    indexed: Gallery, photos: Path, tmp_path: Path, said: list[str]
) -> None:
    indexed.close()
    shutil.copy(indexed.path / "gallery.db", tmp_path / "copy.db")
    write_picture(photos / "new.png", seed=77)
    indexed.index(photos)
    indexed.draw_map()
    indexed.close()
    for left in indexed.path.glob("gallery.db*"):
        left.unlink()
    shutil.copy(tmp_path / "copy.db", indexed.path / "gallery.db")
    assert indexed.map().file is None
    assert any("is newer" in line and "`imgsearch map` draws it again" in line for line in said)


def test_pruning_leaves_the_newest_map_of_each_recipe(indexed: Gallery) -> None:
    indexed.draw_map()
    path = map_file(indexed)
    recipe = path.name.split("-")[1]
    older = path.with_name(f"map-{recipe}-0.map")
    unknown = path.with_name(f"map-{'0' * 12}-7.map")
    unfinished = path.with_name(f".{path.name}.00.tmp")
    for left in (older, unknown, unfinished):
        left.write_bytes(b"")
    notes = [finding.what for finding in indexed.check().findings]
    assert len(notes) == 3
    assert indexed.check().clean
    assert indexed.prune().caches == 3
    assert map_file(indexed) == path
    assert not unfinished.exists()


def test_a_map_that_is_stopped_leaves_all_as_it_was(indexed: Gallery, photos: Path) -> None:
    before = places(indexed.draw_map().map)
    write_picture(photos / "new.png", seed=77)
    indexed.index(photos)
    for anew in (False, True):
        report = indexed.draw_map(anew=anew, stop=lambda: True)
        assert report.interrupted
        assert (report.placed, report.bytes) == (0, 0)
    assert before.items() <= places(indexed.map()).items()
    assert indexed.map().age.added == 1


def test_progress_goes_through_the_stages(indexed: Gallery) -> None:
    stages: list[str] = []
    indexed.draw_map(method="tsne", progress=lambda told: stages.append(told.stage))
    assert list(dict.fromkeys(stages)) == ["read", "layout", "place"]


def test_each_recipe_has_a_map_of_its_own(photos: Path, tmp_path: Path) -> None:
    for recipe in ("fake-1", "fake-2"):
        with Gallery(tmp_path / "gallery", source=FakeSource(), recipe=recipe) as gallery:
            gallery.index(photos)
            assert gallery.draw_map().anew
    assert len(map_cache.kept_maps(tmp_path / "gallery")) == 2


def test_a_gallery_without_a_readable_picture_has_an_empty_map(
    gallery: Gallery, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/broken.png").write_bytes(b"no picture")
    gallery.index(tmp_path / "photos")
    for method in METHODS:
        drawn = gallery.draw_map(method=method).map
        assert drawn is not None
        assert (len(drawn), drawn.clusters) == (0, ())
        assert len(gallery.map()) == 0


def test_what_cannot_be_mapped_is_refused(tmp_path: Path, indexed: Gallery) -> None:
    with pytest.raises(NoGalleryError):
        Gallery(tmp_path / "none").map()
    with pytest.raises(UsageError, match="'umap' is none of pca, tsne"):
        indexed.draw_map(method="umap")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'umap' is none of pca, tsne"):
        indexed.map(method="umap")  # type: ignore[arg-type]


def test_a_map_that_cannot_be_written_is_an_error_that_says_so(
    indexed: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "here.map")

    monkeypatch.setattr(map_cache.map_file, "save", full)
    with pytest.raises(ImgsearchError, match=r"here.map: the map could not be kept \(No space"):
        indexed.draw_map()
