"""Resolves a request to a complete recipe."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError, WeightsUnavailableError
from imgsearch.networks.backbones import build, catalogue, custom, layer_names, weights
from imgsearch.networks.backbones.compact import bundled
from imgsearch.networks.backbones.hub import resolving
from imgsearch.pooling_choice import OWN_POOLINGS
from imgsearch.recipe import (
    AUTO,
    DECODER_VERSION,
    DEFAULT_POOLING,
    DEFAULT_RESIZE,
    HUB,
    PREPROCESSINGS,
    Recipe,
)

if TYPE_CHECKING:
    from imgsearch.networks.backbones.catalogue import Backbone
    from imgsearch.pooling_choice import Pooling
    from imgsearch.recipe import RecipeRequest, Resize

LOG: Final = logging.getLogger(__name__)
PREFERRED: Final = "mobilenet_v2"
FALLBACK: Final = "compact"


def resolve(request: RecipeRequest, *, offline: bool = False) -> Recipe:
    """Resolve a request to a recipe, downloading weights if they are missing.

    "auto" takes MobileNetV2 if its weights are on this machine or can be downloaded, else compact,
    which is bundled. A catalogue network with its default layer needs no TensorFlow; another layer
    is looked up by building the network, a custom model and a preset of KerasHub by loading it.

    Raises:
        MissingExtraError: KerasHub is asked for and not installed.
        UnknownBackboneError: the name is not in the catalogue.
        UnknownLayerError: the network has no such layer, or it gives no feature maps.
        WeightsUnavailableError: the weights are not on this machine and cannot or may not be
            downloaded.
        UntrustedModelError: a custom model without the right checksum.
        UsageError: options that do not go together.
    """
    if request.backbone.startswith(HUB):
        return resolving.resolve(request, offline=offline)
    if request.pooling in OWN_POOLINGS:
        raise UsageError(
            f"pooling: {request.pooling} is what some of KerasHub's networks have of their own; "
            f"{request.backbone} has gap, gmp, gem and rmac"
        )
    if request.backbone == AUTO:
        return _resolve_auto(request, offline=offline)
    if Path(request.backbone).suffix == custom.SUFFIX:
        return _resolve_custom(request)
    return _resolve_catalogue(request, catalogue.find(request.backbone), offline=offline)


def random_recipe(
    name: str,
    *,
    seed: int = 0,
    size: int | None = None,
    layer: str | None = None,
    pooling: Pooling | None = None,
    resize: Resize | None = None,
) -> Recipe:
    """Return a recipe with repeatable random weights, for tests and timing only.

    Args:
        name: a catalogue name.
        seed: of the weights.
        size: side of the input in pixels; None takes the network's own.
        layer: None takes the default layer.
        pooling: as in a recipe.
        resize: as in a recipe.

    Raises:
        UnknownBackboneError: the name is not in the catalogue.
        UnknownLayerError: the network has no such layer.
        UsageError: the size is below what the network accepts.
    """
    backbone = catalogue.find(name)
    side = size or backbone.size
    build.check_size(backbone, side)
    layer, dim = _layer_and_dim(backbone, layer, size=side)
    return Recipe(
        backbone=stored_name(backbone),
        weights=f"{build.RANDOM_PREFIX}{seed}",
        layer=layer,
        size=side,
        resize=resize or DEFAULT_RESIZE,
        pooling=pooling or DEFAULT_POOLING,
        dim=dim,
        preprocessing=backbone.preprocessing,
    )


def stored_name(backbone: Backbone) -> str:
    """Return the name for a recipe; compact's includes its version, as in "compact-1"."""
    if backbone.is_compact:
        return f"{bundled.NAME}-{bundled.VERSION}"
    return backbone.name


def _resolve_auto(request: RecipeRequest, *, offline: bool) -> Recipe:
    if request.weights is not None:
        raise UsageError("weights: name the network of the weights file with --backbone")
    preferred = catalogue.find(PREFERRED)
    here = weights.is_available(preferred)
    try:
        recipe = _resolve_catalogue(request, preferred, offline=offline)
    except WeightsUnavailableError as error:
        if here:
            # The file is there but cannot be read: falling back would hide that.
            raise
        reason = "offline" if offline else f"the download failed: {error.__cause__}"
        LOG.info(
            "backbone: %s, because %s's weights are not on this machine (%s)",
            FALLBACK,
            PREFERRED,
            reason,
        )
        return _resolve_catalogue(request, catalogue.find(FALLBACK), offline=offline)
    why = "are on this machine" if here else "were downloaded"
    LOG.info("backbone: %s, whose weights %s", PREFERRED, why)
    return recipe


def _resolve_catalogue(request: RecipeRequest, backbone: Backbone, *, offline: bool) -> Recipe:
    for option, value in (
        ("preprocessing", request.preprocessing),
        ("trust-model", request.trusted_sha256),
    ):
        if value is not None:
            raise UsageError(
                f"{option}: {value!r} is for custom models only; {backbone.name} has its own"
            )
    if request.weights is not None and backbone.is_compact:
        raise UsageError(
            f"weights: {backbone.name} is bundled with its weights and takes no others"
        )
    size = request.size or backbone.size
    build.check_size(backbone, size)
    layer, dim = _layer_and_dim(backbone, request.layer, size=size)
    path = request.weights or weights.ensure(backbone, offline=offline)
    return Recipe(
        backbone=stored_name(backbone),
        weights=weights.fingerprint(path),
        layer=layer,
        size=size,
        resize=request.resize or DEFAULT_RESIZE,
        pooling=request.pooling or DEFAULT_POOLING,
        dim=dim,
        preprocessing=backbone.preprocessing,
        precision=request.precision,
        decoder=request.decoder or DECODER_VERSION,
        weights_path=None if backbone.is_compact else str(path.absolute()),
    )


def _resolve_custom(request: RecipeRequest) -> Recipe:
    if request.weights is not None:
        raise UsageError("weights: a custom model has its weights in its .keras file")
    path = Path(request.backbone).absolute()
    fingerprint = custom.check_trust(path, request.trusted_sha256)
    if request.preprocessing is None:
        raise UsageError(
            f"preprocessing: {path} does not say which preprocessing it expects; give "
            f"--preprocessing {', '.join(PREPROCESSINGS[:-1])} or {PREPROCESSINGS[-1]}"
        )
    outputs, inputs = custom.load(
        path, sha256=fingerprint.removeprefix(custom.PREFIX), size=request.size
    )
    layer = request.layer or custom.default_layer(outputs)
    output = layer_names.choose(outputs, layer, backbone=build.CUSTOM)
    return Recipe(
        backbone=build.CUSTOM,
        weights=fingerprint,
        layer=layer,
        size=int(inputs.shape[1]),
        resize=request.resize or DEFAULT_RESIZE,
        pooling=request.pooling or DEFAULT_POOLING,
        dim=int(output.shape[-1]),
        preprocessing=request.preprocessing,
        precision=request.precision,
        decoder=request.decoder or DECODER_VERSION,
        weights_path=str(path),
    )


def _layer_and_dim(backbone: Backbone, layer: str | None, *, size: int) -> tuple[str, int]:
    """Return the layer's name and channels; the default layer's need no build."""
    if layer is None or layer == backbone.layer:
        return backbone.layer, backbone.dim
    return layer, build.layer_dim(backbone, layer, size=size)
