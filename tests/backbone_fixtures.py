"""Small networks and stand-ins that the tests of backbones, runtimes and embedder share."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.networks.backbones.framework import load_keras
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 16
CHANNELS = 6


def tiny_network(*, size: int | None = SIZE) -> Any:
    """Return a network of four layers: two convolutions, a pooling and a dense classifier."""
    keras = load_keras()
    inputs = keras.Input((size, size, 3))
    maps = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="first")(inputs)
    maps = keras.layers.Conv2D(CHANNELS, 3, activation="relu", name="second")(maps)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(maps)
    network = keras.Model(inputs, keras.layers.Dense(3, name="classes")(pooled))
    generator = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(generator.normal(size=weight.shape))
    return network


def save_network(network: Any, path: Path) -> str:
    """Save the network as a `.keras` file and return its SHA-256."""
    with warnings.catch_warnings():
        # Keras 3.15 converts its weights in a way that NumPy 2 announces to end.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        network.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tiny_recipe(path: Path, sha256: str) -> Recipe:
    """Return the recipe of a saved `tiny_network`, up to its second convolution."""
    return Recipe(
        backbone="custom",
        weights=f"sha256:{sha256}",
        layer="second",
        size=SIZE,
        resize="squash",
        pooling="gap",
        dim=CHANNELS,
        preprocessing="tf",
        weights_path=str(path),
    )


def random_images(count: int, size: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return noise, shape (count, size, size, 3), uint8."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, size=(count, size, size, 3), dtype=np.uint8)


class ScaledRuntime:
    """A stand-in that pools the picture itself, so that its feature maps are known by hand."""

    name = "scaled"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.batches: list[int] = []

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the batch itself, times the scale."""
        self.batches.append(len(batch))
        return batch * np.float32(self.scale)
