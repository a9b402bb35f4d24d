"""Networks for evaluations that need no framework, and pictures whose rankings are known."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imgsearch.recipe import Recipe, RecipeRequest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LOG = logging.getLogger("imgsearch.fakes")
SIZE = 16
# Angles of colours between red and green, in degrees; neighbours are those of similar angle.
ANGLES = {"a/0": 0, "a/1": 50, "b/0": 20, "b/1": 90}
# a/0 finds a/1 second, a/1 finds a/0 third, b/0 finds b/1 third, b/1 finds b/0 second.
PRECISIONS = (1 / 2, 1 / 3, 1 / 3, 1 / 2)


@dataclass
class FakeNetwork:
    """Feature maps (n, 4, 4, 3): the mean colours of a coarse grid. Counts pictures."""

    recipe: Recipe
    seen: int = 0
    batches: list[int] = field(default_factory=list)

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return mean colours."""
        self.seen += len(images)
        self.batches.append(len(images))
        side = self.recipe.size // 4
        grid = images.reshape(len(images), 4, side, 4, side, 3).mean(axis=(2, 4))
        return grid.astype(np.float32)


@dataclass
class FakeNetworks:
    """Gives fake networks; remembers requests and networks."""

    requests: list[RecipeRequest] = field(default_factory=list)
    networks: list[FakeNetwork] = field(default_factory=list)

    def resolve(self, request: RecipeRequest, *, offline: bool = False) -> Recipe:
        """Return a recipe named after the request."""
        self.requests.append(request)
        LOG.info("resolved%s", " offline" if offline else "")
        random = request.weights is not None and str(request.weights) == "random"
        return Recipe(
            backbone="fake" if request.backbone == "auto" else request.backbone,
            weights="random:0" if random else "sha256:" + request.backbone.ljust(64, "0"),
            layer=request.layer or "last",
            size=request.size or SIZE,
            resize=request.resize,
            pooling=request.pooling,
            dim=3,
            preprocessing="raw",
        )

    def load(self, recipe: Recipe) -> FakeNetwork:
        """Return a fresh network."""
        LOG.info("loaded %s", recipe.backbone)
        self.networks.append(FakeNetwork(recipe))
        return self.networks[-1]

    def is_prepared(self, _: Recipe) -> bool:
        """Say that loading is quick."""
        return True

    @property
    def seen(self) -> int:
        """How many pictures went through all networks."""
        return sum(network.seen for network in self.networks)


def coloured(path: Path, angle: float, *, side: int = 24) -> Path:
    """Write a picture of one colour between red (0 degrees) and green (90)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    radians = math.radians(angle)
    colour = (round(250 * math.cos(radians)), round(250 * math.sin(radians)), 0)
    Image.new("RGB", (side, side), colour).save(path)
    return path


def labelled(folder: Path) -> Path:
    """Write four pictures in two classes, whose average precisions are `PRECISIONS`."""
    for name, angle in ANGLES.items():
        coloured(folder / f"{name}.png", angle)
    return folder
