"""Pixels become embeddings by the recipe's rules, through a runtime that was checked."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from backbone_fixtures import (
    CHANNELS,
    SIZE,
    ScaledRuntime,
    random_images,
    save_network,
    tiny_network,
    tiny_recipe,
)
from conftest import silently
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.errors import (
    ImgsearchError,
    RecipeMismatchError,
    UsageError,
    WeightsUnavailableError,
)
from imgsearch.networks.backbones import weights
from imgsearch.networks.backbones.compact import bundled
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.resolve import random_recipe
from imgsearch.networks.embedder import Embedder, load_embedder
from imgsearch.networks.runtimes import choices, graphs, litert, openvino, preparing, trial
from imgsearch.networks.runtimes.choices import ChoiceKey
from imgsearch.networks.runtimes.tensorflow import concrete_function
from imgsearch.networks.runtimes.trial import agreement, probe_images
from imgsearch.pooling_choice import POOLINGS
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.networks.runtimes.graphs import Graph
    from imgsearch.pooling_choice import Pooling

pytestmark = pytest.mark.tensorflow

PLAIN = Recipe(
    backbone="vgg16",
    weights="random:0",
    layer="any",
    size=2,
    resize="squash",
    pooling="gap",
    dim=3,
    preprocessing="raw",
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the user's own caches."""
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Decide here how fast the runtimes are; a test never depends on the clock."""
    rates = {"litert": 20.0, "openvino": 30.0, "tensorflow": 10.0}
    monkeypatch.setattr(trial, "images_per_second", lambda _, runtime: rates[runtime.name])
    return rates


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Return the recipe of a tiny network that lies in a file."""
    path = tmp_path / "tiny.keras"
    return tiny_recipe(path, save_network(tiny_network(), path))


def test_an_embedding_is_the_pooled_maps_at_unit_length() -> None:
    """Maps of two by two: means 3, 0 and 4, so the embedding is (0.6, 0, 0.8)."""
    image = np.array([[[2, 0, 8], [4, 0, 0]], [[1, 0, 4], [5, 0, 4]]], dtype=np.uint8)
    runtime = ScaledRuntime()
    embeddings = Embedder(PLAIN, runtime).embed(image[np.newaxis])
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, [[0.6, 0.0, 0.8]], atol=1e-6)
    assert runtime.batches == [1]


def test_the_recipe_decides_pooling_and_preprocessing() -> None:
    """The largest values are 5, 0 and 8; after x / 127.5 - 1 all are negative."""
    image = np.array([[[2, 0, 8], [4, 0, 0]], [[1, 0, 4], [5, 0, 4]]], dtype=np.uint8)
    largest = Embedder(replace(PLAIN, pooling="gmp"), ScaledRuntime()).embed(image[np.newaxis])
    np.testing.assert_allclose(largest[0], np.array([5, 0, 8]) / np.sqrt(89), atol=1e-6)
    shifted = Embedder(replace(PLAIN, preprocessing="tf"), ScaledRuntime())
    assert (shifted.embed(image[np.newaxis]) < 0).all()


@given(count=st.integers(0, 5), pooling=st.sampled_from(POOLINGS), seed=st.integers(0, 99))
def test_embeddings_have_unit_length_whatever_the_batch(
    count: int, pooling: Pooling, seed: int
) -> None:
    images = random_images(count, 2, seed=seed)
    embeddings = Embedder(replace(PLAIN, pooling=pooling), ScaledRuntime(0.1)).embed(images)
    assert embeddings.shape == (count, 3)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, rtol=1e-5)


def test_an_empty_batch_runs_nothing() -> None:
    runtime = ScaledRuntime()
    assert Embedder(PLAIN, runtime).embed(random_images(0, 2)).shape == (0, 3)
    assert runtime.batches == []


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 3, 2, 3), dtype=np.uint8),
        np.zeros((2, 2, 3), dtype=np.uint8),
        np.zeros((1, 2, 2, 3), dtype=np.float32),
    ],
)
def test_images_that_do_not_fit_the_recipe_are_refused(images: Any) -> None:
    with pytest.raises(UsageError, match=r"uint8 of shape \(n, 2, 2, 3\) is what"):
        Embedder(PLAIN, ScaledRuntime()).embed(images)


def test_probe_images_are_the_same_every_time_and_differ_from_each_other() -> None:
    images = probe_images(20)
    assert images.shape == (10, 20, 20, 3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, probe_images(20))
    assert len({image.tobytes() for image in images}) == 10
    assert probe_images(1).shape == (10, 1, 1, 3)


def test_agreement_is_the_worst_cosine() -> None:
    """A scaled runtime gives the same directions; one that shifts colours does not."""

    class Shifted(ScaledRuntime):
        def feature_maps(self, batch: Any) -> Any:
            return np.roll(batch, 1, axis=-1)

    assert agreement(PLAIN, ScaledRuntime(), ScaledRuntime(2.0)) == pytest.approx(1.0, abs=1e-6)
    assert agreement(PLAIN, ScaledRuntime(), Shifted()) < 0.999


def cached(suffix: str) -> list[str]:
    return sorted(path.name for path in graphs.folder().glob(f"*.{suffix}"))


def test_the_fastest_runs_after_all_agreed_and_their_graphs_are_kept(
    recipe: Recipe, said: list[str]
) -> None:
    fast = load_embedder(recipe)
    assert fast.runtime_name == "openvino"
    assert said == [
        "preparing custom for this machine (once)",
        "runtime: openvino is the fastest here (images/s: litert 20, openvino 30, tensorflow 10)",
    ]
    assert (len(cached("graph")), len(cached("choice"))) == (2, 1)

    reference = silently(load_embedder, recipe, runtime="tensorflow")
    assert reference.runtime_name == "tensorflow"
    images = random_images(5, SIZE)
    expected = reference.embed(images)
    received = fast.embed(images)
    assert expected.shape == (5, CHANNELS)
    assert np.sum(expected * received, axis=1).min() >= 0.9999
    for position in range(5):
        alone = fast.embed(images[position : position + 1])[0]
        np.testing.assert_allclose(received[position], alone, rtol=0, atol=1e-5)


def test_with_a_graph_in_the_cache_tensorflow_is_not_imported(recipe: Recipe) -> None:
    images = random_images(2, SIZE)
    expected = load_embedder(recipe).embed(images)
    program = (
        "import sys\n"
        "import numpy as np\n"
        "from imgsearch.networks.embedder import load_embedder\n"
        "from imgsearch.recipe import Recipe\n"
        "embedder = load_embedder(Recipe.from_json(sys.argv[1]))\n"
        f"images = np.random.default_rng(0).integers(0, 256, {images.shape}, dtype=np.uint8)\n"
        "sys.stdout.write(embedder.embed(images).tobytes().hex())\n"
        "sys.exit(len({'tensorflow', 'keras', 'h5py'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, recipe.to_json()],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    received = np.frombuffer(bytes.fromhex(result.stdout), dtype=np.float32).reshape(2, CHANNELS)
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_a_damaged_graph_is_made_again(recipe: Recipe, said: list[str]) -> None:
    images = random_images(1, SIZE)
    expected = load_embedder(recipe).embed(images)
    path = graphs.GraphKey.of(recipe, "openvino").path
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\0" + whole[101:])
    said.clear()

    again = load_embedder(recipe)
    assert again.runtime_name == "openvino"
    assert "its checksum does not fit" in said[0]
    assert "preparing" in said[-2]
    np.testing.assert_array_equal(again.embed(images), expected)
    silently(load_embedder, recipe)


def graph_of_another_network(_: Any) -> Graph:
    """Stand in for a converter that gets an operation wrong."""
    network = tiny_network()
    for weight in network.weights:
        weight.assign(np.random.default_rng(9).normal(size=weight.shape))
    model = load_keras().Model(network.inputs[0], network.get_layer("second").output)
    return openvino_export(concrete_function(model))


openvino_export = openvino.export


def test_a_graph_that_disagrees_is_not_used(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(openvino, "export", graph_of_another_network)
    loaded = load_embedder(recipe)
    assert loaded.runtime_name == "litert"
    assert "differ from TensorFlow's in float32 (cosine" in said[1]
    assert len(cached("graph")) == 1
    with pytest.raises(ImgsearchError, match=r"runtime openvino: .*differ from TensorFlow's"):
        load_embedder(recipe, runtime="openvino")


def test_a_network_that_no_exporter_knows_is_run_by_tensorflow_and_not_tried_again(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def fail(_: Any) -> None:
        message = "no such operation"
        raise RuntimeError(message)

    monkeypatch.setattr(openvino, "export", fail)
    monkeypatch.setattr(litert, "export", fail)
    assert load_embedder(recipe).runtime_name == "tensorflow"
    assert ["no such operation" in line for line in said] == [False, True, True]
    assert silently(load_embedder, recipe).runtime_name == "tensorflow"


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("IMGSEARCH_CACHE", __file__)
    assert load_embedder(recipe).runtime_name == "openvino"
    assert "cannot be stored" in said[-1]


def test_another_pooling_uses_the_same_graph(recipe: Recipe) -> None:
    load_embedder(recipe)
    silently(load_embedder, replace(recipe, pooling="rmac"))
    assert len(cached("graph")) == 2


def test_the_choice_is_remembered_without_measuring_again(
    recipe: Recipe, rates: dict[str, float]
) -> None:
    assert load_embedder(recipe).runtime_name == "openvino"
    rates.clear()
    assert silently(load_embedder, recipe).runtime_name == "openvino"


def test_other_threads_are_measured_anew_from_the_graphs_alone(
    recipe: Recipe, rates: dict[str, float], monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    load_embedder(recipe)
    monkeypatch.setattr(preparing, "_build", None)
    rates["litert"] = 99
    said.clear()
    assert load_embedder(recipe, threads=1).runtime_name == "litert"
    assert said == ["runtime: litert is the fastest here (images/s: litert 99, openvino 30)"]
    assert load_embedder(recipe).runtime_name == "openvino"


def test_a_gpu_that_appears_is_measured_beside_the_graphs_that_are_there(
    recipe: Recipe, rates: dict[str, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TensorFlow alone runs on it; a choice that was made without one must not keep it idle."""
    monkeypatch.setattr(choices, "DEVICES", tmp_path / "devices")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "devices").mkdir()
    assert load_embedder(recipe).runtime_name == "openvino"
    (tmp_path / "devices/nvidia0").touch()
    (tmp_path / "devices/nvidiactl").touch()
    assert choices.accelerators() == "nvidia0"
    rates["tensorflow"] = 500
    assert load_embedder(recipe).runtime_name == "tensorflow"
    rates.clear()
    assert load_embedder(recipe).runtime_name == "tensorflow"
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert choices.accelerators() == ""
        assert load_embedder(recipe).runtime_name == "openvino"


def test_a_choice_that_is_damaged_or_of_other_versions_is_made_again(
    recipe: Recipe, rates: dict[str, float]
) -> None:
    load_embedder(recipe)
    key = ChoiceKey.of(recipe, None)
    assert choices.load(key) == "openvino"
    assert choices.load(replace(key, versions="others")) is None
    whole = key.path.read_bytes()
    for damaged in (whole[:-1], b"", b"{}" + whole[2:]):
        key.path.write_bytes(damaged)
        assert choices.load(key) is None
    rates["litert"] = 99
    assert load_embedder(recipe).runtime_name == "litert"
    assert choices.load(key) == "litert"


def test_a_quick_start_takes_litert_and_measures_nothing(
    recipe: Recipe, rates: dict[str, float]
) -> None:
    fast = load_embedder(recipe)
    rates.clear()
    quick = silently(load_embedder, recipe, runtime="quick")
    assert (fast.runtime_name, quick.runtime_name) == ("openvino", "litert")
    images = random_images(3, SIZE)
    assert np.sum(fast.embed(images) * quick.embed(images), axis=1).min() >= 0.9999
    graphs.GraphKey.of(recipe, "litert").path.unlink()
    assert silently(load_embedder, recipe, runtime="quick").runtime_name == "openvino"


def test_a_quick_start_without_graphs_prepares_like_any_other(recipe: Recipe) -> None:
    assert load_embedder(recipe, runtime="quick").runtime_name == "openvino"


def test_a_runtime_that_is_not_installed_is_named_with_the_remedy(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(graphs.PACKAGES, "litert", "no-such-package")
    assert load_embedder(recipe).runtime_name == "openvino"
    with pytest.raises(ImgsearchError, match=r"litert: it is not installed \(pip install no-such"):
        load_embedder(recipe, runtime="litert")


def test_bfloat16_has_graphs_of_its_own_and_never_litert(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was accepted in float32 says nothing about bfloat16."""
    load_embedder(recipe)
    monkeypatch.setitem(trial.LEAST_AGREEMENT, "bfloat16", 0.99)
    rounded = replace(recipe, precision="bfloat16")
    with pytest.raises(ImgsearchError, match="litert: it has no bfloat16"):
        load_embedder(rounded, runtime="litert")
    images = random_images(3, SIZE)
    expected = silently(load_embedder, recipe).embed(images)
    received = load_embedder(rounded).embed(images)
    assert 0.99 < np.sum(expected * received, axis=1).min() < 0.9999999


def test_a_processor_without_bfloat16_leaves_it_to_tensorflow(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setitem(trial.LEAST_AGREEMENT, "bfloat16", 0.99)
    monkeypatch.setattr(openvino, "has_bfloat16", lambda: False)
    rounded = replace(recipe, precision="bfloat16")
    assert load_embedder(rounded).runtime_name == "tensorflow"
    assert "this processor has no bfloat16" in said[1]
    with pytest.raises(ImgsearchError, match="--precision float32"):
        load_embedder(rounded, runtime="openvino")


def test_bfloat16_that_differs_too_much_is_refused(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trial.LEAST_AGREEMENT, "bfloat16", 1.1)
    with pytest.raises(
        ImgsearchError, match=r"bfloat16 embeddings differ .* expected at least 1\.1"
    ):
        load_embedder(replace(recipe, precision="bfloat16"))
    assert not graphs.folder().exists()


def test_weights_that_changed_are_refused_even_with_a_graph(recipe: Recipe, tmp_path: Path) -> None:
    load_embedder(recipe)
    (tmp_path / "tiny.keras").write_bytes(b"other")
    with pytest.raises(RecipeMismatchError, match="not comparable"):
        load_embedder(recipe)


def test_weights_that_are_gone_are_missed_only_without_a_graph(
    recipe: Recipe, tmp_path: Path
) -> None:
    """The graph was made from weights with the recipe's own fingerprint."""
    load_embedder(recipe)
    (tmp_path / "tiny.keras").unlink()
    assert silently(load_embedder, recipe).runtime_name == "openvino"
    with pytest.raises(WeightsUnavailableError, match=r"tiny\.keras"):
        load_embedder(recipe, runtime="tensorflow")
    for path in graphs.folder().iterdir():
        path.unlink()
    with pytest.raises(WeightsUnavailableError, match=r"tiny\.keras"):
        load_embedder(recipe)


def test_missing_catalogue_weights_are_named() -> None:
    recipe = replace(random_recipe("mobilenet_v2", size=32), weights="sha256:" + 64 * "0")
    with pytest.raises(WeightsUnavailableError, match=r"1\.0_224_no_top\.h5"):
        load_embedder(recipe)


def compact_recipe() -> Recipe:
    return replace(random_recipe("compact"), weights=weights.fingerprint(bundled.weights_path()))


def test_another_version_of_compact_is_refused_and_both_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = compact_recipe()
    monkeypatch.setattr(bundled, "VERSION", bundled.VERSION + 1)
    with pytest.raises(RecipeMismatchError) as caught:
        load_embedder(recipe)
    assert f"compact-{bundled.VERSION - 1}" in str(caught.value)
    assert f"has compact-{bundled.VERSION}" in str(caught.value)


def test_compact_runs_from_its_own_weights() -> None:
    recipe = compact_recipe()
    loaded = load_embedder(recipe)
    images = random_images(3, recipe.size)
    together = loaded.embed(images)
    assert together.shape == (3, bundled.DIM)
    for position in range(3):
        alone = loaded.embed(images[position : position + 1])[0]
        np.testing.assert_allclose(together[position], alone, rtol=0, atol=1e-5)
