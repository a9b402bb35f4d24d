"""Sources of networks, and what they load, as protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

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
        """Return the recipe that a request means on this machine."""
        ...

    def load(self, recipe: Recipe) -> EmbedsImages:
        """Return what computes embeddings for a recipe."""
        ...


@runtime_checkable
class RunsElsewhere(Protocol):
    """An `EmbedderSource` that can be sent to another machine and computes the same there."""

    def elsewhere(self, network: EmbedsImages, *, threads: int) -> EmbedderSource:
        """Return the source for another machine.

        Args:
            network: which this machine has loaded.
            threads: that it may use there.
        """
        ...


class EmbedsText(Protocol):
    """Turns text into embeddings that are comparable with images'."""

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, dim)` of n texts."""
        ...


@runtime_checkable
class TextSource(Protocol):
    """An `EmbedderSource` some of whose recipes have a text encoder."""

    def load_text(self, recipe: Recipe) -> EmbedsText:
        """Return the text encoder of a recipe whose `text` names one."""
        ...


def load_text(source: object, recipe: Recipe) -> EmbedsText:
    """Return the text encoder of a recipe.

    Args:
        source: of networks; it may be a `TextSource` or not.
        recipe: of the images' embeddings.

    Raises:
        UsageError: the recipe has none, or the source cannot load one.
    """
    if recipe.text is None:
        raise UsageError(
            f"text: recipe {recipe.name} has no text encoder; index with a backbone that has one, "
            "as in `imgsearch index --backbone hub:siglip2_base_patch16_224` (`imgsearch backbones "
            "--hub` lists all), and query it with --recipe"
        )
    if not isinstance(source, TextSource):
        raise UsageError(f"text: the text encoder of recipe {recipe.name} cannot be loaded here")
    return source.load_text(recipe)


class PretrainedNetworks:
    """The backbones of the catalogue and custom models, run as fast as this machine can."""

    def __init__(self, *, runtime: RuntimeChoice = "auto", threads: int | None = None) -> None:
        """Choose the runtime and its threads, as `networks.embedder.load_embedder` takes them."""
        self._runtime = runtime
        self._threads = threads

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return the recipe that a request means on this machine.

        Raises:
            UsageError: a name or option that makes no sense.
            WeightsUnavailableError: the weights are not on this machine and cannot or may not be
                downloaded.
        """
        from imgsearch.networks.backbones.resolve import resolve

        return resolve(request, offline=offline)

    def load(self, recipe: Recipe) -> EmbedsImages:
        """Return the embedder of a recipe.

        Raises:
            WeightsUnavailableError: the weights are no longer on this machine.
            RecipeMismatchError: the weights on this machine are not the recipe's.
        """
        from imgsearch.networks.embedder import load_embedder

        return load_embedder(recipe, runtime=self._runtime, threads=self._threads)

    def elsewhere(self, network: EmbedsImages, *, threads: int) -> PretrainedNetworks:
        """Return the source for another machine, with the runtime that this one has chosen."""
        from imgsearch.networks.embedder import Embedder

        runtime = self._runtime
        if isinstance(network, Embedder):
            runtime = cast("RuntimeChoice", network.runtime_name)
        return PretrainedNetworks(runtime=runtime, threads=threads)

    def load_text(self, recipe: Recipe) -> EmbedsText:
        """Return the text encoder of a recipe whose `text` names one.

        Raises:
            MissingExtraError: it has to be prepared first, and KerasHub is not installed.
            WeightsUnavailableError: the weights are no longer on this machine.
            RecipeMismatchError: the weights on this machine are not the recipe's.
        """
        from imgsearch.networks.backbones.hub import text_tower

        return text_tower.load(recipe, threads=self._threads)


class EmbedsImages(Protocol):
    """Turns pixels into embeddings."""

    @property
    def recipe(self) -> Recipe:
        """What makes its embeddings comparable."""
        ...

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, dim)` of RGB images `(n, size, size, 3)`."""
        ...


@runtime_checkable
class Network(Protocol):
    """Turns pixels into feature maps."""

    @property
    def recipe(self) -> Recipe:
        """What it computes; the pooling is ignored."""
        ...

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return feature maps (n, h, w, c) of RGB images (n, size, size, 3)."""
        ...
