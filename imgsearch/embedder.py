"""The embedder: pixels in, embeddings out, by the rules of one recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from imgsearch.backbones import build, catalogue
from imgsearch.backbones.framework import limit_threads
from imgsearch.backbones.preprocessing import preprocess
from imgsearch.backbones.resolve import stored_name
from imgsearch.errors import (
    DamagedCacheError,
    ImgsearchError,
    RecipeMismatchError,
    UsageError,
    WeightsUnavailableError,
)
from imgsearch.pooling import l2_normalise, pool
from imgsearch.runtimes import graphs
from imgsearch.runtimes.openvino import OpenVINORuntime, export
from imgsearch.runtimes.tensorflow import TensorFlowRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe
    from imgsearch.runtimes import Runtime

RuntimeName = Literal["auto", "tensorflow", "openvino"]

LEAST_AGREEMENT: Final = 0.9999
PROBES: Final = 4


class Embedder:
    """Turns images into embeddings.

    Attributes:
        recipe: the rules, to the last detail.
    """

    def __init__(self, recipe: Recipe, runtime: Runtime) -> None:
        """Put a runtime to work under a recipe.

        Args:
            recipe: says size, preprocessing, pooling and dim.
            runtime: executes the recipe's backbone up to the recipe's layer.
        """
        self.recipe = recipe
        self._runtime = runtime

    @property
    def runtime_name(self) -> str:
        """What executes the backbone: "openvino" or "tensorflow"."""
        return self._runtime.name

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the embeddings of a batch: preprocess, run, pool, L2-normalise.

        Args:
            images: RGB pixels, shape (n, size, size, 3), uint8, n >= 0; left untouched. All n go
                through the network at once, so n bounds the memory.

        Returns:
            Embeddings, shape (n, dim), float32, of unit length.

        Raises:
            UsageError: the images are not of the recipe's size, or not uint8.
        """
        if len(images) == 0:
            self._check(images)
            return np.empty((0, self.recipe.dim), dtype=np.float32)
        return l2_normalise(pool(self.feature_maps(images), self.recipe.pooling))

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the activations of the recipe's layer, before any pooling.

        Args:
            images: RGB pixels, shape (n, size, size, 3), uint8, n >= 1; left untouched.

        Returns:
            Feature maps, shape (n, h, w, c), float32.

        Raises:
            UsageError: the images are not of the recipe's size, or not uint8.
        """
        self._check(images)
        return self._runtime.feature_maps(preprocess(images, self.recipe.preprocessing))

    def _check(self, images: NDArray[np.uint8]) -> None:
        side = self.recipe.size
        if images.shape[1:] != (side, side, 3) or images.dtype != np.uint8:
            raise UsageError(
                f"images: received {images.dtype} of shape {images.shape}, and uint8 of shape "
                f"(n, {side}, {side}, 3) is what recipe {self.recipe.name} takes"
            )


def load_embedder(
    recipe: Recipe,
    *,
    runtime: RuntimeName = "auto",
    threads: int | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Embedder:
    """Return an embedder for a recipe, as fast as this machine allows.

    The graph that OpenVINO runs is exported once and kept; while it is in the cache, TensorFlow is
    not started. A fresh graph is used only after its embeddings of a few probe images agree with
    TensorFlow's (cosine >= 0.9999 for each).

    Args:
        recipe: a resolved recipe.
        runtime: "auto" takes OpenVINO where its graph agrees, else TensorFlow.
        threads: threads of the runtime; None takes all cores.
        notify: is told, in one line each, what takes long and what went wrong without harm.

    Raises:
        WeightsUnavailableError: the weights are no longer on this machine.
        RecipeMismatchError: the weights on this machine are others than the recipe's.
        ImgsearchError: "openvino" was asked for, and its graph cannot be made or disagrees.
    """
    check_weights(recipe)
    if runtime != "tensorflow":
        executor = _cached_openvino(recipe, threads=threads, notify=notify)
        if executor is not None:
            return Embedder(recipe, executor)
    return _from_model(recipe, runtime=runtime, threads=threads, notify=notify)


def check_weights(recipe: Recipe) -> None:
    """Make sure that this machine's weights, where they are needed, are the recipe's.

    A graph in the cache was made from weights with the recipe's own fingerprint, so it stands in
    for a weights file that is gone; a file that is there with other weights is refused.

    Raises:
        WeightsUnavailableError: the weights are gone, and there is no graph made from them.
        RecipeMismatchError: the weights are others than the recipe's.
    """
    if recipe.weights.startswith(build.RANDOM_PREFIX):
        return
    name, _, version = recipe.backbone.partition("-")
    if version:
        bundled = stored_name(catalogue.find(name))
        if bundled != recipe.backbone:
            raise RecipeMismatchError(
                f"recipe {recipe.name} was made with {recipe.backbone}, and this imgsearch brings "
                f"{bundled}: their embeddings are not comparable. Index again under {bundled}, or "
                f"install the imgsearch that brings {recipe.backbone}"
            )
    try:
        build.locate(recipe)
    except WeightsUnavailableError:
        if not graphs.GraphKey.of(recipe).path.is_file():
            raise


def probe_images(size: int) -> NDArray[np.uint8]:
    """Return four images that always come out the same, shape (4, size, size, 3), uint8.

    A gradient, coarse and fine blocks of colour, and noise: pictures' large and small scales.
    """
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:size, 0:size] / max(size - 1, 1)
    images = [np.stack([rows, columns, 1 - (rows + columns) / 2], axis=-1) * 255]
    for blocks in (5, 24, size):
        side = -(-size // blocks)
        colours = generator.integers(0, 256, size=(blocks, blocks, 3))
        images.append(colours.repeat(side, axis=0).repeat(side, axis=1)[:size, :size])
    return np.stack(images).astype(np.uint8)


def agreement(recipe: Recipe, reference: Runtime, candidate: Runtime) -> float:
    """Return the least cosine similarity between two runtimes' embeddings of the probe images."""
    images = probe_images(recipe.size)
    expected = Embedder(recipe, reference).embed(images).astype(np.float64)
    received = Embedder(recipe, candidate).embed(images).astype(np.float64)
    return float(np.min(np.sum(expected * received, axis=1)))


def _cached_openvino(
    recipe: Recipe, *, threads: int | None, notify: Callable[[str], None]
) -> Runtime | None:
    """Return the runtime of the graph in the cache; None when there is none that is whole."""
    try:
        graph = graphs.load(graphs.GraphKey.of(recipe))
        return None if graph is None else OpenVINORuntime(graph, threads=threads)
    except DamagedCacheError as error:
        notify(str(error))
        return None


def _from_model(
    recipe: Recipe, *, runtime: RuntimeName, threads: int | None, notify: Callable[[str], None]
) -> Embedder:
    """Build the network with TensorFlow, and export it unless TensorFlow itself was asked for."""
    if threads is not None:
        limit_threads(threads)
    reference = TensorFlowRuntime(build.build(recipe))
    if runtime == "tensorflow":
        return Embedder(recipe, reference)
    notify(f"preparing {recipe.backbone} for this machine (once)")
    try:
        graph = export(reference.function)
        candidate = OpenVINORuntime(graph, threads=threads)
        cosine = agreement(recipe, reference, candidate)
        fault = f"its embeddings differ from TensorFlow's (cosine {cosine:.6f})"
    except Exception as error:  # noqa: BLE001  whatever a converter raises, the reference is there
        cosine, fault = 0.0, f"it cannot run this network ({error})"
    if not cosine >= LEAST_AGREEMENT:
        if runtime == "openvino":
            raise ImgsearchError(
                f"runtime openvino: {fault}, and at least {LEAST_AGREEMENT} is expected; the "
                "runtime tensorflow runs it"
            )
        notify(f"OpenVINO is not used: {fault}; TensorFlow runs {recipe.backbone} instead")
        return Embedder(recipe, reference)
    try:
        graphs.save(graphs.GraphKey.of(recipe), graph)
    except OSError as error:
        notify(f"{graphs.folder()}: the exported graph cannot be kept ({error.strerror or error})")
    return Embedder(recipe, candidate)
