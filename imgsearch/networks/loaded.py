"""Keeps networks loaded, by recipe, for all threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imgsearch.errors import UnknownNetworkError
from imgsearch.forking import forget_in_children, never_free
from imgsearch.networks.source import load_text

if TYPE_CHECKING:
    from imgsearch.networks.source import EmbedderSource, EmbedsImages, EmbedsText
    from imgsearch.recipe import Recipe


class LoadedNetworks:
    """Loads each recipe's network once; other threads wait meanwhile.

    A child process that was forked off loads its own.
    """

    def __init__(self, source: EmbedderSource) -> None:
        self.source = source
        self._loaded: dict[str, EmbedsImages] = {}
        self._texts: dict[str, EmbedsText] = {}
        self._loading = threading.Lock()
        forget_in_children(self._forget_parents)

    def of(self, recipe: Recipe) -> EmbedsImages:
        """Return the network of a recipe.

        Raises:
            WeightsUnavailableError: its weights are not available.
            RecipeMismatchError: the weights on this machine are not the recipe's.
            UnknownNetworkError: the recipe's embeddings were imported.
        """
        if recipe.is_imported:
            raise UnknownNetworkError(
                f"the embeddings of {recipe.name} were imported, and the network that made them is "
                "not known: ask about pictures of the gallery; to ask about others too, import the "
                "embeddings again and name their network with --backbone"
            )
        with self._loading:
            if recipe.identifier not in self._loaded:
                self._loaded[recipe.identifier] = self.source.load(recipe)
            return self._loaded[recipe.identifier]

    def text_of(self, recipe: Recipe) -> EmbedsText:
        """Return the text encoder of a recipe.

        Raises:
            UsageError: the recipe has none, or the source cannot load one.
            WeightsUnavailableError: its weights are not available.
            RecipeMismatchError: the weights on this machine are not the recipe's.
        """
        with self._loading:
            if recipe.identifier not in self._texts:
                self._texts[recipe.identifier] = load_text(self.source, recipe)
            return self._texts[recipe.identifier]

    def forget(self) -> None:
        """Drop all networks."""
        with self._loading:
            self._loaded.clear()
            self._texts.clear()

    def _forget_parents(self) -> None:
        never_free(*self._loaded.values(), *self._texts.values())
        self._loaded, self._texts = {}, {}
        self._loading = threading.Lock()
