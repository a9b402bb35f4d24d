"""A grid of variants: lists of options, as typed, whose combinations are all evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError
from imgsearch.evaluation.variants import (
    JOIN,
    Composition,
    Neighbours,
    PostProcessing,
    Reranking,
    Variant,
)
from imgsearch.pooling_choice import OWN_POOLINGS, PoolingChoice
from imgsearch.recipe import DEFAULT_POOLING, DEFAULT_RESIZE, HUB, RESIZES, RecipeRequest
from imgsearch.vectors.projection_choice import ProjectionChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imgsearch.pooling_choice import Pooling
    from imgsearch.recipe import Recipe, Resize

    Resolve = Callable[[RecipeRequest], Recipe]

TIMES: Final = "x"
AUTO: Final = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Lists of options, as typed on the command line; every combination is a variant.

    Attributes:
        backbones: names, or paths of custom models; "a+b" concatenates the embeddings of two.
        layers: names of layers, "auto" for a backbone's default; "a+b" concatenates two.
        poolings: as `PoolingChoice.parse` reads them; "auto" for "gap", or a network's own.
        sizes: "auto" (the backbone's default), pixels, or a multiple of the default: "1.5x".
        resizes: "squash", "pad", "crop"; "auto" for "squash", or what a preset says.
        scales: such as "1,0.7,1.4": factors of the size, whose embeddings are summed.
        projections: as `ProjectionChoice.parse` reads them.
        augmentations: "none", "K" or "K:ALPHA".
        expansions: "none", "K" or "K:ALPHA".
        rerankings: "none" or "K1:K2:LAMBDA".
        requests: by backbone, what the lists above do not decide: weights, preprocessing,
            checksum.
    """

    backbones: Sequence[str]
    layers: Sequence[str] = (AUTO,)
    poolings: Sequence[str] = (AUTO,)
    sizes: Sequence[str] = (AUTO,)
    resizes: Sequence[str] = (AUTO,)
    scales: Sequence[str] = ("1",)
    projections: Sequence[str] = ("none",)
    augmentations: Sequence[str] = ("none",)
    expansions: Sequence[str] = ("none",)
    rerankings: Sequence[str] = ("none",)
    requests: Mapping[str, RecipeRequest] | None = None

    def variants(self, resolve: Resolve) -> tuple[Variant, ...]:
        """Return every combination once, starting with the first element of every list.

        Args:
            resolve: turns a request into a recipe; called once for each network and size.

        Raises:
            UsageError: an option cannot be parsed.
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
        poolings = [
            None if text == AUTO else str(PoolingChoice.parse(text)) for text in self.poolings
        ]
        resizes = [_resize(text) for text in self.resizes]
        sizes = [_size(text) for text in self.sizes]
        scales = [_scales(text) for text in self.scales]
        return [
            Composition(
                tuple(
                    tuple(
                        recipes.find(_Way(backbone, layer, pooling, resize), _scaled(size, scale))
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


@dataclass(frozen=True, slots=True)
class _Way:
    """How a network is used; None where that is left to it."""

    backbone: str
    layer: str
    pooling: Pooling | None
    resize: Resize | None

    @property
    def network(self) -> _Way:
        """What has to be resolved; pooling and resizing change nothing else of most networks."""
        own = self.backbone.startswith(HUB) or self.pooling in OWN_POOLINGS
        return self if own else replace(self, pooling=None, resize=None)


class _Recipes:
    """Recipes by backbone, layer, size and what else its network depends on, each resolved once."""

    def __init__(self, resolve: Resolve, requests: Mapping[str, RecipeRequest]) -> None:
        self._resolve = resolve
        self._requests = requests
        self._known: dict[tuple[_Way, int | None], Recipe] = {}

    def find(self, way: _Way, size: _Size) -> Recipe:
        network = way.network
        pixels = size.pixels
        if size != _Size():
            pixels = max(1, round((pixels or self._find(network, None).size) * size.times))
        found = self._find(network, pixels)
        if network == way:
            return found
        return replace(
            found, pooling=way.pooling or DEFAULT_POOLING, resize=way.resize or DEFAULT_RESIZE
        )

    def _find(self, way: _Way, size: int | None) -> Recipe:
        key = (way, size)
        if key not in self._known:
            base = self._requests.get(way.backbone) or RecipeRequest()
            wanted = replace(
                base,
                backbone=way.backbone,
                layer=None if way.layer == AUTO else way.layer,
                size=size,
                pooling=way.pooling,
                resize=way.resize,
            )
            self._known[key] = self._resolve(wanted)
        return self._known[key]


def _scaled(size: _Size, scale: float) -> _Size:
    return replace(size, times=size.times * scale)


def _names(text: str, option: str) -> list[str]:
    # The path of a custom model may contain a "+".
    whole = Path(text.removeprefix(HUB)).exists()
    names = [text] if whole else text.split(JOIN)
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{option}: {text!r} joins names by '+', each once")
    return names


def _size(text: str) -> _Size:
    if text == AUTO:
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
        raise UsageError(f"scales: {text!r} is not a list of numbers above 0 such as 1,0.7,1.4")
    return scales


def _resize(text: str) -> Resize | None:
    if text == AUTO:
        return None
    for known in RESIZES:
        if known == text:
            return known
    raise UsageError(f"resize: {text!r} is none of {', '.join(RESIZES)}")
