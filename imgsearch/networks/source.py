"""Where a gallery's embeddings come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class EmbedsText(Protocol):
    """What turns words into embeddings that are comparable with images'."""

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, dim)` of n texts."""
        ...


@runtime_checkable
class TextSource(Protocol):
    """An `EmbedderSource` some of whose recipes have a text encoder beside the network."""

    def load_text(self, recipe: Recipe) -> EmbedsText:
        """Return the text encoder of a recipe whose `text` names one."""
        ...


def load_text(source: EmbedderSource, recipe: Recipe) -> EmbedsText:
    """Return the text encoder of a recipe.

    Raises:
        UsageError: the recipe has none, or the source cannot load it.
    """
    if recipe.text is None:
        raise UsageError(
            f"text: recipe {recipe.name} has no text encoder; index with a backbone that has one"
        )
    if not isinstance(source, TextSource):
        raise UsageError(f"text: the text encoder of recipe {recipe.name} cannot be loaded here")
    return source.load_text(recipe)


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
