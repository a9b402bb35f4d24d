"""Builds the Keras network of a recipe, from preprocessed images to feature maps."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import RecipeMismatchError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones import catalogue, custom, layer_names, weights
from imgsearch.networks.backbones.compact import bundled
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.hub import image_tower, resolving
from imgsearch.recipe import DEFAULT_POOLING, HUB

if TYPE_CHECKING:
    from imgsearch.networks.backbones.catalogue import Backbone
    from imgsearch.networks.backbones.layer_names import LayerInfo
    from imgsearch.recipe import Recipe

CUSTOM: Final = "custom"
RANDOM_PREFIX: Final = "random:"
# Of ImageNet's images, as in imgsearch.networks.backbones.preprocessing.
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)


def build(recipe: Recipe) -> Any:  # noqa: ANN401  Keras has no types
    """Build the network of a recipe, with its weights, up to the layer that is taken.

    Args:
        recipe: `weights` of the form "random:<seed>" gives repeatable random weights, for tests
            and timing.

    Returns:
        A Keras model, float32 (n, size, size, 3) preprocessed -> (n, h, w, dim).

    Raises:
        WeightsUnavailableError: the weights are gone, or do not fit the network.
        RecipeMismatchError: the weights on this machine are not the recipe's.
        UnknownLayerError: the network has no such layer.
        MissingExtraError: KerasHub is needed and not installed.
    """
    keras = load_keras()
    if recipe.backbone.startswith(HUB):
        # The layer says it: whoever shares a network among poolings names any of them.
        pooling = None if recipe.layer == image_tower.HEAD else DEFAULT_POOLING
        return image_tower.build(
            locate(recipe), pooling=pooling, size=recipe.size, with_weights=True
        ).model
    if recipe.backbone == CUSTOM:
        outputs, inputs = custom.load(
            locate(recipe), sha256=recipe.weights.removeprefix("sha256:"), size=recipe.size
        )
        return keras.Model(inputs, layer_names.choose(outputs, recipe.layer, backbone=CUSTOM))
    backbone = catalogue.find(recipe.backbone)
    network = _network(backbone, recipe.size)
    if recipe.weights.startswith(RANDOM_PREFIX):
        _randomise(network, seed=int(recipe.weights.removeprefix(RANDOM_PREFIX)))
    elif not backbone.is_compact:
        _load_weights(network, locate(recipe), backbone=backbone)
    if _is_rescaled(backbone):
        _rescale(network)
    outputs = _outputs(network, backbone)
    return keras.Model(
        network.inputs[0], layer_names.choose(outputs, recipe.layer, backbone=backbone.name)
    )


def layers(name: str, *, size: int | None = None) -> list[LayerInfo]:
    """Return the layers of a catalogue network that give feature maps.

    Needs no weights, but builds the network, which takes some seconds.

    Args:
        name: a catalogue name.
        size: side of the input in pixels; None takes the network's own.

    Raises:
        UnknownBackboneError: no such network.
        UsageError: the size is below what the network accepts.
    """
    backbone = catalogue.find(name)
    return layer_names.infos(_outputs(_network(backbone, size or backbone.size), backbone))


def layer_dim(backbone: Backbone, layer: str, *, size: int) -> int:
    """Return the number of channels of a layer, by building the network without weights.

    Raises:
        UnknownLayerError: the network has no such layer, or it gives no feature maps.
        UsageError: the size is below what the network accepts.
    """
    outputs = _outputs(_network(backbone, size), backbone)
    return int(layer_names.choose(outputs, layer, backbone=backbone.name).shape[-1])


def check_size(backbone: Backbone, size: int) -> None:
    """Check that the network accepts an input size.

    Raises:
        UsageError: it is below the network's minimum.
    """
    if size < backbone.minimum_size:
        raise UsageError(
            f"size: {backbone.name} needs at least {backbone.minimum_size} pixels, "
            f"but {size} was asked for (its own size is {backbone.size})"
        )


def locate(recipe: Recipe) -> Path:
    """Return the path of the recipe's weights, with their fingerprint checked.

    It is a file; of a preset of KerasHub, a folder.

    Raises:
        WeightsUnavailableError: there is no file in any of the possible places.
        RecipeMismatchError: there are files, but with other weights.
    """
    if recipe.backbone.startswith(HUB):
        return resolving.locate(recipe)
    places = [Path(recipe.weights_path)] if recipe.weights_path else []
    backbone = None if recipe.backbone == CUSTOM else catalogue.find(recipe.backbone)
    if backbone is not None:
        places.append(weights.cached_path(backbone))
    found = {place: weights.fingerprint(place) for place in places if place.is_file()}
    for place, fingerprint in found.items():
        if fingerprint == recipe.weights:
            return place
    if found:
        listing = ", ".join(f"{place} holds {mark}" for place, mark in found.items())
        raise RecipeMismatchError(
            f"recipe {recipe.name} was made with the weights {recipe.weights}, but {listing}: "
            "their embeddings are not comparable. Restore the old weights, or index with the new "
            "ones as another recipe"
        )
    if backbone is None:
        raise WeightsUnavailableError(
            f"{recipe.weights_path}: the custom model of recipe {recipe.name} is no longer there; "
            f"restore the file with {recipe.weights}"
        )
    raise weights.unavailable(backbone, "the recipe's weights file is gone")


def _network(backbone: Backbone, size: int) -> Any:  # noqa: ANN401  Keras has no types
    check_size(backbone, size)
    if backbone.is_compact:
        load_keras()
        return bundled.build(size)
    # Never weights="imagenet": Keras would download without asking, choose another file of
    # MobileNet for another input size, and refuse some sizes.
    constructor = getattr(load_keras().applications, backbone.keras_class)
    return constructor(include_top=False, weights=None, input_shape=(size, size, 3))


def _load_weights(network: Any, path: Path, *, backbone: Backbone) -> None:  # noqa: ANN401  as above
    try:
        with warnings.catch_warnings():
            # Keras only warns when it leaves a layer's initial random weights in place.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(path)
    except Exception as error:
        # What Keras raises depends on the file's format and on the first layer that does not fit.
        raise WeightsUnavailableError(
            f"{path}: these weights do not fit {backbone.name} without its classifier "
            f"({custom.in_short(str(error))}); "
            f"expected a file such as Keras's {backbone.weights_file}, saved from the same network "
            "with include_top=False"
        ) from error


def _randomise(network: Any, *, seed: int) -> None:  # noqa: ANN401  as above
    """Fill every kernel with normal numbers of variance 2 / fan-in (He et al. 2015), repeatably.

    Keras's initialisers would draw from its global generator, which belongs to the caller.
    """
    generator = np.random.default_rng(seed)
    for variable in network.weights:
        if "kernel" in variable.name:
            shape = tuple(variable.shape)
            # A depthwise kernel (h, w, c, multiplier) sees one channel only.
            inputs = shape[:2] if "depthwise" in variable.path else shape[:-1]
            values = generator.standard_normal(shape, dtype=np.float32)
            variable.assign(values * np.float32(np.sqrt(2.0 / np.prod(inputs))))


def _is_rescaled(backbone: Backbone) -> bool:
    """Return whether this is EfficientNet B0 to B7, whose weights need `_rescale`."""
    return backbone.keras_class.startswith("EfficientNetB")


def _rescale(network: Any) -> None:  # noqa: ANN401  as above
    """Normalise EfficientNet's input as it was when its ImageNet weights were trained.

    Keras's Normalization divides by √v, where v is the variance in the weights file. Only with
    weights="imagenet", Keras adds a second layer that divides by √d, where d is the standard
    deviation of ImageNet's images (keras/src/applications/efficientnet.py; TensorFlow's issues
    49930 and 62193), so by √v √d in all. Multiplying v by d does the same without a second layer.
    """
    (normalisation,) = [
        layer for layer in network.layers if type(layer).__name__ == "Normalization"
    ]
    (variance,) = [weight for weight in normalisation.weights if weight.name == "variance"]
    variance.assign(variance * np.array(IMAGENET_DEVIATION, dtype=np.float32))
    normalisation.finalize_state()


def _outputs(network: Any, backbone: Backbone) -> dict[str, Any]:  # noqa: ANN401  as above
    """Return the layers' symbolic outputs by stable name, without the input layer."""
    keras = load_keras()
    # The output of a nested network belongs to its own graph, not to this one.
    plain = [
        layer
        for layer in network.layers
        if not isinstance(layer, (keras.Model, keras.layers.InputLayer))
    ]
    outputs = {name: layer.output for name, layer in layer_names.stable_names(plain).items()}
    if backbone.keras_class.startswith("ConvNeXt"):
        outputs[backbone.layer] = _normalise_by_pooled(network)
    return outputs


def _normalise_by_pooled(network: Any) -> Any:  # noqa: ANN401  as above
    """Return ConvNeXt's last feature maps, normalised so that their mean is Keras's embedding.

    With pooling="avg", Keras applies the head's LayerNorm to the pooled vector p = GAP(x), as the
    classifier was trained; with pooling=None, to each location separately, which is not the same.
    Here every location is normalised with the pooled vector's mean m(p) and variance v(p) over
    the channels:

        y = (x - m(p)) / √(v(p) + ε) · γ + β

    GAP is linear, so GAP(y) = LayerNorm(GAP(x)) exactly, and the other poolings still get maps.
    """
    keras = load_keras()
    norm = network.layers[-1]
    maps = norm.input
    pooled = keras.ops.mean(maps, axis=(1, 2), keepdims=True)
    mean = keras.ops.mean(pooled, axis=-1, keepdims=True)
    variance = keras.ops.var(pooled, axis=-1, keepdims=True)
    gamma, beta = norm.get_weights()
    return (maps - mean) / keras.ops.sqrt(variance + norm.epsilon) * gamma + beta
