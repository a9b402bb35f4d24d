"""Parts of pictures are made, kept, and found."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from region_fakes import HistogramSource, scene, thing, write_scenes

from imgsearch import CropBox, Expansion, Filters, Gallery, IndexOptions, RecipeRequest, Words
from imgsearch.errors import UsageError
from imgsearch.regions import making, space
from imgsearch.regions.answering import pixel_box
from imgsearch.regions.codes import decode, encode
from imgsearch.regions.layout import REGIONS, region_boxes
from imgsearch.regions.pooling import box_means
from imgsearch.regions.refining import best_box
from imgsearch.search.query_inputs import Weighted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.recipe import Resize
    from imgsearch.search.matches import Match

WITH = IndexOptions(regions=True)


@pytest.fixture
def source() -> HistogramSource:
    """Return a source of networks that tell colours apart wherever they are."""
    return HistogramSource()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of twelve scenes, three of which hold a thing."""
    return write_scenes(tmp_path / "photos")


@pytest.fixture
def gallery(tmp_path: Path, source: HistogramSource, photos: Path) -> Gallery:
    """Return a gallery of these, with their regions."""
    gallery = Gallery(tmp_path / "gallery", source=source)
    assert gallery.index(photos, options=WITH).regions == 12
    return gallery


def ask(gallery: Gallery, number: int = 0, **options: object) -> list[Match]:
    """Return where a thing is found."""
    return gallery.query(np.array(thing(number)), anywhere=True, **options)  # type: ignore[arg-type]


def names(matches: list[Match]) -> list[str]:
    """Return the names of matches' files."""
    return [match.path.name for match in matches]


# From feature maps to codes


def test_the_mean_over_a_box_takes_places_by_the_area_that_it_covers() -> None:
    """Places of a 2 × 2 map are 1, 2, 3, 4 in channels of their own."""
    maps = np.diag([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 4)
    boxes = np.array([[0, 0, 1, 1], [0.5, 0, 1, 0.5], [0.25, 0, 0.75, 0.5], [0, 0, 0.75, 1]])
    means = box_means(maps, boxes)[0]
    for mean, sums in zip(
        means, [(1, 2, 3, 4), (0, 2, 0, 0), (1, 2, 0, 0), (1, 1, 3, 2)], strict=True
    ):
        np.testing.assert_allclose(mean, np.array(sums) / np.linalg.norm(sums), atol=1e-6)


def test_the_first_region_is_the_whole_and_all_lie_within() -> None:
    boxes = region_boxes()
    assert boxes.shape == (REGIONS, 4)
    assert boxes[0].tolist() == [0, 0, 1, 1]
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= 1 + 1e-9).all()
    # Every point lies in a region of each scale, so nothing is overlooked for where it is.
    for share in (0.6, 0.4, 0.3):
        some = boxes[np.isclose(boxes[:, 2] - boxes[:, 0], share)]
        for x, y in np.random.default_rng(0).random((50, 2)):
            within = (some[:, :2] <= (x, y)) & (some[:, 2:] >= (x, y))
            assert within.all(axis=1).any()


@given(
    arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 9)),
           elements=st.floats(-1, 1, width=32))
)  # fmt: skip
def test_codes_are_those_of_what_they_stand_for(vectors: NDArray[np.float32]) -> None:
    codes = encode(vectors)
    assert codes.shape == (len(vectors), -(-vectors.shape[1] // 2))
    np.testing.assert_array_equal(encode(decode(codes, vectors.shape[1])), codes)


def test_codes_hardly_turn_a_vector() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (decode(encode(vectors), 128) * vectors).sum(axis=1)
    assert cosines.min() > 0.98


def test_the_closest_box_holds_what_exceeds_half_of_the_largest_likeness() -> None:
    """What stays below counts against it: -0.3 costs less than a place of 0.9 brings."""
    alike = np.full((4, 5), -0.1)
    alike[1, 1:4] = 1.0, 0.2, 0.9
    np.testing.assert_allclose(best_box(alike), [1 / 5, 1 / 4, 4 / 5, 2 / 4])
    alike[1, 2] = -0.5
    np.testing.assert_allclose(best_box(alike), [1 / 5, 1 / 4, 2 / 5, 2 / 4])


@pytest.mark.parametrize(
    ("resize", "box"),
    [("squash", (100, 50, 100, 50)), ("crop", (100, 50, 50, 50)), ("pad", (100, 50, 100, 50))],
)
def test_a_box_is_in_pixels_of_the_upright_image(
    resize: Resize, box: tuple[int, int, int, int]
) -> None:
    """The right lower quarter of what the network saw of 200 × 100 pixels."""
    assert pixel_box((200, 100), np.array([0.5, 0.5, 1, 1]), resize) == box


# What is found


def test_a_thing_is_found_in_the_scene_that_holds_it(gallery: Gallery) -> None:
    for number in range(3):
        match = ask(gallery, number, k=1)[0]
        assert match.path.name == f"{number:02}.png"
        (refined,) = gallery.refined([match], np.array(thing(number)))
        left, top, width, height = refined.box or (0, 0, 0, 0)
        assert (left, top, width, height) == (128, 32, 96, 96)
        assert replace(refined, box=match.box) == match


def test_a_crop_of_a_picture_is_found_in_another(gallery: Gallery, tmp_path: Path) -> None:
    path = tmp_path / "asked.png"
    scene(77, 1, at=(0, 160)).save(path)
    matches = gallery.query(path, crop=CropBox(0, 160, 96, 96), anywhere=True, k=3)
    assert matches[0].path.name == "01.png"


@pytest.mark.parametrize("resize", ["squash", "pad", "crop"])
def test_a_part_of_a_picture_of_the_gallery_finds_where_it_was_cut_from(
    tmp_path: Path, source: HistogramSource, resize: Resize
) -> None:
    """It is seen where it is, so it is its own region but for the codes' rounding."""
    folder = tmp_path / "wide"
    folder.mkdir()
    for number in range(12):
        wide = Image.new("RGB", (320, 256), (250, 250, 250))
        wide.paste(scene(number), (32, 0))
        wide.save(folder / f"{number:02}.png")
    request = RecipeRequest(backbone="x", resize=resize)
    gallery = Gallery(tmp_path / "wide.gallery", source=source, recipe=request)
    gallery.index(folder, options=WITH)
    for number in (4, 7):
        path = folder / f"{number:02}.png"
        crop = CropBox(30, 30, 40, 40, percent=True)
        found = gallery.query(path, crop=crop, anywhere=True, include_self=True, k=1)
        assert names(found) == [path.name]
        assert found[0].score > 0.75


def test_wholes_are_searched_too_and_score_as_without_parts(gallery: Gallery, photos: Path) -> None:
    plain = gallery.query(photos / "05.png", k=11)
    parts = gallery.query(photos / "05.png", k=11, anywhere=True)
    assert {match.box for match in plain} == {None}
    scores = {match.path: match.score for match in parts}
    assert all(scores[match.path] >= match.score for match in plain)
    copy = gallery.query((photos / "05.png").read_bytes(), k=1, anywhere=True, include_self=True)
    assert (copy[0].score, copy[0].box) == (1, (0, 0, 256, 256))


def test_there_are_k_matches_whatever_is_filtered(gallery: Gallery, photos: Path) -> None:
    (photos / "sub").mkdir()
    for number in range(20, 24):
        scene(number, 0 if number == 23 else None).save(photos / "sub" / f"{number}.png")
    gallery.index()
    for k in (1, 3, 4):
        found = ask(gallery, where=Filters(under=(photos / "sub",)), k=k)
        assert len(found) == k
        assert found[0].path.name == "23.png"
    assert len(ask(gallery, k=16)) == 16
    assert len(ask(gallery, k=100)) == 16
    scores = [match.score for match in ask(gallery, k=100)]
    assert scores == sorted(scores, reverse=True)
    least = scores[4]
    assert [m.score for m in ask(gallery, k=100, min_score=least)] == [
        score for score in scores if score >= least
    ]
    with pytest.raises(UsageError, match="k: 0"):
        ask(gallery, k=0)


def test_what_is_to_be_stayed_away_from_is_no_match(gallery: Gallery, photos: Path) -> None:
    found = ask(gallery, minus=photos / "00.png", k=12)
    assert "00.png" not in names(found)
    assert len(found) == 11
    heavy = gallery.query(
        Weighted(np.array(thing(0)), 0.01), Weighted(np.array(thing(1)), 1.0), anywhere=True, k=1
    )
    assert names(heavy) == ["01.png"]


# How they are kept


def test_later_runs_make_the_regions_of_what_is_new_and_of_nothing_else(
    gallery: Gallery, photos: Path, source: HistogramSource
) -> None:
    assert source.looked_at == 12
    (photos / "00.png").rename(photos / "renamed.png")
    scene(50, 7).save(photos / "new.png")
    report = gallery.index()
    assert (report.regions, source.looked_at) == (1, 13)
    assert names(ask(gallery, 0, k=1)) == ["renamed.png"]
    assert names(ask(gallery, 7, k=1)) == ["new.png"]
    (photos / "renamed.png").unlink()
    gallery.index()
    assert "renamed.png" not in names(ask(gallery, 0, k=20))
    gallery.prune()
    assert _rows(gallery) == 12
    assert gallery.check().clean


def test_a_run_that_is_stopped_goes_on_where_it_was(
    tmp_path: Path, source: HistogramSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "BATCH", 2)
    monkeypatch.setattr(making, "FITTED", 4)
    photos = write_scenes(tmp_path / "many", 14)
    gallery = Gallery(tmp_path / "gallery", source=source)
    gallery.index(photos)
    told: list[int] = []

    def stop() -> bool:
        return bool(told) and told[-1] >= 6

    report = gallery.index(
        options=WITH,
        progress=lambda at: told.append(at.done if at.stage == "regions" else 0),
        stop=stop,
    )
    assert 0 < report.regions < 14
    assert report.interrupted
    assert report.regions + gallery.index().regions == 14
    assert source.looked_at == 14
    assert _rows(gallery) == 14


def test_pictures_that_are_offline_wait_for_their_regions(
    gallery: Gallery, photos: Path, source: HistogramSource, said: list[str]
) -> None:
    gallery.index(options=IndexOptions(regions=False))
    away = photos.with_name("away")
    photos.rename(away)
    said.clear()
    assert gallery.index(options=WITH).regions == 0
    assert not any("parts each" in line for line in said)
    away.rename(photos)
    assert gallery.index(options=WITH).regions == 12
    assert source.looked_at == 24


def test_a_dry_run_says_what_regions_would_take_and_makes_none(
    tmp_path: Path, source: HistogramSource, photos: Path, said: list[str]
) -> None:
    gallery = Gallery(tmp_path / "dry", source=source)
    gallery.index(photos, options=IndexOptions(regions=True, dry_run=True))
    assert any("30 parts each of 12 pictures take about" in line for line in said)
    assert source.looked_at == 0


def test_a_projection_of_few_pictures_is_fitted_anew_when_there_are_twice_as_many(
    tmp_path: Path, source: HistogramSource
) -> None:
    gallery = Gallery(tmp_path / "gallery", source=source)
    gallery.index(write_scenes(tmp_path / "photos", 5), options=WITH)
    write_scenes(tmp_path / "photos", 9)
    assert gallery.index().regions == 4
    write_scenes(tmp_path / "photos", 10)
    assert gallery.index().regions == 10
    assert names(ask(gallery, 1, k=1)) == ["01.png"]


def test_answers_are_the_same_without_the_cache_with_an_old_one_and_with_a_damaged_one(
    gallery: Gallery, photos: Path
) -> None:
    (cache,) = gallery.path.glob("regions-*.faiss")
    old = cache.read_bytes()
    scene(60, 2).save(photos / "later.png")
    (photos / "04.png").unlink()
    gallery.index()
    expected = ask(gallery, 2, k=12)
    (current,) = gallery.path.glob("regions-*.faiss")
    assert current.name != cache.name
    for data, place in ((b"", None), (old, cache), (b"damaged" + old, current)):
        for path in gallery.path.glob("regions-*"):
            path.unlink()
        if place is not None:
            place.write_bytes(data)
        gallery.close()
        assert ask(gallery, 2, k=12) == expected


def test_an_approximate_index_finds_what_an_exact_one_does(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [ask(gallery, number, k=5) for number in range(3)]
    monkeypatch.setattr(space, "LEAST_COUNT", 100)
    scene(70).save(photos / "more.png")
    gallery.index()
    (photos / "more.png").unlink()
    gallery.index()
    gallery.close()
    assert list(gallery.path.glob("regions-*.lists"))
    assert gallery.check().clean
    assert [ask(gallery, number, k=5) for number in range(3)] == expected


def test_damage_is_found_and_mended(gallery: Gallery) -> None:
    expected = ask(gallery, k=5)
    gallery.close()
    with sqlite3.connect(gallery.path / "gallery.db") as database:
        database.execute("UPDATE region SET codes = zeroblob(length(codes)) WHERE id = 2")
    database.close()
    report = gallery.check()
    assert ["regions of 1 contents" in finding.what for finding in report.findings] == [True]
    assert not report.clean
    assert gallery.check(repair=True).clean
    assert _rows(gallery) == 11
    assert gallery.index().regions == 1
    assert gallery.check().findings == ()
    assert ask(gallery, k=5) == expected


def test_a_cache_that_nobody_needs_is_named_and_pruned(gallery: Gallery) -> None:
    (cache,) = gallery.path.glob("regions-*.faiss")
    stray = cache.with_name(f"{cache.stem[:-8]}00000000.faiss")
    stray.write_bytes(cache.read_bytes())
    assert [finding.what for finding in gallery.check().findings] == [
        f"{stray.name}: a cache of regions that is out of date"
    ]
    assert gallery.prune().caches == 1
    assert cache.is_file()
    assert not stray.exists()


def test_regions_can_be_dropped(gallery: Gallery) -> None:
    gallery.index(options=IndexOptions(regions=False))
    assert list(gallery.path.glob("regions-*")) == []
    assert gallery.index().regions == 0
    with pytest.raises(UsageError, match="imgsearch index --regions"):
        ask(gallery)


# What cannot be


def test_a_gallery_without_regions_says_what_to_type_and_what_it_costs(
    tmp_path: Path, source: HistogramSource, photos: Path
) -> None:
    gallery = Gallery(tmp_path / "plain", source=source)
    gallery.index(photos)
    with pytest.raises(UsageError, match=r"`imgsearch index --regions`.*12 pictures take about"):
        ask(gallery)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expand": Expansion(k=2)}, "leave out expand"),
        ({"minus": np.ones(64, np.float32)}, "no parts"),
        ({"minus": Words("people")}, "words stand for whole pictures"),
    ],
)
def test_what_does_not_go_with_parts_is_refused(
    gallery: Gallery, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ask(gallery, **options)


def test_parts_have_a_projection_of_their_own(
    gallery: Gallery, tmp_path: Path, source: HistogramSource
) -> None:
    assert gallery.path == tmp_path / "gallery"
    with pytest.raises(UsageError, match="leave out 'none'"):
        ask(Gallery(gallery.path, source=source, projection="none"))


def test_a_network_without_feature_maps_is_told(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery", source=FakeSource())
    gallery.index(write_picture(tmp_path / "one.png", seed=1))
    with pytest.raises(UsageError, match="gives no feature maps"):
        gallery.index(options=WITH)


def test_embeddings_that_are_no_means_are_told(
    tmp_path: Path, source: HistogramSource, photos: Path
) -> None:
    gallery = Gallery(
        tmp_path / "max", source=source, recipe=RecipeRequest(backbone="x", pooling="gmp")
    )
    with pytest.raises(UsageError, match="--pooling gap"):
        gallery.index(photos, options=WITH)


def test_pictures_that_nothing_tells_apart_have_no_regions(
    tmp_path: Path, source: HistogramSource, said: list[str]
) -> None:
    thing(0, side=6).resize((1, 1)).resize((64, 64)).save(tmp_path / "blank.png")
    gallery = Gallery(tmp_path / "gallery", source=source)
    assert gallery.index(tmp_path / "blank.png", options=WITH).regions == 0
    assert any("nothing tells the parts of these pictures apart" in line for line in said)


def _rows(gallery: Gallery) -> int:
    """Return how many contents have regions."""
    gallery.close()
    with sqlite3.connect(gallery.path / "gallery.db") as database:
        (count,) = database.execute("SELECT COUNT(*) FROM region").fetchone()
    database.close()
    return int(count)
