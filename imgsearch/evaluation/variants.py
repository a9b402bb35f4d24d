"""What is compared: variants, each of embeddings, a projection and post-processing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError
from imgsearch.vectors.projection_choice import NONE, ProjectionChoice

if TYPE_CHECKING:
    from imgsearch.recipe import Recipe

JOIN: Final = "+"
CUSTOM: Final = "custom"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How many nearest neighbours are added to an embedding, and how they are weighted.

    Attributes:
        k: how many.
        alpha: a neighbour's weight is its score to this power; 0 weights all equally.
    """

    k: int
    alpha: float = 0.0

    @classmethod
    def parse(cls, text: str, *, option: str, alpha: float) -> Neighbours | None:
        """Return what "K" or "K:ALPHA" says; None for "none".

        Args:
            text: as on the command line.
            option: named in the error.
            alpha: used where the text has none.

        Raises:
            UsageError: the text is none of these.
        """
        if text == "none":
            return None
        count, colon, power = text.partition(":")
        try:
            neighbours = cls(int(count), float(power) if colon else alpha)
        except ValueError:
            neighbours = cls(0)
        if neighbours.k < 1 or not 0 <= neighbours.alpha < float("inf"):
            raise UsageError(
                f"{option}: {text!r} is neither none, K nor K:ALPHA (such as 3:3: three "
                "neighbours, weighted by the third power of their score)"
            )
        return neighbours

    def __str__(self) -> str:
        return f"{self.k}:{self.alpha:g}"


@dataclass(frozen=True, slots=True)
class Reranking:
    """Parameters of k-reciprocal re-ranking (`retrieval.reciprocal`).

    Attributes:
        k1: neighbours among which reciprocal ones are sought.
        k2: neighbours over which encodings are averaged.
        weight: of the original score, from 0 to 1.
    """

    k1: int
    k2: int
    weight: float

    @classmethod
    def parse(cls, text: str) -> Reranking | None:
        """Return what "K1:K2:LAMBDA" says; None for "none".

        Raises:
            UsageError: the text is neither.
        """
        if text == "none":
            return None
        try:
            k1, k2, weight = text.split(":")
            reranking = cls(int(k1), int(k2), float(weight))
        except ValueError:
            reranking = cls(0, 0, 0)
        if not 1 <= reranking.k2 <= reranking.k1 or not 0 <= reranking.weight <= 1:
            raise UsageError(
                f"rerank: {text!r} is neither none nor K1:K2:LAMBDA with K1 >= K2 >= 1 and a "
                "LAMBDA from 0 to 1 (such as 20:6:0.3)"
            )
        return reranking

    def __str__(self) -> str:
        return f"{self.k1}:{self.k2}:{self.weight:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostProcessing:
    """What happens after the projection; nothing by default.

    Attributes:
        augment: neighbours added to each of the gallery's embeddings (database augmentation).
        expand: first matches added to the query, which is then asked again (query expansion).
        rerank: k-reciprocal re-ranking of the scores.
    """

    augment: Neighbours | None = None
    expand: Neighbours | None = None
    rerank: Reranking | None = None

    def __str__(self) -> str:
        steps = (("augment", self.augment), ("expand", self.expand), ("rerank", self.rerank))
        return ", ".join(f"{name} {step}" for name, step in steps if step is not None)


@dataclass(frozen=True, slots=True)
class Composition:
    """The embeddings that are concatenated and summed into one: parts, each a sum over scales.

    Attributes:
        parts: recipes, concatenated part by part and summed within a part; usually one part of
            one recipe.
    """

    parts: tuple[tuple[Recipe, ...], ...]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """All recipes, without repetitions."""
        return tuple(dict.fromkeys(recipe for part in self.parts for recipe in part))

    @property
    def backbone(self) -> str:
        """Names of the backbones, with the layer where a backbone occurs more than once."""
        names = [_backbone_name(part[0]) for part in self.parts]
        labels = [
            f"{name}/{part[0].layer}" if names.count(name) > 1 else name
            for part, name in zip(self.parts, names, strict=True)
        ]
        return JOIN.join(labels)

    @property
    def pooling(self) -> str:
        """The poolings, without repetitions."""
        return JOIN.join(dict.fromkeys(recipe.pooling for recipe in self.recipes))

    @property
    def size(self) -> str:
        """Side of the input in pixels; "224,157" for two scales, "128+224" for two backbones."""
        sizes = (",".join(str(recipe.size) for recipe in part) for part in self.parts)
        return JOIN.join(dict.fromkeys(sizes))

    @property
    def resize(self) -> str:
        """How images become squares, without repetitions."""
        return JOIN.join(dict.fromkeys(recipe.resize for recipe in self.recipes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One row of the table."""

    composition: Composition
    projection: ProjectionChoice = NONE
    post: PostProcessing = PostProcessing()

    @property
    def name(self) -> str:
        """A readable label, such as "mobilenet_v2 gap 224 squash · projection 160:0.5"."""
        made = self.composition
        parts = [f"{made.backbone} {made.pooling} {made.size} {made.resize}"]
        parts.append(f"projection {self.projection}")
        return " · ".join([*parts, str(self.post)] if str(self.post) else parts)


def _backbone_name(recipe: Recipe) -> str:
    """Return the backbone's name; for a custom model, that of its file."""
    model = recipe.backbone == CUSTOM and recipe.weights_path
    return Path(model).stem if model else recipe.backbone
