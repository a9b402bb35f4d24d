"""Where an evaluation's feature maps come from: the pretrained networks, or a test's fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from imgsearch.networks.source import EmbedsText, Network
    from imgsearch.recipe import Recipe, RecipeRequest


# As the name of a weights file: repeatable random weights, for costs without a download.
RANDOM: Final = "random"


class NetworkSource(Protocol):
    """Gives networks to an evaluation."""

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return the recipe that a request stands for on this machine."""
        ...

    def load(self, recipe: Recipe) -> Network:
        """Return the network of a recipe."""
        ...

    def is_prepared(self, recipe: Recipe) -> bool:
        """Tell whether loading is quick: nothing has to be prepared for this machine first."""
        ...


class CatalogueNetworks:
    """The networks that a gallery has, run as fast as this machine can, and random ones."""

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return the recipe that a request stands for on this machine.

        A request whose weights are called "random" gets repeatable random ones: what the network
        costs is then real, and what it retrieves means nothing.

        Raises:
            UsageError: a name or option that makes no sense.
            WeightsUnavailableError: the weights are not here and may or can not be fetched.
        """
        from imgsearch.networks.backbones.resolve import random_recipe, resolve

        if request.weights is None or str(request.weights) != RANDOM:
            return resolve(request, offline=offline)
        return random_recipe(
            request.backbone,
            size=request.size,
            layer=request.layer,
            pooling=request.pooling,
            resize=request.resize,
        )

    def load(self, recipe: Recipe) -> Network:
        """Return the network of a recipe.

        Raises:
            WeightsUnavailableError: the weights are no longer where they were.
            RecipeMismatchError: the weights there are now others.
        """
        from imgsearch.networks.embedder import load_embedder

        return load_embedder(recipe)

    def load_text(self, recipe: Recipe) -> EmbedsText:
        """Return the text encoder of a recipe whose `text` names one.

        Raises:
            WeightsUnavailableError: the weights are no longer where they were.
            RecipeMismatchError: the weights there are now others.
        """
        from imgsearch.networks.source import PretrainedNetworks

        return PretrainedNetworks().load_text(recipe)

    def is_prepared(self, recipe: Recipe) -> bool:
        """Tell whether the fastest runtime of a network is known on this machine."""
        from imgsearch.networks.runtimes import choices

        return choices.load(choices.ChoiceKey.of(recipe, None)) is not None


def has_random_weights(recipe: Recipe) -> bool:
    """Tell whether a recipe's weights were never trained."""
    from imgsearch.networks.backbones.build import RANDOM_PREFIX

    return recipe.weights.startswith(RANDOM_PREFIX)
