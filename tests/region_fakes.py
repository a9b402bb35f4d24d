"""A network that tells colours apart wherever they are, and scenes with things in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imgsearch.networks.pooling import gap, l2_normalise
from imgsearch.recipe import Recipe, RecipeRequest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.networks.runtimes.runtime import RuntimeChoice

PLACE = 32  # pixels to a side of a place
SAMPLED = 4  # every fourth pixel of a row and of a column is looked at
SIDE = 256


@dataclass
class HistogramNetwork:
    """Feature maps are histograms of 4 × 4 × 4 colours. Counts the images that it has seen."""

    recipe: Recipe
    seen: int = 0

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return maps (n, size / 32, size / 32, 64)."""
        self.seen += len(images)
        n, places = len(images), self.recipe.size // PLACE
        some = images[:, ::SAMPLED, ::SAMPLED]
        bins = (some // 64).astype(np.int64) @ np.array([16, 4, 1])
        cells = bins.reshape(n, places, PLACE // SAMPLED, places, PLACE // SAMPLED).swapaxes(2, 3)
        one_hot = np.eye(64, dtype=np.float32)[cells.reshape(n, places, places, -1)]
        maps: NDArray[np.float32] = one_hot.mean(axis=3)
        return maps

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pooled maps, of unit length."""
        return l2_normalise(gap(self.feature_maps(images)))


@dataclass
class HistogramSource:
    """Gives such networks, one for each size that is asked for."""

    runtime: RuntimeChoice = "auto"
    threads: int | None = None
    networks: dict[int, HistogramNetwork] = field(default_factory=dict)

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:  # noqa: ARG002 - as the protocol has it
        """Return a recipe of 64 pixels."""
        return Recipe(
            backbone="histogram",
            weights="sha256:" + "0" * 64,
            layer="last",
            size=64,
            resize=request.resize,
            pooling=request.pooling,
            dim=64,
            preprocessing="raw",
        )

    def load(self, recipe: Recipe) -> HistogramNetwork:
        """Return the network of a size, always the same."""
        return self.networks.setdefault(recipe.size, HistogramNetwork(recipe))

    @property
    def looked_at(self) -> int:
        """How many images were seen at the size of regions."""
        return self.networks[SIDE].seen if SIDE in self.networks else 0


def colours(seed: int, count: int) -> NDArray[np.uint8]:
    """Return so many colours, no two in the same bin."""
    bins = np.random.default_rng(seed).permutation(64)[:count]
    return (np.stack([bins // 16, bins // 4 % 4, bins % 4], axis=1) * 64 + 32).astype(np.uint8)


def patchwork(seed: int, side: int = SIDE, patches: int = 8) -> Image.Image:
    """Return a picture of squares in eight colours."""
    chance = np.random.default_rng(seed)
    grid = colours(seed, 8)[chance.integers(0, 8, (patches, patches))]
    return Image.fromarray(grid).resize((side, side), Image.Resampling.NEAREST)


def thing(seed: int, side: int = 96) -> Image.Image:
    """Return a picture of stripes in two colours, another pair for each seed."""
    pair = colours(1000 + seed, 2)
    rows = pair[np.arange(6) % 2][:, np.newaxis].repeat(6, axis=1)
    return Image.fromarray(rows).resize((side, side), Image.Resampling.NEAREST)


def scene(seed: int, holds: int | None = None, at: tuple[int, int] = (128, 32)) -> Image.Image:
    """Return a patchwork with a thing in it, 96 of its 256 pixels wide and high, or without."""
    image = patchwork(seed)
    if holds is not None:
        image.paste(thing(holds), at)
    return image


def write_scenes(folder: Path, count: int = 12, *, holding: int = 3) -> Path:
    """Write scenes, the first few of which hold the things of their numbers; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = scene(number, number if number < holding else None)
        image.save(folder / f"{number:02}.png")
    return folder
