"""A source whose recipes take words, and a text encoder that knows what some of them stand for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from conftest import FakeEmbedder, FakeSource

from imgsearch import Recipe, RecipeRequest
from imgsearch.images.loading import load
from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TOWER = "sha256:" + "1" * 64


@dataclass
class Dictionary:
    """A text encoder that knows the embeddings of some words, and gives others a direction."""

    known: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of 48 numbers."""
        self.asked.append(list(texts))
        return l2_normalise(np.stack([self.known.get(text, _direction(text)) for text in texts]))


def _direction(text: str) -> NDArray[np.float32]:
    seed = sum(ord(letter) << at for at, letter in enumerate(text))
    return np.random.default_rng(seed).normal(size=48).astype(np.float32)


@dataclass
class Talking(FakeSource):
    """A source whose recipes have a text encoder."""

    dictionary: Dictionary = field(default_factory=Dictionary)
    loaded: int = 0

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return a fake recipe with a text encoder."""
        return replace(super().resolve(request, offline=offline), text=TOWER)

    def load_text(self, recipe: Recipe) -> Dictionary:
        """Return the text encoder."""
        assert recipe.text == TOWER
        self.loaded += 1
        return self.dictionary


def plant(talking: Talking, text: str, picture: Path) -> None:
    """Make a text's embedding that of a picture."""
    recipe = talking.resolve(RecipeRequest(), offline=True)
    pixels = load(picture.read_bytes(), size=recipe.size, resize=recipe.resize).pixels
    talking.dictionary.known[text] = FakeEmbedder(recipe).embed(pixels[np.newaxis])[0]
