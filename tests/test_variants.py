"""Grids of options become variants: every combination once, the first of each list first."""

from __future__ import annotations

import pytest
from evaluation_fakes import FakeNetworks

from imgsearch.errors import UsageError
from imgsearch.evaluation.grid import Grid
from imgsearch.evaluation.variants import Neighbours, PostProcessing, Reranking, Variant


def variants(**lists: object) -> tuple[Variant, ...]:
    """Return the variants of a grid over the fake networks."""
    return Grid(**{"backbones": ("one",), **lists}).variants(FakeNetworks().resolve)  # type: ignore[arg-type]


def test_every_combination_is_there_once_and_in_order() -> None:
    found = variants(
        backbones=("one", "two"), poolings=("gap", "gem", "gem:3"), projections=("none", "128")
    )
    described = [(v.composition.backbone, v.composition.pooling, str(v.projection)) for v in found]
    assert described == [
        ("one", "gap", "none"),
        ("one", "gap", "128:0.5"),
        ("one", "gem", "none"),
        ("one", "gem", "128:0.5"),
        ("two", "gap", "none"),
        ("two", "gap", "128:0.5"),
        ("two", "gem", "none"),
        ("two", "gem", "128:0.5"),
    ]


def test_a_network_is_resolved_once_for_each_size() -> None:
    networks = FakeNetworks()
    grid = Grid(
        backbones=("one",),
        poolings=("gap", "gmp"),
        resizes=("squash", "pad"),
        sizes=("auto", "1.5x", "32"),
    )
    sizes = [variant.composition.size for variant in grid.variants(networks.resolve)]
    assert sizes == ["16"] * 4 + ["24"] * 4 + ["32"] * 4
    assert [request.size for request in networks.requests] == [None, 24, 32]


def test_scales_are_sizes_of_one_part() -> None:
    (variant,) = variants(scales=("1,0.5,1.5",))
    (part,) = variant.composition.parts
    assert [recipe.size for recipe in part] == [16, 8, 24]
    assert variant.composition.size == "16,8,24"
    assert [recipe.dim for recipe in part] == [3, 3, 3]


def test_joined_names_are_parts_side_by_side() -> None:
    (variant,) = variants(backbones=("one+two",))
    assert variant.composition.backbone == "one+two"
    assert [recipe.dim for (recipe,) in variant.composition.parts] == [3, 3]
    (layers,) = variants(layers=("low+high",))
    assert layers.composition.backbone == "one/low+one/high"
    assert [part[0].layer for part in layers.composition.parts] == ["low", "high"]


def test_a_name_says_everything_that_was_chosen() -> None:
    (variant,) = variants(
        poolings=("gem:4",),
        projections=("64:0.25:0",),
        expansions=("3",),
        augmentations=("2:1",),
        rerankings=("20:6:0.3",),
    )
    assert variant.name == (
        "one gem:4 16 squash · projection 64:0.25:0 · augment 2:1, expand 3:3, rerank 20:6:0.3"
    )
    assert variant.post == PostProcessing(
        augment=Neighbours(2, 1.0), expand=Neighbours(3, 3.0), rerank=Reranking(20, 6, 0.3)
    )


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("sizes", "big", "size: 'big'"),
        ("sizes", "0", "size: '0'"),
        ("sizes", "-1x", "size: '-1x'"),
        ("scales", "1,0", "scales: '1,0'"),
        ("scales", "", "scales: ''"),
        ("resizes", "stretch", "resize: 'stretch'"),
        ("poolings", "mean", "pooling: 'mean'"),
        ("projections", "much", "projection: 'much'"),
        ("backbones", "one+", "backbone: 'one+'"),
        ("layers", "a+a", "layer: 'a+a'"),
        ("expansions", "0", "expand: '0'"),
        ("augmentations", "2:x", "augment: '2:x'"),
        ("rerankings", "20:6", "rerank: '20:6'"),
        ("rerankings", "6:20:0.3", "rerank: '6:20:0.3'"),
    ],
)
def test_what_makes_no_sense_is_named(field: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match="^" + said.replace("+", r"\+")):
        variants(**{field: (text,)})
