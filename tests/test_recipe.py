"""A recipe's identifier differs exactly when embeddings are not comparable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.errors import GalleryDamagedError, UsageError
from imgsearch.pooling_choice import LARGEST_GEM_POWER, LEAST_GEM_POWER, POOLINGS, PoolingChoice
from imgsearch.recipe import PREPROCESSINGS, RESIZES, Recipe, RecipeRequest

RECIPE = Recipe(
    backbone="mobilenet_v2",
    weights="sha256:" + "a" * 64,
    layer="out_relu",
    size=224,
    resize="squash",
    pooling="gap",
    dim=1280,
    preprocessing="tf",
    weights_path="/somewhere/weights.h5",
)

RECIPES = st.builds(
    Recipe,
    backbone=st.text(min_size=1, max_size=9),
    weights=st.text(max_size=9),
    layer=st.text(max_size=9),
    size=st.integers(1, 999),
    resize=st.sampled_from(RESIZES),
    pooling=st.sampled_from([*POOLINGS, "gem:4", "rmac:2"]),
    dim=st.integers(1, 4096),
    preprocessing=st.sampled_from(PREPROCESSINGS),
    weights_path=st.none() | st.text(max_size=9),
)


@given(RECIPES)
def test_a_recipe_comes_back_from_its_json(recipe: Recipe) -> None:
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    assert again.weights_path == recipe.weights_path
    assert again.identifier == recipe.identifier


@given(RECIPES, RECIPES)
def test_two_recipes_have_one_identifier_exactly_when_they_are_equal(a: Recipe, b: Recipe) -> None:
    assert (a.identifier == b.identifier) == (a == b)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("backbone", "resnet50"),
        ("weights", "sha256:" + "b" * 64),
        ("layer", "block_16_project"),
        ("size", 192),
        ("resize", "pad"),
        ("pooling", "gem"),
        ("pooling", "gem:4"),
        ("dim", 1279),
        ("preprocessing", "torch"),
        ("decoder", 1),
        ("precision", "bfloat16"),
    ],
)
def test_every_detail_that_changes_embeddings_changes_the_identifier(
    field: str, value: Any
) -> None:
    assert replace(RECIPE, **{field: value}).identifier != RECIPE.identifier


def test_where_the_weights_lie_changes_nothing() -> None:
    moved = replace(RECIPE, weights_path="/elsewhere.h5")
    assert moved.identifier == RECIPE.identifier
    assert moved == RECIPE


def test_the_identifier_is_twelve_hexadecimal_digits_and_the_same_in_every_process() -> None:
    assert replace(RECIPE, decoder=1).identifier == "2261f993f036"


def test_the_name_reads_as_a_path_of_choices() -> None:
    assert RECIPE.name == "mobilenet_v2/out_relu/gap/224/squash"
    rounded = replace(RECIPE, precision="bfloat16")
    assert rounded.name == "mobilenet_v2/out_relu/gap/224/squash/bfloat16"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"backbone": "x"}', '{"unknown": 1}']
)
def test_text_that_is_no_recipe_is_damage_that_names_the_remedy(text: str) -> None:
    with pytest.raises(GalleryDamagedError, match="another version"):
        Recipe.from_json(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "mean"}, "pooling: 'mean' is none of gap, gmp, gem, rmac"),
        ({"resize": "stretch"}, "resize: 'stretch' is none of squash, pad, crop"),
        ({"preprocessing": "keras"}, "preprocessing: 'keras' is none of"),
        ({"size": 0}, "size: 0 is not"),
        ({"decoder": 0}, "decoder: 0 is no version from 1 to 2"),
        ({"decoder": 3}, "decoder: 3 is no version from 1 to 2"),
    ],
)
def test_a_request_outside_the_vocabulary_is_refused_with_the_choices(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        RecipeRequest(**options)


def test_a_request_leaves_open_what_was_not_asked_for() -> None:
    request = RecipeRequest(backbone="vgg16", weights=Path("w.h5"))
    assert (request.layer, request.size, request.pooling) == (None, None, "gap")


# Pooling.


@pytest.mark.parametrize("method", POOLINGS)
def test_a_plain_pooling_is_written_as_it_always_was(method: str) -> None:
    """Identifiers of recipes that galleries hold already rest on it."""
    assert str(PoolingChoice.parse(method)) == method
    assert RecipeRequest(pooling=method).pooling == method


@pytest.mark.parametrize(
    ("text", "one_text", "parameter"),
    [
        ("gap", "gap", None),
        ("gem", "gem", 3),
        ("gem:3", "gem", 3),
        ("gem:3.00", "gem", 3),
        ("gem:4", "gem:4", 4),
        ("gem:4.0", "gem:4", 4),
        ("gem:2.5", "gem:2.5", 2.5),
        ("rmac", "rmac", 3),
        ("rmac:3", "rmac", 3),
        ("rmac:02", "rmac:2", 2),
        ("rmac:20", "rmac:20", 20),
    ],
)
def test_every_pooling_has_one_text(text: str, one_text: str, parameter: float | None) -> None:
    assert PoolingChoice.parse(text).parameter == parameter
    assert str(PoolingChoice.parse(text)) == one_text
    assert RecipeRequest(pooling=text) == RecipeRequest(pooling=one_text)


@given(st.floats(LEAST_GEM_POWER, LARGEST_GEM_POWER))
def test_a_power_comes_back_from_its_text_to_the_last_digit(power: float) -> None:
    choice = PoolingChoice("gem", power)
    assert PoolingChoice.parse(str(choice)) == choice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is none of gap, gmp, gem, rmac, gem:POWER and rmac:LEVELS"),
        ("GAP", "'GAP' is none of"),
        ("gap:2", "gap has no parameter"),
        ("gmp:", "gmp has no parameter"),
        ("gem:", "a power is a number from 0.1 to 1000"),
        ("gem:x", "a power is a number"),
        ("gem:0", "a power is a number"),
        ("gem:-3", "a power is a number"),
        ("gem:nan", "a power is a number"),
        ("gem:inf", "a power is a number"),
        ("rmac:", "levels are a whole number from 1 to 20"),
        ("rmac:0", "levels are"),
        ("rmac:21", "levels are"),
        ("rmac:2.5", "levels are"),
        ("rmac:-1", "levels are"),
        ("rmac:" + "9" * 5000, "levels are"),
    ],
)
def test_what_is_no_pooling_is_named_with_what_is(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RecipeRequest(pooling=text)


@pytest.mark.parametrize(
    ("backbone", "changes", "expected"),
    [
        ("compact-2", {}, True),
        ("compact-10", {}, True),
        ("compact-1", {}, False),
        ("compact-0", {}, False),
        ("compact", {}, False),
        ("other-2", {}, False),
        ("compact-x", {}, False),
        ("compact-2", {"pooling": "gem"}, False),
        ("compact-2", {"size": 160}, False),
        ("compact-2", {"dim": 512, "weights": "sha256:b"}, True),
    ],
)
def test_a_newer_version_taken_in_the_same_way_supersedes(
    backbone: str,
    changes: dict[str, Any],
    *,
    expected: bool,
) -> None:
    older = replace(RECIPE, backbone="compact-1")
    assert replace(older, backbone=backbone, **changes).supersedes(older) is expected
    assert not RECIPE.supersedes(RECIPE)


def test_newer_decoding_rules_supersede_older_ones_of_the_same_network() -> None:
    older = replace(RECIPE, decoder=1)
    assert RECIPE.supersedes(older)
    assert not older.supersedes(RECIPE)
    assert not replace(RECIPE, weights="sha256:b").supersedes(older)
