"""Which of a gallery's recipes a name or a request means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UnknownRecipeError
from imgsearch.recipe import AUTO, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.recipe import Recipe
    from imgsearch.storage.records import StoredRecipe

SHORTEST_PREFIX: Final = 4


def find_stored(stored: Sequence[StoredRecipe], name: str) -> StoredRecipe | None:
    """Return the recipe of that identifier, prefix of one, full name, or backbone.

    Args:
        stored: the gallery's recipes, the primary one first.
        name: such as "3f2a", "mobilenet_v2" or "mobilenet_v2/out_relu/gap/224/squash".

    Raises:
        UnknownRecipeError: several recipes fit, none of them better than the others.
    """
    fitting = [
        item
        for item in stored
        if name in (item.recipe.identifier, item.recipe.name)
        or (len(name) >= SHORTEST_PREFIX and item.recipe.identifier.startswith(name))
        or _is_backbone(item, name)
    ]
    fitting = _newest(fitting)
    if len(fitting) > 1:
        choices = ", ".join(f"{item.recipe.identifier} ({item.recipe.name})" for item in fitting)
        raise UnknownRecipeError(
            f"recipe: {name!r} fits several of the gallery's recipes, name one: {choices}"
        )
    return fitting[0] if fitting else None


def choose_stored(
    stored: Sequence[StoredRecipe], request: RecipeRequest, *, any_version: bool = False
) -> StoredRecipe | None:
    """Return the recipe that a request asks for, if the gallery has it already.

    What the request leaves open is taken as the gallery has it, so that nothing needs to be
    resolved again. A request that names weights, one's own network, or a backbone that has
    versions (whose newest is meant) is always resolved.

    Args:
        stored: the gallery's recipes, the primary one first.
        request: what is asked for.
        any_version: for a query, where the version that the gallery has is meant.
    """
    if request.weights is not None or request.trusted_sha256 is not None:
        return None
    if request == RecipeRequest():
        return stored[0] if stored else None
    fitting = [
        item
        for item in stored
        if (
            request.backbone in (AUTO, item.recipe.backbone)
            or (any_version and _is_backbone(item, request.backbone))
        )
        and request.layer in (None, item.recipe.layer)
        and request.size in (None, item.recipe.size)
        and request.pooling in (None, item.recipe.pooling)
        and request.resize in (None, item.recipe.resize)
        and request.precision == item.recipe.precision
        and request.decoder in (None, item.recipe.decoder)
    ]
    fitting = _newest(fitting)
    return fitting[0] if len(fitting) == 1 else None


@dataclass(frozen=True, slots=True)
class ChosenRecipe:
    """What a run of `index` embeds under.

    Attributes:
        known: a recipe of the gallery, or None.
        request: what is to be resolved where none is known.
    """

    known: Recipe | None
    request: RecipeRequest


def stored_to_index(
    stored: Sequence[StoredRecipe], wanted: str | RecipeRequest | None
) -> ChosenRecipe:
    """Return the recipe that a run embeds under, as far as the gallery knows it.

    Args:
        stored: the gallery's recipes, the primary one first.
        wanted: a name as in `find_stored`, a backbone, a request, or None for the primary one.

    Raises:
        UnknownRecipeError: several recipes fit, or nothing is wanted and no network is known.
    """
    names = ", ".join(item.recipe.name for item in stored)
    stored = [item for item in stored if not item.recipe.is_imported]
    if names and not stored and wanted is None:
        raise UnknownRecipeError(
            f"the gallery's embeddings were imported ({names}), and the network that made them is "
            "not known: name one with --backbone, which gives a recipe of its own"
        )
    if isinstance(wanted, RecipeRequest):
        request = wanted
    else:
        request = RecipeRequest(backbone=wanted or AUTO)
        if wanted is None and stored:
            return ChosenRecipe(stored[0].recipe, request)
        named = find_stored(stored, wanted) if wanted else None
        if named is not None:
            return ChosenRecipe(named.recipe, request)
    known = choose_stored(stored, request)
    if known is None and request.decoder is not None:
        # Other decoding rules for what the gallery has need no network to be resolved.
        decoded = choose_stored(stored, replace(request, decoder=None))
        if decoded is not None:
            return ChosenRecipe(replace(decoded.recipe, decoder=request.decoder), request)
    return ChosenRecipe(known.recipe if known else None, request)


def with_stored_decoder(
    recipe: Recipe, stored: Sequence[StoredRecipe], request: RecipeRequest
) -> Recipe:
    """Return a resolved recipe with the decoding rules that the gallery has embedded it with.

    So what is embedded stays as it is, unless the request names other rules.
    """
    if request.decoder is not None:
        return recipe
    same = [
        item.recipe for item in stored if replace(item.recipe, decoder=recipe.decoder) == recipe
    ]
    return max(same, key=lambda kept: kept.decoder, default=recipe)


def stored_to_query(
    stored: Sequence[StoredRecipe], wanted: str | RecipeRequest | None
) -> StoredRecipe:
    """Return the recipe that a query is asked under.

    Args:
        stored: the gallery's recipes, the primary one first; one at least.
        wanted: a name as in `find_stored`, a request, or None for the primary one.

    Raises:
        UnknownRecipeError: the gallery has no such recipe, or several fit.
    """
    if wanted is None:
        return stored[0]
    if isinstance(wanted, RecipeRequest):
        known, name = choose_stored(stored, wanted, any_version=True), wanted.backbone
    else:
        known, name = find_stored(stored, wanted), wanted
    if known is None:
        names = ", ".join(f"{item.recipe.identifier} ({item.recipe.name})" for item in stored)
        raise UnknownRecipeError(
            f"the gallery has no embeddings under {name}, only under {names}: index with "
            f"--backbone {name} first, or query one of these"
        )
    return known


def _newest(fitting: Sequence[StoredRecipe]) -> list[StoredRecipe]:
    """Return the recipes without those of which there is a newer version."""
    return [
        item
        for item in fitting
        if not any(other.recipe.supersedes(item.recipe) for other in fitting)
    ]


def _is_backbone(item: StoredRecipe, name: str) -> bool:
    backbone = item.recipe.backbone
    return name == backbone or backbone.startswith(f"{name}-")
