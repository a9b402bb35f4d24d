"""A name or a request means one of a gallery's recipes, or none, or is ambiguous."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imgsearch.errors import UnknownRecipeError
from imgsearch.gallery.recipe_choice import (
    choose_stored,
    find_stored,
    stored_to_index,
    with_stored_decoder,
)
from imgsearch.recipe import Recipe, RecipeRequest
from imgsearch.storage.records import StoredRecipe

MOBILENET = Recipe(
    backbone="mobilenet_v2",
    weights="sha256:" + "a" * 64,
    layer="out_relu",
    size=224,
    resize="squash",
    pooling="gap",
    dim=1280,
    preprocessing="tf",
)
COMPACT = replace(MOBILENET, backbone="compact-1", dim=384)
GEM = replace(MOBILENET, pooling="gem")
STORED = [
    StoredRecipe(number, recipe, number == 1, 0)
    for number, recipe in enumerate((MOBILENET, COMPACT, GEM), start=1)
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (COMPACT.identifier, COMPACT),
        (COMPACT.identifier[:4], COMPACT),
        (GEM.name, GEM),
        ("compact-1", COMPACT),
        ("compact", COMPACT),
        (COMPACT.identifier[:3], None),
        ("resnet50", None),
        ("mobilenet", None),
        ("", None),
    ],
)
def test_a_name_finds_its_recipe(name: str, expected: Recipe | None) -> None:
    """By identifier, by four digits of it, by full name, by backbone with or without version."""
    found = find_stored(STORED, name)
    assert (found.recipe if found else None) == expected


def test_a_name_that_several_recipes_share_is_refused_with_the_choices() -> None:
    with pytest.raises(UnknownRecipeError, match="several") as caught:
        find_stored(STORED, "mobilenet_v2")
    assert MOBILENET.identifier in str(caught.value)
    assert GEM.identifier in str(caught.value)


def test_nothing_in_particular_means_the_primary_recipe() -> None:
    assert choose_stored(STORED, RecipeRequest()) == STORED[0]
    assert choose_stored([], RecipeRequest()) is None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (RecipeRequest(backbone="mobilenet_v2"), MOBILENET),
        (RecipeRequest(backbone="mobilenet_v2", pooling="gem"), GEM),
        (RecipeRequest(backbone="mobilenet_v2", layer="out_relu", size=224), MOBILENET),
        (RecipeRequest(backbone="mobilenet_v2", size=192), None),
        (RecipeRequest(backbone="mobilenet_v2", resize="pad"), None),
        (RecipeRequest(pooling="gem"), GEM),
        (RecipeRequest(backbone="compact-1"), COMPACT),
        (RecipeRequest(backbone="compact"), None),
        (RecipeRequest(backbone="mobilenet_v2", weights=Path("w.h5")), None),
        (RecipeRequest(backbone="mobilenet_v2", trusted_sha256="0" * 64), None),
    ],
)
def test_a_request_is_met_by_a_recipe_that_has_all_it_asks_for(
    request_: RecipeRequest, expected: Recipe | None
) -> None:
    found = choose_stored(STORED, request_)
    assert (found.recipe if found else None) == expected


def test_a_query_takes_the_version_of_a_backbone_that_the_gallery_has() -> None:
    found = choose_stored(STORED, RecipeRequest(backbone="compact"), any_version=True)
    assert found == STORED[1]


def test_of_several_versions_the_newest_is_meant() -> None:
    newer = StoredRecipe(9, replace(COMPACT, backbone="compact-2", weights="sha256:new"), False, 0)
    stored = [*STORED, newer]
    assert find_stored(stored, "compact") == newer
    assert find_stored(stored, "compact-1") == STORED[1]
    assert choose_stored(stored, RecipeRequest("compact"), any_version=True) == newer


def test_of_several_decoding_rules_the_newest_are_meant() -> None:
    older = StoredRecipe(9, replace(MOBILENET, decoder=1), False, 0)
    stored = [older, STORED[0]]
    assert find_stored(stored, "mobilenet_v2") == STORED[0]
    assert choose_stored(stored, RecipeRequest("mobilenet_v2")) == STORED[0]
    assert choose_stored(stored, RecipeRequest("mobilenet_v2", decoder=1)) == older


def test_other_decoding_rules_for_what_a_gallery_has_need_no_network_to_be_resolved() -> None:
    older = StoredRecipe(1, replace(MOBILENET, decoder=1), True, 0)
    for request in (RecipeRequest(decoder=2), RecipeRequest("mobilenet_v2", decoder=2)):
        assert stored_to_index([older], request).known == MOBILENET
    assert stored_to_index([older], RecipeRequest(size=192, decoder=2)).known is None


def test_a_resolved_recipe_keeps_the_decoding_rules_that_a_gallery_has_it_with() -> None:
    older = StoredRecipe(1, replace(COMPACT, decoder=1), True, 0)
    request = RecipeRequest("compact")
    assert with_stored_decoder(COMPACT, [older], request) == older.recipe
    assert with_stored_decoder(COMPACT, [older, STORED[1]], request) == COMPACT
    assert with_stored_decoder(COMPACT, [older], replace(request, decoder=2)) == COMPACT
    newer = replace(COMPACT, backbone="compact-2", weights="sha256:new")
    assert with_stored_decoder(newer, [older], request) == newer


def test_a_request_in_another_precision_is_another_recipe() -> None:
    """Their embeddings do not compare."""
    rounded = StoredRecipe(4, replace(MOBILENET, precision="bfloat16"), False, 0)
    stored = [STORED[0], rounded]
    assert choose_stored(stored, RecipeRequest("mobilenet_v2")) == stored[0]
    assert choose_stored(stored, RecipeRequest("mobilenet_v2", precision="bfloat16")) == rounded
