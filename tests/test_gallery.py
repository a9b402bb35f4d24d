"""The façade: queries of every kind, recipes, readers beside writers, what a process leaves."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import FakeEmbedder, FakeSource, touch_later, write_picture
from PIL import Image

from imgsearch import Comparison, Gallery, Weighted, default_gallery_path
from imgsearch.errors import (
    GalleryLockedError,
    NoGalleryError,
    UnknownRecipeError,
    UnreadableImageError,
    UsageError,
)
from imgsearch.gallery import gallery as gallery_module
from imgsearch.images import loading
from imgsearch.images.geometry import CropBox
from imgsearch.indexing.report import IndexOptions
from imgsearch.recipe import RecipeRequest
from imgsearch.search.query_expansion import Expansion
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture
def indexed(gallery: Gallery, photos: Path) -> Gallery:
    """Return a gallery of the twelve photos."""
    gallery.index(photos)
    return gallery


def embedding(*paths: Path, crop: CropBox | None = None) -> NDArray[np.float64]:
    """Return what the fake backbone makes of pictures, by hand."""
    source = FakeSource()
    recipe = source.resolve(RecipeRequest(), offline=True)
    pixels = [
        loading.load(path.read_bytes(), size=recipe.size, resize="squash", crop=crop).pixels
        for path in paths
    ]
    return FakeEmbedder(recipe).embed(np.stack(pixels)).astype(np.float64)


def unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a vector at length 1."""
    return vector / np.linalg.norm(vector)


def ranking(
    query: NDArray[np.float64], paths: list[Path], *, without: tuple[Path, ...] = ()
) -> list[tuple[Path, float]]:
    """Return paths and scores, nearest first, by brute force."""
    left = [path for path in paths if path not in without]
    scores = np.round(embedding(*left) @ query, 6)
    pairs = list(zip(left, scores.tolist(), strict=True))
    return sorted(pairs, key=lambda pair: (-pair[1], os.fsencode(pair[0])))


def assert_answers(
    gallery: Gallery, photos: Path, expected: list[tuple[Path, float]], *query: Any, **options: Any
) -> None:
    """Assert that a query gives this ranking, scores to 10^-6."""
    matches = gallery.query(*query, k=100, **options)
    assert [match.path for match in matches] == [path for path, _ in expected]
    np.testing.assert_allclose(
        [match.score for match in matches], [score for _, score in expected], atol=2e-6
    )
    assert all(match.root == photos for match in matches)


def test_the_scores_are_cosines_of_the_embeddings(indexed: Gallery, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    query = paths[3]
    expected = ranking(embedding(query)[0], paths, without=(query,))
    assert_answers(indexed, photos, expected, query)


def test_a_match_whose_score_is_the_least_score_itself_is_given(
    indexed: Gallery, photos: Path
) -> None:
    query = photos / "trip0/03.png"
    matches = indexed.query(query, k=5)
    assert indexed.query(query, k=9, min_score=matches[-1].score) == matches


def test_several_pictures_ask_for_what_is_near_their_mean(indexed: Gallery, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    query = unit(embedding(*paths[:3]).mean(axis=0))
    assert_answers(indexed, photos, ranking(query, paths, without=tuple(paths[:3])), *paths[:3])


def test_pictures_to_stay_away_from_are_taken_off_the_mean(indexed: Gallery, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    query = unit(embedding(*paths[:2]).mean(axis=0) - embedding(*paths[2:5]).mean(axis=0))
    assert_answers(
        indexed,
        photos,
        ranking(query, paths, without=tuple(paths[:5])),
        *paths[:2],
        minus=paths[2:5],
    )


def test_a_crop_asks_about_a_part_of_the_picture(
    indexed: Gallery, photos: Path, source: FakeSource
) -> None:
    paths = sorted(photos.rglob("*.png"))
    crop = CropBox(0, 0, 50, 50, percent=True)
    query = embedding(paths[0], crop=crop)[0]
    assert_answers(indexed, photos, ranking(query, paths, without=(paths[0],)), paths[0], crop=crop)
    assert source.embedded == 13


def moved_query(
    query: NDArray[np.float64], nearest: list[tuple[Path, float]], alpha: float
) -> NDArray[np.float64]:
    """Return a query with these pictures added to it, by hand."""
    rows = embedding(*(path for path, _ in nearest))
    weights = np.array([score for _, score in nearest]) ** alpha
    return unit(query + weights @ rows)


@pytest.mark.parametrize("expand", [Expansion(1), Expansion(3, 1.5), Expansion(99, 0)])
def test_an_expanded_query_is_moved_towards_its_first_matches(
    indexed: Gallery, photos: Path, expand: Expansion
) -> None:
    paths = sorted(photos.rglob("*.png"))
    query = embedding(paths[3])[0]
    nearest = ranking(query, paths, without=(paths[3],))[: expand.k]
    moved = moved_query(query, nearest, expand.alpha)
    expected = ranking(moved, paths, without=(paths[3],))
    assert_answers(indexed, photos, expected, paths[3], expand=expand)
    # The picture asked about moves nothing, also when it is shown; it now scores less than 1.
    assert_answers(
        indexed, photos, ranking(moved, paths), paths[3], expand=expand, include_self=True
    )


def test_an_expansion_looks_past_the_filters_and_the_least_score(
    indexed: Gallery, photos: Path
) -> None:
    paths = sorted(photos.rglob("*.png"))
    query = embedding(paths[0])[0]
    moved = moved_query(query, ranking(query, paths, without=(paths[0],))[:4], 3)
    inside = [path for path in paths if path.parent == photos / "trip1"]
    expected = [pair for pair in ranking(moved, inside) if pair[1] >= 0.8]
    assert_answers(
        indexed,
        photos,
        expected,
        paths[0],
        expand=Expansion(4),
        where=Filters(under=(photos / "trip1",)),
        min_score=0.8,
    )


def test_what_no_file_holds_any_more_moves_no_query(indexed: Gallery, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    query = embedding(paths[0])[0]
    nearest = ranking(query, paths, without=(paths[0],))[0][0]
    nearest.unlink()
    indexed.index()
    left = [path for path in paths if path != nearest]
    moved = moved_query(query, ranking(query, left, without=(paths[0],))[:1], 3)
    expected = ranking(moved, left, without=(paths[0],))
    assert_answers(indexed, photos, expected, paths[0], expand=Expansion(1))


def test_an_expansion_in_a_projected_space_moves_the_projected_query(
    indexed: Gallery, photos: Path
) -> None:
    """Centred by hand: the mean of all twelve goes first."""
    paths = sorted(photos.rglob("*.png"))
    rows = embedding(*paths)
    centred = np.stack([unit(row) for row in rows - rows.mean(axis=0)])
    scores = centred @ centred[3]
    order = [row for row in np.argsort(-scores) if row != 3][:2]
    moved = unit(centred[3] + np.maximum(scores[order], 0) ** 3 @ centred[order])
    with Gallery(indexed.path, projection="centred", source=FakeSource()) as one:
        matches = one.query(paths[3], k=50, expand=Expansion(2))
    found = [match.score for match in matches]
    others = [row for row in range(12) if row != 3]
    np.testing.assert_allclose(found, np.sort(centred[others] @ moved)[::-1], atol=2e-6)


def test_an_expansion_of_a_lonely_picture_is_the_picture(gallery: Gallery, tmp_path: Path) -> None:
    only = write_picture(tmp_path / "one" / "only.png", seed=1)
    gallery.index(only.parent)
    (match,) = gallery.query(only, include_self=True, expand=Expansion(3))
    assert match.score == pytest.approx(1, abs=1e-6)


def test_bytes_are_a_query_and_known_by_what_they_hold(
    indexed: Gallery, photos: Path, source: FakeSource
) -> None:
    """No file is asked about, so the one that holds them is the first match."""
    paths = sorted(photos.rglob("*.png"))
    expected = ranking(embedding(paths[0])[0], paths)
    assert expected[0] == (paths[0], 1)
    assert_answers(indexed, photos, expected, paths[0].read_bytes())
    assert source.embedded == 12


def test_a_picture_of_the_gallery_is_neither_read_nor_embedded_again(
    indexed: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read or decoded")

    monkeypatch.setattr(loading, "read_file", refuse)
    monkeypatch.setattr(loading, "load", refuse)
    assert len(indexed.query(photos / "trip0/00.png", k=50)) == 11
    assert len(indexed.query(photos / "trip0/00.png", k=50, include_self=True)) == 12
    assert len(source.embedders) == 1


def test_a_file_from_outside_finds_the_file_that_holds_the_same(
    indexed: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    """Whoever asks "do I have it?" is told. A link to the gallery's file is that file."""
    stored = photos / "trip0/00.png"
    copy = tmp_path / "copy.png"
    shutil.copy(stored, copy)
    expected = indexed.query(stored, include_self=True)
    assert (expected[0].path, expected[0].score) == (stored, 1)
    assert indexed.query(copy) == expected
    assert indexed.query(os.path.relpath(copy)) == expected
    assert indexed.query(copy, k=1) == expected[:1]
    assert indexed.query(copy.read_bytes()) == expected
    (tmp_path / "link.png").symlink_to(stored)
    assert indexed.query(tmp_path / "link.png") == indexed.query(stored)
    assert stored not in {match.path for match in indexed.query(stored, k=50)}
    assert source.embedded == 12


def test_copies_of_the_file_asked_about_are_its_first_match(indexed: Gallery, photos: Path) -> None:
    asked = photos / "trip0/00.png"
    before = indexed.query(asked, k=50)
    for name in ("b.png", "a.png"):
        shutil.copy(asked, photos / name)
    indexed.index()
    first, *others = indexed.query(asked, k=50)
    assert (first.rank, first.score, first.path) == (1, 1, photos / "a.png")
    assert [copy.path for copy in first.duplicates] == [photos / "b.png"]
    assert [(match.path, match.score) for match in others] == [
        (match.path, match.score) for match in before
    ]
    (both,) = indexed.query(asked, photos / "a.png", k=1)
    assert (both.path, both.duplicates) == (photos / "b.png", ())
    everything = (asked, photos / "a.png", photos / "b.png")
    assert len(indexed.query(*everything, k=50)) == 11


def test_copies_obey_filters_and_the_least_score(indexed: Gallery, photos: Path) -> None:
    asked = photos / "trip0/00.png"
    shutil.copy(asked, photos / "trip1/copy.png")
    indexed.index()
    for folder, found in (("trip0", []), ("trip1", [photos / "trip1/copy.png"])):
        where = Filters(under=(photos / folder,))
        matches = indexed.query(asked, where=where, min_score=0.999)
        assert [match.path for match in matches] == found


def test_copies_of_a_picture_to_stay_away_from_stay_away(indexed: Gallery, photos: Path) -> None:
    shutil.copy(photos / "trip0/00.png", photos / "copy.png")
    indexed.index()
    matches = indexed.query(photos / "trip1/01.png", minus=[photos / "copy.png"], k=50)
    assert len(matches) == 10
    assert {photos / "copy.png", photos / "trip0/00.png"}.isdisjoint(m.path for m in matches)


def test_a_picture_that_changed_since_it_was_indexed_is_asked_about_as_it_is_now(
    indexed: Gallery, photos: Path
) -> None:
    path = write_picture(photos / "trip0/00.png", seed=5)
    touch_later(path)
    same = photos / "trip2/05.png"
    assert path.read_bytes() == same.read_bytes()
    first, *others = indexed.query(path, k=50)
    assert (first.path, first.score) == (same, 1)
    assert len(others) == 10, "neither the file asked about, whatever the gallery knows of it"


def test_a_stranger_is_embedded_once_each_query_and_never_kept(
    indexed: Gallery, tmp_path: Path, source: FakeSource
) -> None:
    stranger = write_picture(tmp_path / "stranger.png", seed=300)
    assert len(indexed.query(stranger, k=50)) == 12
    assert source.embedded == 13
    assert len(source.embedders) == 1
    assert indexed.information().files == 12


def test_copies_collapse_into_one_match(indexed: Gallery, photos: Path) -> None:
    for name in ("b.png", "a.png"):
        shutil.copy(photos / "trip0/00.png", photos / name)
    indexed.index()
    match = indexed.query(photos / "trip0/00.png", k=1, include_self=True)[0]
    assert match.path == photos / "a.png"
    assert [copy.path for copy in match.duplicates] == [photos / "b.png", photos / "trip0/00.png"]
    assert len(indexed.query(photos / "b.png", k=50)) == 12


def test_filters_take_paths_in_any_form(
    indexed: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    for under in (photos / "trip1", Path("photos/trip1"), Path("photos/trip2/../trip1")):
        matches = indexed.query(photos / "trip0/00.png", k=50, where=Filters(under=(under,)))
        assert {match.path.parent for match in matches} == {photos / "trip1"}
        assert len(matches) == 4


@pytest.mark.parametrize("k", [0, -3])
def test_k_begins_at_one(indexed: Gallery, photos: Path, k: int) -> None:
    with pytest.raises(UsageError, match="k: "):
        indexed.query(photos / "trip0/00.png", k=k)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"k": 2.5}, "k: 2.5 is of type float; give a whole number"),
        ({"k": "3"}, "k: '3' is of type str"),
        ({"k": True}, "k: True is of type bool"),
        ({"crop": (0, 0, 10, 10)}, r"crop: \(0, 0, 10, 10\) is of type tuple; give CropBox\("),
        ({"where": {"after": "2024"}}, r"where: .* is of type dict; give Filters\("),
        ({"minus": 7}, "query: int is no image; give a path"),
        ({"min_score": "0.5"}, "min_score: '0.5' is of type str"),
        ({"min_score": 95}, "min_score: 95 is not a cosine similarity"),
        ({"min_score": float("nan")}, "min_score: nan is not"),
        ({"expand": 3}, "expand: 3 is of type int; give Expansion"),
    ],
)
def test_an_argument_of_another_type_is_refused_by_name(
    indexed: Gallery, photos: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        indexed.query(photos / "trip0/00.png", **given)


def test_one_picture_to_stay_away_from_may_stand_by_itself(indexed: Gallery, photos: Path) -> None:
    away = photos / "trip1/01.png"
    asked = photos / "trip0/00.png"
    assert indexed.query(asked, minus=str(away)) == indexed.query(asked, minus=[away])


def test_a_query_without_a_picture_is_refused(indexed: Gallery) -> None:
    with pytest.raises(UsageError, match="no picture"):
        indexed.query()


def test_a_picture_less_itself_leaves_nothing_to_ask_about(indexed: Gallery, photos: Path) -> None:
    path = photos / "trip0/00.png"
    with pytest.raises(UsageError, match="cancel out"):
        indexed.query(path, minus=[path])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.png", "no such file"),
        ("", "a folder"),
        ("empty.png", "0 bytes"),
        ("text.png", "not a picture"),
    ],
)
def test_a_query_that_cannot_be_read_is_named_with_the_reason(
    indexed: Gallery, tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"some text")
    with pytest.raises(UnreadableImageError, match=reason) as caught:
        indexed.query(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_query_may_be_a_broken_file_of_the_gallery(indexed: Gallery, photos: Path) -> None:
    (photos / "bad.png").write_bytes(b"half")
    indexed.index()
    with pytest.raises(UnreadableImageError, match=r"bad\.png"):
        indexed.query(photos / "bad.png")


def test_a_name_with_a_nul_byte_is_refused(indexed: Gallery) -> None:
    with pytest.raises(UsageError, match="NUL"):
        indexed.query("a\0b.png")


# Images that are no files, and many at once


def test_images_of_every_kind_ask_the_same(indexed: Gallery, photos: Path) -> None:
    path = photos / "trip0/00.png"
    data = path.read_bytes()
    with Image.open(path) as image:
        image.load()
        pixels = np.array(image)
    expected = indexed.query(data, k=50)
    assert (expected[0].path, expected[0].score) == (path, 1)
    vector = embedding(path)[0]
    for same in (bytearray(data), io.BytesIO(data), image, pixels, vector, 3 * vector):
        found = indexed.query(same, k=50)
        assert [match.path for match in found] == [match.path for match in expected]
        np.testing.assert_allclose(
            [match.score for match in found], [match.score for match in expected], atol=2e-6
        )
    with path.open("rb") as file:
        assert indexed.query(file, k=50) == expected
    some = photos / "trip1/01.png"
    assert indexed.query(some, minus=pixels) == indexed.query(some, minus=[io.BytesIO(data)])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "HSV", "F", "RGBX"])
def test_images_of_pillow_are_taken_in_any_mode(indexed: Gallery, photos: Path, mode: str) -> None:
    with Image.open(photos / "trip0/00.png") as image:
        assert len(indexed.query(image.convert(mode), k=50)) == 12


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"an array of uint8 and shape \(4, 4\) is no image"),
        (np.zeros((4, 4, 3), np.float32), "an array of float32"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros(48), "not zero everywhere"),
        (np.full(48, np.nan), "finite"),
        (np.ones(47), "a vector of 47 dimensions; recipe fake-1.* has 48"),
        (np.array(["a"]), "no real numbers"),
        (io.StringIO("text"), "binary mode"),
        ({"path": "x"}, "dict is no image; give a path"),
    ],
)
def test_what_is_no_image_is_refused(indexed: Gallery, image: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        indexed.query(image)


def test_a_vector_has_no_parts(indexed: Gallery) -> None:
    with pytest.raises(UsageError, match="crop: a vector has no parts"):
        indexed.query(np.ones(48), crop=CropBox(0, 0, 1, 1))


def test_weights_count_beside_each_other_and_against_what_to_stay_away_from(
    indexed: Gallery, photos: Path
) -> None:
    paths = sorted(photos.rglob("*.png"))
    rows = embedding(*paths[:3])
    query = unit((3 * rows[0] + rows[1]) / 2 - 0.25 * rows[2])
    assert_answers(
        indexed,
        photos,
        ranking(query, paths, without=tuple(paths[:3])),
        Weighted(paths[0], 3),
        paths[1],
        minus=Weighted(paths[2], 0.25),
    )
    for weight in (0, -1, float("nan"), float("inf"), "2", True):
        with pytest.raises(UsageError, match=r"weight: .* is not a finite number above 0"):
            Weighted(paths[0], weight)  # type: ignore[arg-type]


def test_many_are_answered_each_by_itself_and_embedded_together(
    indexed: Gallery, photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    strangers = [write_picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(300, 340)]
    stored = photos / "trip0/00.png"
    answers = list(indexed.query_many([stored, tmp_path / "none.png", *strangers], k=3))
    assert source.embedders[-1].batches[-2:] == [30, 10]
    assert [answer.reason for answer in answers[:3]] == [
        None,
        "no such file (it may have vanished)",
        None,
    ]
    assert answers[1].matches == ()
    asked = {0: stored, 2: strangers[0], -1: strangers[-1]}
    for image, answer in ((image, answers[place]) for place, image in asked.items()):
        assert [match.path for match in answer.matches] == [
            match.path for match in indexed.query(image, k=3)
        ]
    with pytest.raises(UsageError, match="k: 0"):
        indexed.query_many(strangers, k=0)


def test_two_images_are_compared_raw_and_as_searched(indexed: Gallery, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    rows = embedding(*paths)
    same = Comparison(score=1, raw_score=1, same_content=True, projection="none")
    assert indexed.compare(paths[0], paths[0].read_bytes()) == same
    raw = round(float(rows[0] @ rows[1]), 6)
    assert indexed.compare(paths[0], paths[1]).raw_score == pytest.approx(raw, abs=2e-6)
    with Gallery(indexed.path, projection="centred", source=FakeSource()) as centred:
        found = centred.compare(paths[0], rows[1])
    mean = rows.mean(axis=0)
    wanted = unit(rows[0] - mean) @ unit(rows[1] - mean)
    assert found.score == pytest.approx(wanted, abs=2e-6)
    assert found.raw_score == pytest.approx(raw, abs=2e-6)
    assert (found.same_content, found.projection != "none") == (False, True)


# What is in it


def test_files_are_listed_newest_first_with_copies(gallery: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for name, year in (("c", 2019), ("a", 2024), ("b", 2024)):
        exif = Image.Exif()
        exif[0x0132] = f"{year}:05:01 12:00:00"
        path = write_picture(folder / f"{name}.png", seed=ord(name))
        with Image.open(path) as image:
            image.load()
        image.save(path, exif=exif)
    write_picture(folder / "old/undated.png", seed=1)
    shutil.copy(folder / "a.png", folder / "z.png")
    gallery.index(folder)
    listed = list(gallery.files())
    assert [file.path.name for file in listed] == ["a.png", "b.png", "c.png", "undated.png"]
    assert [copy.path for copy in listed[0].duplicates] == [folder / "z.png"]
    assert (listed[0].taken, listed[0].width, listed[0].format) == (
        "2024-05-01T12:00:00",
        24,
        "PNG",
    )
    names = [file.path.name for file in gallery.files(all_files=True)]
    assert names == ["a.png", "z.png", "b.png", "c.png", "undated.png"]
    after = gallery.files(Filters(after="2020", under=(folder,)), all_files=True)
    assert [file.path.name for file in after] == ["a.png", "z.png", "b.png"]
    assert list(gallery.files(Filters(formats=("gif",)))) == []
    with pytest.raises(UsageError, match="where: "):
        gallery.files("2024")  # type: ignore[arg-type]


def test_every_embedding_is_given_in_one_array(indexed: Gallery, photos: Path) -> None:
    (photos / "trip0/00.png").unlink()
    indexed.index()
    contents, vectors = indexed.embeddings()
    assert contents == sorted(contents)
    assert (vectors.shape, vectors.dtype) == ((11, 48), np.float32)
    for file in indexed.files():
        np.testing.assert_array_equal(
            vectors[contents.index(file.content)], embedding(file.path)[0].astype(np.float32)
        )


# Recipes


def test_the_second_recipe_is_queried_by_name_or_identifier(
    indexed: Gallery, photos: Path, source: FakeSource
) -> None:
    other = Gallery(indexed.path, recipe="other", source=source)
    other.index(photos)
    identifier = indexed.information().recipes[1].recipe.identifier
    for name in ("other", identifier, identifier[:4]):
        with Gallery(indexed.path, recipe=name, source=source) as named:
            assert named.query(photos / "trip0/00.png") == other.query(photos / "trip0/00.png")


def test_a_recipe_that_the_gallery_lacks_is_an_error_that_names_those_it_has(
    indexed: Gallery, photos: Path
) -> None:
    with (
        Gallery(indexed.path, recipe="vgg16", source=FakeSource()) as named,
        pytest.raises(UnknownRecipeError, match=r"vgg16.*fake-1"),
    ):
        named.query(photos / "trip0/00.png")


@pytest.mark.parametrize(
    "recipe", [None, "auto", RecipeRequest(), "fake", "fake-1", RecipeRequest(backbone="fake-1")]
)
def test_what_indexes_a_gallery_can_query_it(
    gallery: Gallery, photos: Path, recipe: str | RecipeRequest | None
) -> None:
    with Gallery(gallery.path, recipe=recipe, source=FakeSource()) as one:
        one.index(photos)
        assert len(one.query(photos / "trip0/00.png", k=50)) == 11
    with Gallery(gallery.path, recipe=recipe, source=FakeSource()) as another:
        assert len(another.query(photos / "trip0/00.png", k=50)) == 11


def test_a_request_with_weights_of_ones_own_can_query_what_it_indexed(
    indexed: Gallery, photos: Path, source: FakeSource
) -> None:
    request = RecipeRequest(backbone="mine", weights=Path("w.h5"))
    with Gallery(indexed.path, recipe=request, source=source) as one:
        one.index(photos)
        assert len(one.query(photos / "trip0/00.png", k=50)) == 11


def test_a_version_need_not_be_named_in_a_query(gallery: Gallery, photos: Path) -> None:
    with Gallery(gallery.path, recipe="fake-1", source=FakeSource()) as one:
        one.index(photos)
    request = RecipeRequest(backbone="fake")
    with Gallery(gallery.path, recipe=request, source=FakeSource()) as another:
        assert len(another.query(photos / "trip0/00.png", k=50)) == 11


def test_a_picture_without_an_embedding_under_the_recipe_is_embedded_for_the_query(
    indexed: Gallery, photos: Path, source: FakeSource
) -> None:
    """The gallery knows it, but only the first recipe has seen it."""
    other = Gallery(indexed.path, recipe="other", source=source)
    other.index(photos / "trip1")
    matches = other.query(photos / "trip0/00.png", k=50)
    assert {match.path.parent for match in matches} == {photos / "trip1"}
    paths = sorted((photos / "trip1").iterdir())
    expected = ranking(embedding(photos / "trip0/00.png")[0], paths)
    assert [match.path for match in matches] == [path for path, _ in expected]


def test_indexing_resolves_a_backbone_once_and_offline_when_told(
    gallery: Gallery, photos: Path, source: FakeSource, said: list[str]
) -> None:
    with Gallery(gallery.path, offline=True, source=source) as one:
        one.index(photos)
        one.index(photos)
    assert said == ["resolved auto offline", "loaded fake-1"]
    assert len(source.requests) == 1


def test_a_gallery_that_reaches_the_size_of_a_projection_says_that_scores_change(
    gallery: Gallery, tmp_path: Path, said: list[str]
) -> None:
    for number in range(252):
        write_picture(tmp_path / f"photos/{number // 249}/{number}.png", seed=number, side=8)
    gallery.index(tmp_path / "photos/0")
    before = len(said)
    gallery.index(tmp_path / "photos")
    assert said[before:] == [
        (
            "scores change: with 252 contents the gallery is searched through a projection, and "
            "scores from before, such as a --min-score, no longer compare"
        )
    ]
    gallery.index()
    assert len(said) == before + 1
    gallery.remove(*(tmp_path / f"photos/0/{number}.png" for number in range(200)))
    gallery.prune()
    assert "with 52 contents the gallery is searched without a projection" in said[-1]


# Beside other processes


def test_a_reader_sees_old_or_new_but_never_a_mixture_while_another_writes(
    indexed: Gallery, photos: Path
) -> None:
    """Each batch of four is committed whole, and its files with it."""
    for number in range(100, 180):
        write_picture(photos / f"more/{number}.png", seed=number)
    query = photos / "trip0/00.png"
    sizes: list[int] = []
    reader = Gallery(indexed.path, source=FakeSource())

    def look(_progress: object) -> None:
        matches = reader.query(query, k=1000)
        sizes.append(len(matches))
        assert len({match.content for match in matches}) == len(matches)

    writer = Gallery(indexed.path, source=FakeSource())
    writer.index(options=IndexOptions(batch_size=4), progress=look)
    assert len(sizes) > 10
    assert sizes == sorted(sizes)
    assert {size % 4 for size in sizes} == {3}
    assert len(reader.query(query, k=1000)) == 91


def test_queries_from_another_thread_during_an_index_run_neither_fail_nor_wait(
    indexed: Gallery, photos: Path
) -> None:
    for number in range(100, 200):
        write_picture(photos / f"more/{number}.png", seed=number)
    failures: list[BaseException] = []
    finished = threading.Event()
    answered = 0

    def ask() -> None:
        nonlocal answered
        try:
            with Gallery(indexed.path, source=FakeSource()) as reader:
                while not finished.is_set():
                    assert len(reader.query(photos / "trip0/00.png", k=5)) == 5
                    answered += 1
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    writer = Gallery(indexed.path, source=FakeSource())
    writer.index(options=IndexOptions(batch_size=2))
    finished.set()
    thread.join()
    assert failures == []
    assert answered


def test_an_open_gallery_sees_what_another_one_changed(indexed: Gallery, photos: Path) -> None:
    query = photos / "trip0/00.png"
    assert len(indexed.query(query, k=50)) == 11
    other = Gallery(indexed.path, source=FakeSource())
    write_picture(photos / "x.png", seed=70)
    other.index()
    assert len(indexed.query(query, k=50)) == 12
    other.remove(photos / "trip1")
    assert len(indexed.query(query, k=50)) == 8
    (photos / "x.png").rename(photos / "y.png")
    (photos / "trip1").rename(photos.parent / "away")
    other.index()
    assert photos / "y.png" in {match.path for match in indexed.query(query, k=50)}
    other.prune()
    assert len(indexed.query(query, k=50)) == 8


def test_a_second_writer_is_refused_and_queries_are_not(indexed: Gallery, photos: Path) -> None:
    write_picture(photos / "x.png", seed=70)
    refused: list[str] = []
    second = Gallery(indexed.path, source=FakeSource())

    def interfere(_progress: object) -> None:
        for call in (
            second.index,
            second.prune,
            lambda: second.remove(photos / "trip1"),
            lambda: second.relocate(photos, photos.parent / "x"),
            lambda: second.check(repair=True),
        ):
            with pytest.raises(GalleryLockedError) as caught:
                call()
            refused.append(str(caught.value))
        assert second.query(photos / "trip0/00.png")
        assert second.check().clean
        assert second.information().files

    indexed.index(progress=interfere)
    assert refused
    assert all(f"process {os.getpid()}" in message for message in refused)
    second.index()


def test_reading_on_slowly_does_not_block_queries_or_writers(
    indexed: Gallery, photos: Path
) -> None:
    for number in range(3):
        (photos / f"bad{number}.png").write_bytes(b"half")
    indexed.index()
    reading = indexed.unreadable()
    first = next(reading)
    assert indexed.query(photos / "trip0/00.png")
    (photos / "bad2.png").unlink()
    indexed.index()
    assert indexed.information().unreadable == 2
    assert [first, *reading][-1].path.name == "bad2.png", "one state throughout"
    next(indexed.unreadable())
    assert indexed.query(photos / "trip0/00.png")


READ = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import FakeSource
from imgsearch import Gallery
# Before the user changes, who may not be allowed to read Python's own files.
import filelock, sqlite_utils
from imgsearch.gallery import checking, maintenance
from imgsearch.indexing import run
from imgsearch.search import answering, search_space
from imgsearch.vectors import approximate_file
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
gallery = Gallery({gallery!r}, source=FakeSource())
print(len(gallery.query({query!r}, k=50)), gallery.check().clean, gallery.information().files)
try:
    gallery.index()
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_gallery_that_may_only_be_read_answers_all_the_same(
    indexed: Gallery, photos: Path
) -> None:
    query = photos / "trip0/00.png"
    code = READ.format(
        tests=str(Path(__file__).parent), gallery=str(indexed.path), query=str(query)
    )
    indexed.close()
    opened = [*photos.parents, photos, photos / "trip0"]
    before = [(folder, folder.stat().st_mode) for folder in opened if folder != Path("/")]
    try:
        for folder, mode in before:
            folder.chmod(mode | 0o055)
        indexed.path.chmod(0o555)
        for file in indexed.path.iterdir():
            file.chmod(0o444)
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for folder, mode in before:
            folder.chmod(mode)
        indexed.path.chmod(0o755)
    assert done.stdout.splitlines() == ["11 True 12", "PermissionError"], done.stderr


# A newer version of a backbone


def test_a_newer_version_takes_over_once_it_has_embedded_as_much(
    indexed: Gallery, photos: Path
) -> None:
    """The galleries of `compact` go on under its next version; another network changes nothing."""

    def primary() -> str:
        return next(recipe.recipe.backbone for recipe in indexed.information().recipes)

    assert primary() == "fake-1"
    for backbone in ("fake-2", "other"):
        with Gallery(indexed.path, recipe=backbone, source=FakeSource()) as some:
            some.index(photos / "trip0")
        assert primary() == "fake-1"
    with Gallery(indexed.path, recipe="fake-2", source=FakeSource()) as newer:
        newer.index(photos)
    assert primary() == "fake-2"
    with Gallery(indexed.path, recipe="fake-1", source=FakeSource()) as older:
        older.index(photos)
    assert primary() == "fake-2"


# Small things


def test_the_default_gallery_is_named_by_the_environment_or_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path))
    assert default_gallery_path() == tmp_path
    assert Gallery().path == tmp_path
    monkeypatch.delenv("IMGSEARCH_GALLERY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert default_gallery_path().name == "gallery"


def test_a_gallery_is_closed_by_its_block_and_opens_again_by_itself(
    indexed: Gallery, photos: Path
) -> None:
    with indexed:
        assert indexed.query(photos / "trip0/00.png")
    assert indexed._connections._reader is None
    assert indexed.query(photos / "trip0/00.png")
    indexed.close()
    indexed.close()


def test_a_gallery_cannot_be_a_file(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "file").write_text("x")
    gallery = Gallery(tmp_path / "file", source=FakeSource())
    with pytest.raises(UsageError, match="a gallery is a folder"):
        gallery.index(photos)
    with pytest.raises(NoGalleryError):
        gallery.query(photos / "trip0/00.png")


def test_a_first_index_of_nothing_that_exists_makes_no_gallery(
    gallery: Gallery, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        gallery.index(tmp_path / "nowhere")
    with pytest.raises(NoGalleryError):
        gallery.index()
    assert not gallery.path.exists()


def test_a_backbone_that_cannot_be_had_leaves_no_gallery_behind(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise gallery_module.UsageError("no weights")

    with monkeypatch.context() as patch:
        patch.setattr(source, "resolve", fail)
        with pytest.raises(UsageError, match="no weights"):
            gallery.index(photos)
    assert not gallery.path.exists()
    assert gallery.index(photos).embedded == 12


def test_an_empty_folder_makes_a_gallery_that_answers_with_nothing(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    report = gallery.index(tmp_path / "empty")
    assert (report.new, report.embedded) == (0, 0)
    assert gallery.query(photos / "trip0/00.png") == []
    assert gallery.check().findings == ()
    assert gallery.export(tmp_path / "export").embeddings == 0
    assert gallery.prune().contents == 0


@pytest.mark.parametrize("projection", ["none", "centred", "4", "8:0.5", "8:0.5:0"])
def test_another_projection_can_be_asked_for(
    indexed: Gallery, photos: Path, projection: str
) -> None:
    with Gallery(indexed.path, projection=projection, source=FakeSource()) as one:
        matches = one.query(photos / "trip0/00.png", k=50, include_self=True)
    assert len(matches) == 12
    assert matches[0].path == photos / "trip0/00.png"
    assert matches[0].score == pytest.approx(1, abs=1e-6)


def test_a_projection_that_is_none_is_refused(indexed: Gallery, photos: Path) -> None:
    with (
        Gallery(indexed.path, projection="big", source=FakeSource()) as one,
        pytest.raises(UsageError, match="projection: 'big'"),
    ):
        one.query(photos / "trip0/00.png")


def test_threads_may_share_one_gallery(indexed: Gallery, photos: Path, tmp_path: Path) -> None:
    stranger = write_picture(tmp_path / "stranger.png", seed=300)
    queries = [*sorted(photos.rglob("*.png")), stranger]
    expected = [indexed.query(query, k=5) for query in queries]
    indexed.close()
    wrong: list[object] = []

    def ask(start: int) -> None:
        for number in range(start, start + 30):
            place = number % len(queries)
            try:
                if indexed.query(queries[place], k=5) != expected[place]:
                    wrong.append(place)
                indexed.information()
            except Exception as error:  # noqa: BLE001 - told to the main thread
                wrong.append(error)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_new_gallerys_folder_is_its_owners_alone(
    photos: Path, tmp_path: Path, source: FakeSource
) -> None:
    """It holds paths and places; a folder that was there keeps its permissions."""
    there = tmp_path / "shared.gallery"
    there.mkdir()
    there.chmod(0o755)
    for folder, mode in ((tmp_path / "new.gallery", 0o700), (there, 0o755)):
        Gallery(folder, source=source).index(photos)
        assert folder.stat().st_mode & 0o777 == mode
