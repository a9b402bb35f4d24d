"""Which recipes are computed together, so that images are decoded and networks run least often.

Recipes that differ only in pooling share one pass of their network, and networks that take images
of the same size and resizing share the decoding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.recipe import Recipe, Resize

# Networks in memory at once; more of one input size decode their images again.
MOST_NETWORKS: Final = 4


def network_of(recipe: Recipe) -> Recipe:
    """Return the recipe with a fixed pooling: equal for recipes that share a network pass."""
    return replace(recipe, pooling="gap")


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a network, and the poolings of its feature maps.

    Attributes:
        network: as `network_of` returns it for each of the recipes.
        recipes: one for each pooling.
    """

    network: Recipe
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True, slots=True)
class SharedDecoding:
    """Passes over the same decoded images, whose networks are in memory together.

    Attributes:
        size: side of the square in pixels.
        resize: how images become squares.
        passes: at most `MOST_NETWORKS`.
    """

    size: int
    resize: Resize
    passes: tuple[Pass, ...]


def plan(recipes: Sequence[Recipe]) -> list[SharedDecoding]:
    """Return how to compute recipes with the fewest decodings and passes, in their order."""
    poolings: dict[Recipe, dict[Recipe, None]] = {}
    for recipe in recipes:
        poolings.setdefault(network_of(recipe), {})[recipe] = None
    shapes: dict[tuple[int, Resize], list[Pass]] = {}
    for network, some in poolings.items():
        shapes.setdefault((network.size, network.resize), []).append(Pass(network, tuple(some)))
    return [
        SharedDecoding(size, resize, passes)
        for (size, resize), wanted in shapes.items()
        for passes in _chunks(wanted)
    ]


def _chunks(passes: list[Pass]) -> list[tuple[Pass, ...]]:
    starts = range(0, len(passes), MOST_NETWORKS)
    return [tuple(passes[start : start + MOST_NETWORKS]) for start in starts]
