"""The embedder: pixels in, embeddings out, as one recipe says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import RecipeMismatchError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones import build, catalogue
from imgsearch.networks.backbones.preprocessing import preprocess
from imgsearch.networks.backbones.resolve import stored_name
from imgsearch.networks.pooling import l2_normalise, pool
from imgsearch.networks.runtimes import graphs, preparing
from imgsearch.networks.runtimes.runtime import GRAPH_KINDS
from imgsearch.recipe import HUB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.networks.runtimes.runtime import Runtime, RuntimeChoice
    from imgsearch.recipe import Recipe


class Embedder:
    """Turns images into embeddings."""

    def __init__(self, recipe: Recipe, runtime: Runtime) -> None:
        """Take a runtime that executes the recipe's backbone up to the recipe's layer."""
        self.recipe = recipe
        self._runtime = runtime

    @property
    def runtime_name(self) -> str:
        """What executes the backbone: "litert", "openvino" or "tensorflow"."""
        return self._runtime.name

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the embeddings of a batch: preprocess, run, pool, L2-normalise.

        Args:
            images: RGB pixels, shape (n, size, size, 3), uint8, n >= 0; not modified. All n go
                through the network at once, so memory grows with n.

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
            images: RGB pixels, shape (n, size, size, 3), uint8, n >= 1; not modified.

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
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
) -> Embedder:
    """Return an embedder for a recipe, as fast as this machine allows.

    Graphs for the fast runtimes are exported once and cached; while they are in the cache,
    TensorFlow is not started. A new graph is used only if its embeddings of the probe images agree
    with those that TensorFlow computes in float32 (cosine >= 0.9999 for each, >= 0.999 if the
    recipe's precision is bfloat16), so the runtime is not part of the recipe.

    Args:
        recipe: what to compute.
        runtime: "auto" measures once which runtime has the highest throughput, and remembers it;
            "quick" takes the one that starts first, for one or two images; or a runtime's name.
        threads: of the runtime; None uses all cores.

    Raises:
        WeightsUnavailableError: the weights are no longer on this machine.
        RecipeMismatchError: the weights on this machine are not the recipe's.
        ImgsearchError: the runtime that was asked for cannot run the network, or disagrees.
    """
    check_weights(recipe)
    if runtime == "quick":
        executor = preparing.first_cached(recipe, GRAPH_KINDS, threads=threads)
        if executor is not None:
            return Embedder(recipe, executor)
    if runtime == "auto" or runtime == "quick":  # noqa: PLR1714  so that the type narrows
        return Embedder(recipe, preparing.fastest(recipe, threads=threads))
    return Embedder(recipe, preparing.named(recipe, runtime, threads=threads))


def check_weights(recipe: Recipe) -> None:
    """Check that this machine's weights, if they are needed, are the recipe's.

    A cached graph was exported from weights with the recipe's fingerprint, so it can replace a
    weights file that is gone; a file with other weights is refused. The presets of KerasHub, of a
    gigabyte and more, are not read while there is a graph.

    Raises:
        WeightsUnavailableError: the weights are gone, and no graph made from them is cached.
        RecipeMismatchError: the weights are not the recipe's.
    """
    if recipe.weights.startswith(build.RANDOM_PREFIX):
        return
    cached = any(graphs.GraphKey.of(recipe, kind).path.is_file() for kind in GRAPH_KINDS)
    if cached and recipe.backbone.startswith(HUB):
        return  # its weights take seconds to read
    name, _, version = recipe.backbone.partition("-")
    if version:
        bundled = stored_name(catalogue.find(name))
        if bundled != recipe.backbone:
            raise RecipeMismatchError(
                f"recipe {recipe.name} was made with {recipe.backbone}, but this imgsearch has "
                f"{bundled}: their embeddings are not comparable. "
                f"`imgsearch index --backbone {name}` embeds all again, and queries then use "
                f"{bundled}; or install the imgsearch that has {recipe.backbone}"
            )
    try:
        build.locate(recipe)
    except WeightsUnavailableError:
        if not cached:
            raise
