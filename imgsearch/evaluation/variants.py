"""What is evaluated: which embeddings, projected how, searched how; and grids of these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError
from imgsearch.recipe import RESIZES, PoolingChoice, RecipeRequest
from imgsearch.vectors.projection_choice import NONE, ProjectionChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imgsearch.recipe import Recipe, Resize

    Resolve = Callable[[RecipeRequest], Recipe]

JOIN: Final = "+"
TIMES: Final = "x"
OWN: Final = "auto"
CUSTOM: Final = "custom"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How many neighbours are mixed in, and how their weight falls with their score.

    Attributes:
        k: how many.
        alpha: a neighbour's weight is its score to this power; 0 weighs all alike.
    """

    k: int
    alpha: float = 0.0

    @classmethod
    def parse(cls, text: str, *, option: str, alpha: float) -> Neighbours | None:
        """Return what "K" or "K:ALPHA" says; None for "none".

        Args:
            text: as on the command line.
            option: named in the error.
            alpha: where the text has none.

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
    """k-reciprocal re-ranking.

    Attributes:
        k1: neighbours among which reciprocal ones are sought.
        k2: neighbours over which they are averaged.
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
        augment: the gallery's own vectors are mixed with their neighbours' first.
        expand: the query is mixed with the vectors of its first answers, and asked again.
        rerank: the scores are made anew from reciprocal neighbours.
    """

    augment: Neighbours | None = None
    expand: Neighbours | None = None
    rerank: Reranking | None = None

    def __str__(self) -> str:
        steps = (("augment", self.augment), ("expand", self.expand), ("rerank", self.rerank))
        return ", ".join(f"{name} {step}" for name, step in steps if step is not None)


@dataclass(frozen=True, slots=True)
class Composition:
    """Which embeddings make one vector: parts side by side, each a sum over its scales.

    Attributes:
        parts: the recipes of each part, one for each scale; usually one part of one recipe.
    """

    parts: tuple[tuple[Recipe, ...], ...]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """All recipes, each once."""
        return tuple(dict.fromkeys(recipe for part in self.parts for recipe in part))

    @property
    def backbone(self) -> str:
        """Names of the backbones, and layers where one has several."""
        names = [_backbone_name(part[0]) for part in self.parts]
        labels = [
            f"{name}/{part[0].layer}" if names.count(name) > 1 else name
            for part, name in zip(self.parts, names, strict=True)
        ]
        return JOIN.join(labels)

    @property
    def layer(self) -> str:
        """Names of the layers."""
        return JOIN.join(part[0].layer for part in self.parts)

    @property
    def pooling(self) -> str:
        """The poolings, each once."""
        return JOIN.join(dict.fromkeys(recipe.pooling for recipe in self.recipes))

    @property
    def size(self) -> str:
        """Side of the input in pixels; "224,157" for two scales, "128+224" for two backbones."""
        sizes = (",".join(str(recipe.size) for recipe in part) for part in self.parts)
        return JOIN.join(dict.fromkeys(sizes))

    @property
    def resize(self) -> str:
        """How pictures become squares, each way once."""
        return JOIN.join(dict.fromkeys(recipe.resize for recipe in self.recipes))

    @property
    def dim(self) -> int:
        """Length of the composed vector."""
        return sum(part[0].dim for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One row of the table.

    Attributes:
        composition: the embeddings.
        projection: what is done to them before the search.
        post: what is done after.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Lists of options, all combinations of which are evaluated; texts as on the command line.

    Attributes:
        backbones: names or paths of networks; "a+b" puts the embeddings of two side by side.
        layers: names of layers, "auto" for a backbone's own; "a+b" puts two side by side.
        poolings: as `PoolingChoice` reads them.
        sizes: "auto" (the backbone's own), pixels, or a multiple of its own such as "1.5x".
        resizes: squash, pad, crop.
        scales: lists such as "1,0.7,1.4", whose embeddings are summed.
        projections: as `ProjectionChoice` reads them.
        augmentations: "none", "K" or "K:ALPHA".
        expansions: likewise.
        rerankings: "none" or "K1:K2:LAMBDA".
        requests: what a backbone brings besides (weights, preprocessing, checksum), by its name;
            none of the fields that the lists above decide.
    """

    backbones: Sequence[str]
    layers: Sequence[str] = (OWN,)
    poolings: Sequence[str] = ("gap",)
    sizes: Sequence[str] = (OWN,)
    resizes: Sequence[str] = ("squash",)
    scales: Sequence[str] = ("1",)
    projections: Sequence[str] = ("none",)
    augmentations: Sequence[str] = ("none",)
    expansions: Sequence[str] = ("none",)
    rerankings: Sequence[str] = ("none",)
    requests: Mapping[str, RecipeRequest] | None = None

    def variants(self, resolve: Resolve) -> tuple[Variant, ...]:
        """Return every combination once; the first one takes the first of every list.

        Args:
            resolve: turns a request into a recipe; asked once for each network and size.

        Raises:
            UsageError: a text that makes no sense, before anything is resolved.
            ImgsearchError: whatever `resolve` raises.
        """
        projections = [ProjectionChoice.parse(text) for text in self.projections]
        posts = [
            PostProcessing(
                augment=Neighbours.parse(augment, option="augment", alpha=0.0),
                expand=Neighbours.parse(expand, option="expand", alpha=3.0),
                rerank=Reranking.parse(rerank),
            )
            for augment, expand, rerank in product(
                self.augmentations, self.expansions, self.rerankings
            )
        ]
        variants = (
            Variant(composition=composition, projection=projection, post=post)
            for composition in self._compositions(_Recipes(resolve, self.requests or {}))
            for projection, post in product(projections, posts)
        )
        return tuple(dict.fromkeys(variants))

    def _compositions(self, recipes: _Recipes) -> list[Composition]:
        poolings = [str(PoolingChoice.parse(text)) for text in self.poolings]
        resizes = [_resize(text) for text in self.resizes]
        sizes = [_size(text) for text in self.sizes]
        scales = [_scales(text) for text in self.scales]
        return [
            Composition(
                tuple(
                    tuple(
                        replace(
                            recipes.find(backbone, layer, _scaled(size, scale)),
                            pooling=pooling,
                            resize=resize,
                        )
                        for scale in some
                    )
                    for backbone, layer in product(
                        _names(backbones, "backbone"), _names(layers, "layer")
                    )
                )
            )
            for backbones, layers, size, resize, some, pooling in product(
                self.backbones, self.layers, sizes, resizes, scales, poolings
            )
        ]


@dataclass(frozen=True, slots=True)
class _Size:
    """A side in pixels, or a multiple of the backbone's own."""

    pixels: int | None = None
    times: float = 1.0


class _Recipes:
    """Resolved recipes, each asked for once."""

    def __init__(self, resolve: Resolve, requests: Mapping[str, RecipeRequest]) -> None:
        self._resolve = resolve
        self._requests = requests
        self._known: dict[tuple[str, str, int | None], Recipe] = {}

    def find(self, backbone: str, layer: str, size: _Size) -> Recipe:
        if size == _Size():
            return self._find(backbone, layer, None)
        own = size.pixels or self._find(backbone, layer, None).size
        return self._find(backbone, layer, max(1, round(own * size.times)))

    def _find(self, backbone: str, layer: str, size: int | None) -> Recipe:
        key = (backbone, layer, size)
        if key not in self._known:
            base = self._requests.get(backbone) or RecipeRequest()
            wanted = replace(
                base, backbone=backbone, layer=None if layer == OWN else layer, size=size
            )
            self._known[key] = self._resolve(wanted)
        return self._known[key]


def _scaled(size: _Size, scale: float) -> _Size:
    return replace(size, times=size.times * scale)


def _backbone_name(recipe: Recipe) -> str:
    """Return the name of a backbone, and the file's where it is one's own network."""
    own = recipe.backbone == CUSTOM and recipe.weights_path
    return Path(own).stem if own else recipe.backbone


def _names(text: str, option: str) -> list[str]:
    # The path of one's own network may hold a "+".
    names = [text] if Path(text).exists() else text.split(JOIN)
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{option}: {text!r} joins names by '+', each once")
    return names


def _size(text: str) -> _Size:
    if text == OWN:
        return _Size()
    try:
        if text.endswith(TIMES):
            size = _Size(times=float(text.removesuffix(TIMES)))
        else:
            size = _Size(pixels=int(text))
    except ValueError:
        size = _Size(pixels=0)
    if (size.pixels is not None and size.pixels < 1) or not 0 < size.times < float("inf"):
        raise UsageError(
            f"size: {text!r} is neither auto, a number of pixels nor a multiple such as 1.5x"
        )
    return size


def _scales(text: str) -> tuple[float, ...]:
    try:
        scales = tuple(float(part) for part in text.split(","))
    except ValueError:
        scales = ()
    if not scales or not all(0 < scale < float("inf") for scale in scales):
        raise UsageError(f"scales: {text!r} is no list of numbers above 0 such as 1,0.7,1.4")
    return scales


def _resize(text: str) -> Resize:
    for known in RESIZES:
        if known == text:
            return known
    raise UsageError(f"resize: {text!r} is none of {', '.join(RESIZES)}")
