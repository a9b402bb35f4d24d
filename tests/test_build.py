"""Every network is built with the right weights, up to the right layer, in the right graph."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from backbone_fixtures import random_images

from imgsearch.errors import (
    RecipeMismatchError,
    UnknownLayerError,
    UsageError,
    WeightsUnavailableError,
)
from imgsearch.networks.backbones import build, weights
from imgsearch.networks.backbones.catalogue import CATALOGUE, find
from imgsearch.networks.backbones.compact import bundled
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.resolve import random_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.networks.backbones.catalogue import Backbone
    from imgsearch.recipe import Recipe

pytestmark = pytest.mark.tensorflow

# The smallest of the families that are built in seconds. Others are in the slow tests, as are the
# larger ones, which differ from the smallest in numbers and names only.
FAMILIES = {
    "compact", "convnext_tiny", "efficientnet_b0", "efficientnet_v2_b0",
    "mobilenet", "mobilenet_v2", "mobilenet_v3_small",
    "resnet50", "resnet50_v2", "vgg16", "xception",
}  # fmt: skip


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the user's own cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


def run(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(model(images.astype(np.float32), training=False))


def save_as_keras_publishes(network: Any, path: Path) -> None:
    """Write the weights in the HDF5 layout of the files on Keras's server."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file, warnings.catch_warnings():
        # Keras 3.15 converts its integer weights in a way that NumPy 2 announces to end.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        legacy_h5_format.save_weights_to_hdf5_group(file, network)


def recipe_with(path: Path, recipe: Recipe) -> Recipe:
    """Return the recipe with the weights of a file instead of random ones."""
    return replace(recipe, weights=weights.fingerprint(path), weights_path=str(path))


@pytest.mark.parametrize(
    "backbone",
    [
        pytest.param(backbone, id=name, marks=() if name in FAMILIES else pytest.mark.slow)
        for name, backbone in CATALOGUE.items()
    ],
)
def test_every_network_gives_its_maps_at_its_smallest_size(backbone: Backbone) -> None:
    """Dim, default layer, parameters; and a batch gives what an image of it gives alone."""
    size = backbone.minimum_size
    model = build.build(random_recipe(backbone.name, size=size))
    images = random_images(2, size)

    maps = run(model, images)

    assert maps.shape[0] == 2
    assert min(maps.shape[1:3]) >= 1
    assert maps.shape[3] == backbone.dim
    # ConvNeXt's last scale and shift are part of the graph here, as plain numbers.
    folded = 2 * backbone.dim if backbone.name.startswith("convnext") else 0
    assert backbone.is_compact or model.count_params() == backbone.parameters - folded
    largest = np.abs(maps).max()
    assert largest > 0
    assert not np.array_equal(maps[0], maps[1])
    alone = run(model, images[1:])
    np.testing.assert_allclose(maps[1], alone[0], rtol=0, atol=1e-5 * largest)


def test_compacts_default_layer_is_its_own_output() -> None:
    backbone = find("compact")
    recipe = replace(
        random_recipe("compact"), weights=weights.fingerprint(weights.cached_path(backbone))
    )
    images = random_images(2, backbone.size)
    np.testing.assert_array_equal(
        run(build.build(recipe), images), run(bundled.build(backbone.size), images)
    )


def test_random_weights_are_repeatable_and_differ_by_seed() -> None:
    images = random_images(1, 32)
    first = run(build.build(random_recipe("mobilenet_v2", size=32, seed=7)), images)
    again = run(build.build(random_recipe("mobilenet_v2", size=32, seed=7)), images)
    other = run(build.build(random_recipe("mobilenet_v2", size=32, seed=8)), images)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_random_weights_leave_the_callers_random_numbers_alone() -> None:
    """Seeding Keras would seed the whole process."""
    np.random.seed(3)  # noqa: NPY002  the caller's global state is the subject
    expected = np.random.random()  # noqa: NPY002  the same
    np.random.seed(3)  # noqa: NPY002  the same
    build.build(random_recipe("mobilenet_v2", size=32))
    assert np.random.random() == expected  # noqa: NPY002  the same


def test_an_inner_layer_is_taken_and_the_rest_left_out() -> None:
    """MobileNetV2 at 32 pixels has maps of 2 × 2 with 96 channels after block 12."""
    recipe = random_recipe("mobilenet_v2", size=32, layer="block_12_add")
    assert recipe.dim == 96
    model = build.build(recipe)
    assert run(model, random_images(1, 32)).shape == (1, 2, 2, 96)
    assert model.count_params() < find("mobilenet_v2").parameters / 3


def test_layers_are_listed_with_their_shapes_at_the_native_size() -> None:
    listed = {info.name: info.shape for info in build.layers("vgg16")}
    assert listed["block4_pool"] == (14, 14, 512)
    assert listed["block5_pool"] == (7, 7, 512)
    assert next(iter(listed)) == "block1_conv1"


def test_an_unknown_layer_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownLayerError, match=r"'block_12_ad': .*block_12_add"):
        random_recipe("mobilenet_v2", size=32, layer="block_12_ad")


def test_a_size_below_the_smallest_is_refused() -> None:
    with pytest.raises(UsageError, match="xception needs at least 71 pixels, but 70 was"):
        random_recipe("xception", size=70)


def test_weights_are_loaded_from_keras_cache_at_any_size(keras_home: Path) -> None:
    """Keras itself would want another file for another input size of MobileNetV2."""
    recipe = random_recipe("mobilenet_v2", size=40, seed=5)
    network = load_keras().applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    build._randomise(network, seed=5)
    path = weights.cached_path(find("mobilenet_v2"))
    path.parent.mkdir(parents=True)
    save_as_keras_publishes(network, path)
    stored = replace(recipe, weights=weights.fingerprint(path))

    images = random_images(1, 40)
    assert path.is_relative_to(keras_home)
    np.testing.assert_array_equal(
        run(build.build(stored), images), run(build.build(recipe), images)
    )


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    small = load_keras().applications.MobileNet(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    save_as_keras_publishes(small, path)
    recipe = recipe_with(path, random_recipe("mobilenet_v2", size=32))
    with pytest.raises(WeightsUnavailableError, match=r"do not fit mobilenet_v2 without its cl"):
        build.build(recipe)


@pytest.mark.filterwarnings("default")
def test_no_layer_is_left_with_random_numbers(tmp_path: Path) -> None:
    """Keras reads the suffix as the format, finds nothing, and only warns."""
    path = tmp_path / "published.weights.h5"
    network = load_keras().applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    save_as_keras_publishes(network, path)
    recipe = recipe_with(path, random_recipe("mobilenet_v2", size=32))
    with pytest.raises(WeightsUnavailableError, match="do not fit mobilenet_v2"):
        build.build(recipe)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.h5"
    path.write_text("not weights")
    recipe = recipe_with(path, random_recipe("mobilenet_v2", size=32))
    with pytest.raises(WeightsUnavailableError, match=r"text\.h5: these weights do not fit"):
        build.build(recipe)


def test_changed_weights_are_refused_and_both_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(b"old")
    recipe = recipe_with(path, random_recipe("mobilenet_v2", size=32))
    path.write_bytes(b"new")
    with pytest.raises(RecipeMismatchError) as caught:
        build.locate(recipe)
    assert recipe.weights in str(caught.value)
    assert weights.fingerprint(path) in str(caught.value)


def test_weights_that_moved_into_keras_cache_are_found_there(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(b"weights")
    recipe = recipe_with(path, random_recipe("mobilenet_v2", size=32))
    cached = weights.cached_path(find("mobilenet_v2"))
    cached.parent.mkdir(parents=True)
    path.rename(cached)
    assert build.locate(recipe) == cached


def test_weights_that_are_gone_are_an_error(tmp_path: Path) -> None:
    recipe = replace(
        random_recipe("mobilenet_v2", size=32),
        weights="sha256:" + 64 * "0",
        weights_path=str(tmp_path / "gone.h5"),
    )
    with pytest.raises(WeightsUnavailableError, match="weights file is gone"):
        build.locate(recipe)


@pytest.mark.slow
def test_efficientnet_gets_the_graph_of_its_imagenet_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras builds another graph for weights="imagenet" than for weights=<path>.

    The file is served to Keras as its own download; what it then computes is the truth.
    """
    keras = load_keras()
    from keras.src.utils import file_utils

    shape = (48, 48, 3)
    source = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=shape)
    build._randomise(source, seed=1)
    normalisation = next(
        layer for layer in source.layers if isinstance(layer, keras.layers.Normalization)
    )
    statistics = {"mean": [0.485, 0.456, 0.406], "variance": [0.229**2, 0.224**2, 0.225**2]}
    for weight in normalisation.weights:
        if weight.name in statistics:
            weight.assign(statistics[weight.name])
    path = tmp_path / "efficientnetb0_notop.h5"
    save_as_keras_publishes(source, path)
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(path))

    options = {"include_top": False, "input_shape": shape}
    truth = keras.applications.EfficientNetB0(weights="imagenet", **options)
    trap = keras.applications.EfficientNetB0(weights=str(path), **options)
    recipe = recipe_with(path, random_recipe("efficientnet_b0", size=48))
    ours = build.build(recipe)

    images = random_images(2, 48)
    expected = run(truth, images)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(run(ours, images) / scale, expected / scale, atol=1e-5)
    assert np.abs(run(trap, images) - expected).max() > 0.05 * scale


@pytest.mark.slow
def test_the_mean_of_convnexts_maps_is_what_keras_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras normalises after pooling="avg", with weights that are not all one and zero."""
    keras = load_keras()
    generator = np.random.default_rng(2)
    gamma, beta = generator.random(768), generator.random(768)
    fill = build._randomise

    def fill_with_head(network: Any, *, seed: int) -> None:
        fill(network, seed=seed)
        network.layers[-1].set_weights([gamma, beta])

    monkeypatch.setattr(build, "_randomise", fill_with_head)
    truth = keras.applications.ConvNeXtTiny(
        include_top=False, weights=None, pooling="avg", input_shape=(64, 64, 3)
    )
    fill_with_head(truth, seed=0)
    ours = build.build(random_recipe("convnext_tiny", size=64))

    images = random_images(2, 64)
    maps = run(ours, images)
    assert maps.shape == (2, 2, 2, 768)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), run(truth, images), atol=1e-5)
