"""The backbone that comes with imgsearch: its file, its graph, and its runtimes' agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgsearch.errors import UsageError
from imgsearch.images import loading
from imgsearch.networks.backbones.compact import bundled, weights
from imgsearch.networks.backbones.compact.architecture import COMPACT
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.pooling import pool
from imgsearch.networks.runtimes.openvino import OpenVINORuntime, export
from imgsearch.networks.runtimes.tensorflow import TensorFlowRuntime
from imgsearch.networks.runtimes.trial import probe_images

pytestmark = pytest.mark.tensorflow

PHOTOS = Path(__file__).parents[1] / "sample_data" / "photos"
MEGABYTE = 1_000_000
ALLOWED_LAYERS = {
    "InputLayer",
    "Pad",
    "ZeroPadding2D",
    "Conv2D",
    "ReLU",
    "Add",
    "AveragePooling2D",
}


@pytest.fixture(scope="module")
def network() -> Any:
    """Return the bundled network at its own size."""
    load_keras()
    return bundled.build(bundled.INPUT_SIZE)


def test_the_weights_file_is_small_enough_for_the_package() -> None:
    assert bundled.weights_path().stat().st_size <= 6 * MEGABYTE


def test_the_weights_file_is_named_after_its_version() -> None:
    assert bundled.weights_path().name == f"compact-{bundled.VERSION}.npz"


def test_the_weights_file_holds_the_architecture_that_the_code_names() -> None:
    student = weights.load(bundled.weights_path())
    assert student.architecture == COMPACT
    kernels = [unit.kernel for unit in student.weights.values()]
    assert all(np.isfinite(kernel).all() and kernel.any() for kernel in kernels)


def test_the_constants_are_those_of_the_network(network: Any) -> None:
    side = bundled.INPUT_SIZE // 32
    assert network.input_shape == (None, bundled.INPUT_SIZE, bundled.INPUT_SIZE, 3)
    assert network.output_shape == (None, side, side, bundled.DIM)
    assert network.count_params() == bundled.PARAMETERS


def test_the_graph_is_made_of_operations_that_every_runtime_runs_fast(network: Any) -> None:
    assert {type(layer).__name__ for layer in network.layers} <= ALLOWED_LAYERS


@pytest.mark.parametrize("size", [bundled.MINIMUM_SIZE, 50, 160])
def test_other_sizes_give_maps_of_the_same_dim(size: int) -> None:
    load_keras()
    network = bundled.build(size)
    images = probe_images(size).astype(np.float32)
    side = -(-size // 32)
    assert np.asarray(network(images)).shape == (len(images), side, side, bundled.DIM)


def test_a_size_below_the_minimum_is_refused() -> None:
    with pytest.raises(UsageError, match="compact needs at least 32 pixels, but 31 was asked for"):
        bundled.build(31)


def test_tensorflow_and_openvino_give_the_same_embeddings(network: Any) -> None:
    reference = TensorFlowRuntime(network)
    exported = OpenVINORuntime(export(reference.function))
    generator = np.random.default_rng(0)
    smooth = generator.uniform(0, 255, size=(8, 4, 4, 3)).repeat(32, axis=1).repeat(32, axis=2)
    images = np.concatenate([probe_images(bundled.INPUT_SIZE), smooth]).astype(np.float32)
    expected, received = (
        pool(runtime.feature_maps(images), "gap") for runtime in (reference, exported)
    )
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(received, axis=1)
    assert np.min(np.sum(expected * received, axis=1) / lengths) >= 0.9999


def test_a_picture_is_nearer_to_its_mirror_and_its_darker_self_than_to_others(
    network: Any,
) -> None:
    """Of thirty sample pictures of different things; noise is nothing that it was made for."""
    paths = sorted(PHOTOS.glob("*/*_1.jpg"))[:30]
    pictures = np.stack(
        [loading.load(path.read_bytes(), size=128, resize="squash").pixels for path in paths]
    ).astype(np.float32)

    def embed(shown: Any) -> Any:
        rows = np.asarray(network(shown)).mean(axis=(1, 2))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    plain = embed(pictures)
    for changed in (pictures[:, :, ::-1], pictures * np.float32(0.8)):
        scores = embed(changed) @ plain.T
        assert (scores.argmax(axis=1) == np.arange(30)).all()
