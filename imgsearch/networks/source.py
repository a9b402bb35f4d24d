"""Where a gallery's embeddings come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.networks.runtimes.runtime import RuntimeChoice
    from imgsearch.recipe import Recipe, RecipeRequest


class EmbedderSource(Protocol):
    """Where a gallery's embeddings come from."""

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return the recipe that a request stands for on this machine."""
        ...

    def load(self, recipe: Recipe) -> EmbedsImages:
        """Return what makes embeddings under a recipe."""
        ...


class PretrainedNetworks:
    """The catalogue of pretrained networks, run as fast as this machine can."""

    def __init__(self, *, runtime: RuntimeChoice = "auto", threads: int | None = None) -> None:
        """Choose what executes the networks.

        Args:
            runtime: as in `imgsearch.networks.embedder.load_embedder`.
            threads: threads of the runtime; None takes all cores.
        """
        self._runtime = runtime
        self._threads = threads

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return the recipe that a request stands for on this machine.

        Raises:
            UsageError: a name or option that makes no sense.
            WeightsUnavailableError: the weights are not here and may or can not be fetched.
        """
        from imgsearch.networks.backbones.resolve import resolve

        return resolve(request, offline=offline)

    def load(self, recipe: Recipe) -> EmbedsImages:
        """Return what makes embeddings under a recipe.

        Raises:
            WeightsUnavailableError: the weights are no longer where they were.
            RecipeMismatchError: the weights there are now others.
        """
        from imgsearch.networks.embedder import load_embedder

        return load_embedder(recipe, runtime=self._runtime, threads=self._threads)


class EmbedsImages(Protocol):
    """What turns pixels into embeddings."""

    @property
    def recipe(self) -> Recipe:
        """What makes its embeddings comparable."""
        ...

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, dim)` of RGB images `(n, size, size, 3)`."""
        ...


class Network(Protocol):
    """What turns pixels into feature maps."""

    @property
    def recipe(self) -> Recipe:
        """Its rules; the pooling is not its business."""
        ...

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return feature maps (n, h, w, c) of RGB images (n, size, size, 3)."""
        ...
