"""Resolves a request for a preset of KerasHub to a complete recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch.errors import RecipeMismatchError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones.hub import fetching, folders, image_tower, presets
from imgsearch.recipe import DECODER_VERSION, HUB, Recipe

if TYPE_CHECKING:
    from imgsearch.recipe import RecipeRequest


def resolve(request: RecipeRequest, *, offline: bool) -> Recipe:
    """Resolve a request whose backbone begins with "hub:".

    What it leaves open is the preset's: pooling, size, and how an image becomes square.

    Raises:
        MissingExtraError: KerasHub is not installed.
        UnknownBackboneError: neither a folder nor a known preset.
        UntrustedModelError: the preset's files name code.
        UsageError: options that make no sense for such a network.
        WeightsUnavailableError: it is not here and cannot or may not be downloaded.
    """
    for option, value in (
        ("layer", request.layer),
        ("preprocessing", request.preprocessing),
        ("trust-model", request.trusted_sha256),
        ("weights", request.weights),
    ):
        if value is not None:
            raise UsageError(
                f"{option}: {str(value)!r} is not for KerasHub's presets, which bring their own; "
                "--pooling, --size and --resize are"
            )
    folder = folders.find(request.backbone, offline=offline)
    tower = image_tower.build(
        folder, pooling=request.pooling, size=request.size, with_weights=False
    )
    return Recipe(
        backbone=folders.stored_name(request.backbone),
        weights=folders.image_fingerprint(folder),
        layer=tower.layer,
        size=tower.size,
        resize=request.resize or tower.resize,
        pooling=tower.pooling,
        dim=tower.dim,
        preprocessing="raw",
        precision=request.precision,
        decoder=request.decoder or DECODER_VERSION,
        text=folders.text_fingerprint(folder) if tower.has_text else None,
        weights_path=str(folder),
    )


def locate(recipe: Recipe) -> Path:
    """Return the folder of a recipe's preset, with its fingerprint checked.

    Raises:
        RecipeMismatchError: the folder holds other weights now.
        WeightsUnavailableError: it is gone.
    """
    name = recipe.backbone.removeprefix(HUB)
    places = [Path(recipe.weights_path)] if recipe.weights_path else []
    if name in presets.PRESETS:
        places.append(fetching.cached_folder(presets.PRESETS[name]))
    found = [place for place in places if (place / folders.WEIGHTS).is_file()]
    for place in found:
        folders.check(place)
        if folders.image_fingerprint(place) == recipe.weights:
            return place
    if found:
        raise RecipeMismatchError(
            f"recipe {recipe.name} was made with another preset than {found[0]} holds now: their "
            "embeddings are not comparable. Restore it, or index with the new one, "
            f"--backbone {HUB}{found[0]}, as another recipe"
        )
    raise WeightsUnavailableError(
        f"{recipe.weights_path}: the preset of recipe {recipe.name} is no longer there; restore "
        f"the folder, or download it again: imgsearch index --backbone {folders.argument(recipe)}"
    )
