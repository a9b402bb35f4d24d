"""Keeps networks loaded, by recipe, for all threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgsearch.networks.source import EmbedderSource, EmbedsImages
    from imgsearch.recipe import Recipe


class LoadedNetworks:
    """Loads each recipe's network once; other threads wait meanwhile."""

    def __init__(self, source: EmbedderSource) -> None:
        self.source = source
        self._loaded: dict[str, EmbedsImages] = {}
        self._loading = threading.Lock()

    def of(self, recipe: Recipe) -> EmbedsImages:
        """Return the network of a recipe.

        Raises:
            WeightsUnavailableError: its weights are not available.
            RecipeMismatchError: the weights on this machine are not the recipe's.
        """
        with self._loading:
            if recipe.identifier not in self._loaded:
                self._loaded[recipe.identifier] = self.source.load(recipe)
            return self._loaded[recipe.identifier]

    def forget(self) -> None:
        """Drop all networks."""
        with self._loading:
            self._loaded.clear()
