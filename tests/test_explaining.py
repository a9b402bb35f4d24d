"""A score is shared out among places, and the shares add up to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeEmbedder, FakeSource, write_picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from PIL import Image

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.explaining.agreement import agreement
from imgsearch.explaining.shares import shares
from imgsearch.explaining.spotlight import DARKEST, spotlight
from imgsearch.gallery.gallery import Gallery
from imgsearch.images.geometry import CropBox, square_box
from imgsearch.networks.pooling import l2_normalise, pool
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

METHODS = ("gap", "gmp", "gem", "gem:4", "rmac", "rmac:2")


def maps(seed: int, height: int, width: int, channels: int = 6) -> NDArray[np.float32]:
    """Return feature maps (h, w, c) of a layer with a rectifier."""
    drawn = np.random.default_rng(seed).normal(size=(height, width, channels))
    return np.maximum(drawn, 0).astype(np.float32)


def projection(seed: int, dim: int = 6, out: int = 4) -> Projection:
    """Return a projection with a mean, a turn and scales."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.normal(size=(dim, dim)))
    return Projection(
        mean=random.normal(size=dim) * 0.1,
        components=turn[:, :out],
        scale=random.uniform(0.5, 2, out),
        power=0.5,
        fitted_count=1000,
    )


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 6), width=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_shares_of_all_places_are_the_pooled_vector(
    method: str, seed: int, height: int, width: int
) -> None:
    drawn = maps(seed, height, width)
    shared = shares(drawn, method)
    assert shared.shape == drawn.shape
    assert_allclose(
        shared.sum(axis=(0, 1)), pool(drawn[np.newaxis], method)[0], rtol=1e-5, atol=1e-6
    )


def test_the_mean_is_shared_evenly_and_a_maximum_belongs_to_its_place() -> None:
    """Two places, two channels: (1, 4) and (3, 0)."""
    drawn = np.array([[[1, 4], [3, 0]]], np.float32)
    assert shares(drawn, "gap").tolist() == [[[0.5, 2.0], [1.5, 0.0]]]
    assert shares(drawn, "gmp").tolist() == [[[0.0, 4.0], [3.0, 0.0]]]


def test_a_power_sum_is_shared_by_the_powers() -> None:
    """Of 1 and 2 with power 2 the mean is (5 / 2)^(1/2), a fifth of it the first place's."""
    found = shares(np.array([[[1], [2]]], np.float32), "gem:2")[0, :, 0]
    assert_allclose(found, np.array([1, 4]) / 5 * 2.5**0.5)


def test_a_score_by_hand() -> None:
    """One place has (1, 0), the other (0, 1); the other image has (1, 0) alone.

    The first image's vector is (1, 1) / √2, so the score is 1 / √2, all of it from its first place.
    """
    one = np.array([[[1, 0], [0, 1]]], np.float32)
    other = np.array([[[1, 0]]], np.float32)
    found = agreement(one, other, pooling="gap", projection=None)
    assert found.score == pytest.approx(0.5**0.5)
    assert_allclose(found.one, [[0.5**0.5, 0]], atol=1e-12)
    assert_allclose(found.other, [[0.5**0.5]])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("projected", [False, True])
def test_the_maps_of_random_pairs_add_up_to_the_score_that_search_gives(
    method: str, *, projected: bool
) -> None:
    """Fifty pairs each, with maps of two sizes, through the very functions that search uses."""
    for seed in range(50):
        one, other = maps(seed, 4, 5), maps(seed + 1000, 3, 3)
        fitted = projection(seed) if projected else None
        found = agreement(one, other, pooling=method, projection=fitted)
        rows = np.concatenate([pool(each[np.newaxis], method) for each in (one, other)])
        embedded = l2_normalise(rows)
        searched = embedded if fitted is None else fitted.apply(embedded)
        score = float(np.dot(*searched.astype(np.float64)))
        assert found.score == pytest.approx(score, abs=1e-5)
        assert found.one.sum() == pytest.approx(score, abs=1e-5)
        assert found.other.sum() == pytest.approx(score, abs=1e-5)


def test_the_two_maps_change_places_with_the_images() -> None:
    one, other = maps(1, 4, 4), maps(2, 3, 5)
    there = agreement(one, other, pooling="gap", projection=projection(3))
    back = agreement(other, one, pooling="gap", projection=projection(3))
    assert_allclose(there.one, back.other)
    assert_allclose(there.other, back.one)


def test_an_image_without_direction_has_nothing_to_share() -> None:
    found = agreement(
        maps(1, 2, 2), np.zeros((3, 3, 6), np.float32), pooling="gap", projection=None
    )
    assert found.score == 0
    assert not found.one.any()
    assert not found.other.any()


@pytest.mark.parametrize(
    ("resize", "crop", "box"),
    [
        ("squash", None, (0, 0, 40, 20)),
        ("crop", None, (10, 0, 30, 20)),
        ("pad", None, (0, -10, 40, 30)),
        ("squash", CropBox(4, 2, 10, 6), (4, 2, 14, 8)),
        ("pad", CropBox(4, 2, 10, 6), (4, 0, 14, 10)),
        ("crop", CropBox(4, 2, 10, 6), (6, 2, 12, 8)),
    ],
)
def test_what_a_networks_square_shows_of_an_image(
    resize: str, crop: CropBox | None, box: tuple[float, ...]
) -> None:
    """An image of 40 × 20 pixels."""
    assert square_box((40, 20), crop, resize=resize) == pytest.approx(box)  # type: ignore[arg-type]


@dataclass
class GridNetwork(FakeEmbedder):
    """The fake backbone, whose feature maps are the colours of a 4 × 4 grid."""

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return maps (n, 4, 4, 3)."""
        self.embedded += len(images)
        side = self.recipe.size // 4
        grid = images.reshape(len(images), 4, side, 4, side, 3).mean(axis=(2, 4))
        return grid.astype(np.float32)

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the mean colours, padded to the recipe's length."""
        return l2_normalise(pool(self.feature_maps(images), self.recipe.pooling))


class GridSource(FakeSource):
    """Gives grid networks."""

    def resolve(self, request: object, *, offline: bool) -> Recipe:
        """Return a recipe of three dimensions."""
        from dataclasses import replace

        return replace(super().resolve(request, offline=offline), dim=3)  # type: ignore[arg-type]

    def load(self, recipe: Recipe) -> GridNetwork:
        """Return a fresh network."""
        return GridNetwork(recipe)


@pytest.fixture
def gallery(tmp_path: Path, photos: Path) -> Gallery:
    """Return a gallery of the twelve photos over a network that has feature maps."""
    gallery = Gallery(tmp_path / "grid.gallery", source=GridSource())
    gallery.index(photos)
    return gallery


def half_red(path: Path) -> Path:
    """Write a picture whose left half is red and whose right half is blue, 32 × 16."""
    picture = Image.new("RGB", (32, 16), (255, 0, 0))
    picture.paste((0, 0, 255), (16, 0, 32, 16))
    picture.save(path)
    return path


def test_the_part_that_agrees_is_the_part_that_looks_alike(
    gallery: Gallery, tmp_path: Path
) -> None:
    """Against plain red, the score comes from the red half; resizing mixes a little at the seam."""
    Image.new("RGB", (10, 10), (255, 0, 0)).save(tmp_path / "red.png")
    found = gallery.explain(half_red(tmp_path / "half.png"), tmp_path / "red.png")
    assert found.score == pytest.approx(0.5**0.5, abs=1e-4)
    assert found.one.values[:, :2].sum() > 0.99 * found.score
    assert_allclose(found.one.values[:, 3], 0, atol=1e-3)
    assert_allclose(found.other.values, found.score / 16, atol=1e-4)
    assert found.one.box == (0, 0, 32, 16)


def test_a_match_of_the_gallery_is_explained_to_its_own_score(
    gallery: Gallery, photos: Path
) -> None:
    asked = photos / "trip0/00.png"
    for match in gallery.query(asked, k=5):
        found = gallery.explain(asked, match)
        assert found.score == pytest.approx(match.score, abs=1e-5)
        assert found.one.values.sum() == pytest.approx(match.score, abs=1e-5)
        assert found.other.values.sum() == pytest.approx(match.score, abs=1e-5)


def test_a_crop_is_of_the_first_image_alone(gallery: Gallery, tmp_path: Path) -> None:
    half = half_red(tmp_path / "half.png")
    found = gallery.explain(half, half, crop=CropBox(0, 0, 16, 16))
    assert found.one.box == (0, 0, 16, 16)
    assert found.other.box == (0, 0, 32, 16)
    assert found.score == pytest.approx(0.5**0.5, abs=1e-4)


def test_bytes_and_arrays_are_explained_too(gallery: Gallery, tmp_path: Path) -> None:
    half = half_red(tmp_path / "half.png")
    pixels = np.asarray(Image.open(half))
    assert gallery.explain(half.read_bytes(), pixels).score == pytest.approx(1, abs=1e-5)


def test_what_has_no_places_says_so(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    asked = photos / "trip0/00.png"
    with pytest.raises(UsageError, match="a vector has no places"):
        gallery.explain(asked, np.ones(3, np.float32))
    plain = Gallery(tmp_path / "plain.gallery", source=FakeSource())
    plain.index(photos)
    with pytest.raises(UsageError, match="gives no feature maps"):
        plain.explain(asked, asked)


def test_a_match_that_is_offline_or_changed_says_so(gallery: Gallery, photos: Path) -> None:
    asked = photos / "trip0/00.png"
    match, second, *_ = gallery.query(asked, k=5)
    match.path.unlink()
    with pytest.raises(UnreadableImageError, match="no such file"):
        gallery.explain(asked, match)
    write_picture(second.path, seed=99)
    with pytest.raises(UnreadableImageError, match="changed since it was indexed"):
        gallery.explain(asked, second)


def test_what_agrees_stays_bright_and_the_rest_goes_dark() -> None:
    """Two places over four pixels; between their middles the light falls evenly."""
    white = np.full((1, 8, 3), 255, np.uint8)
    lit = spotlight(white, np.array([[2.0, 0.0]]), (0, 0, 8, 1))[0, :, 0] / 255
    assert lit[0] == lit[1] == 1
    assert lit[6] == lit[7] == pytest.approx(DARKEST, abs=0.01)
    assert_allclose(np.diff(lit[2:6]), -(1 - DARKEST) / 4, atol=0.01)


def test_places_that_speak_against_are_as_dark_as_those_that_add_nothing() -> None:
    white = np.full((2, 2, 3), 255, np.uint8)
    lit = spotlight(white, np.array([[1.0, -5.0], [0.0, 0.0]]), (0, 0, 2, 2))[:, :, 0]
    assert lit[0, 0] == 255
    assert len({int(value) for value in (lit[0, 1], lit[1, 0], lit[1, 1])}) == 1


def test_what_the_map_does_not_cover_is_dark() -> None:
    white = np.full((2, 6, 3), 255, np.uint8)
    lit = spotlight(white, np.ones((1, 1)), (2, 0, 4, 2))[0, :, 0] / 255
    assert lit.tolist() == pytest.approx([DARKEST] * 2 + [1] * 2 + [DARKEST] * 2, abs=0.01)


def test_a_map_that_reaches_beyond_the_image_is_cut() -> None:
    """As under "pad": the map's upper and lower rows lie in the bars."""
    white = np.full((2, 4, 3), 255, np.uint8)
    rows = np.array([[0.0], [1.0], [1.0], [0.0]])
    assert (spotlight(white, rows, (0, -1, 4, 3)) == 255).all()


def test_a_map_without_anything_in_favour_is_dark() -> None:
    lit = spotlight(np.full((2, 2, 3), 255, np.uint8), np.full((2, 2), -1.0), (0, 0, 2, 2))
    assert (lit == round(255 * DARKEST)).all()
