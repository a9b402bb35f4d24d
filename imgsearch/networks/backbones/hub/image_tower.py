"""Builds a preset's image tower: pixels 0..255 to feature maps, its own preprocessing inside.

A transformer's output is tokens, `(n, tokens, c)`: first those that stand for the whole image (the
class token, registers), then one for each patch, row by row. The patches' tokens are feature maps
`(n, h, w, c)`, which every pooling takes. Where the network pools by itself, "cls" is its class
token and "map" its multi-head attention pooling, after the projection that it was trained with; the
maps are then of one location.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import ImgsearchError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones.custom import in_short
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.hub.library import load_hub
from imgsearch.networks.framework_noise import without_greetings
from imgsearch.pooling_choice import OWN_POOLINGS, PoolingChoice
from imgsearch.recipe import DEFAULT_POOLING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch.pooling_choice import Pooling
    from imgsearch.recipe import Resize

HEAD: Final = "head"
TOKENS: Final = "tokens"
MAPS: Final = "maps"
# What these call the pooling that their text tower is trained with.
TWO_TOWERS: Final = {"CLIPBackbone": "cls", "MetaCLIP2Backbone": "cls", "SigLIPBackbone": "map"}
# Their position embeddings fit any size of input.
ANY_SIZE: Final = frozenset({"DINOV2Backbone", "DINOV3Backbone"})
TOKEN_RANK: Final = 3
MAP_RANK: Final = 4
FALLBACK_SIZE: Final = 224


@dataclass(frozen=True, slots=True)
class ImageTower:
    """A preset's image network, built.

    Attributes:
        model: a Keras model, float32 (n, size, size, 3), pixels 0..255 -> (n, h, w, c).
        layer: "head" where the network pools, "tokens" or "maps".
        pooling: which is the network's own, unless another was asked for.
        resize: how the preset makes an image square.
        has_text: whether texts' embeddings are comparable with these.
    """

    model: Any
    layer: str
    pooling: Pooling
    resize: Resize
    has_text: bool

    @property
    def size(self) -> int:
        """Side of the square input in pixels."""
        return int(self.model.inputs[0].shape[1])

    @property
    def dim(self) -> int:
        """Length of the embedding."""
        return int(self.model.outputs[0].shape[-1])


def build(
    folder: Path, *, pooling: Pooling | None, size: int | None, with_weights: bool
) -> ImageTower:
    """Build a preset's image tower.

    Args:
        folder: of the preset, checked by `folders.check`.
        pooling: None takes the network's own, "gap" where it has none.
        size: side of the input in pixels; None takes the preset's.
        with_weights: False leaves random ones, for what only asks for shapes.

    Raises:
        MissingExtraError: KerasHub is not installed.
        UsageError: no image network, not of this size, or without such a pooling.
        WeightsUnavailableError: KerasHub cannot load it.
    """
    keras, hub = load_keras(), load_hub()
    with loading(folder):
        converter = hub.layers.ImageConverter.from_preset(str(folder))
        # The configuration alone says the size that it was made for.
        backbone = load_backbone(folder, with_weights=with_weights, size=None)
    own = _own_size(backbone, converter)
    if size is not None or own != _side(backbone):
        backbone = _of_size(folder, backbone, size or own, with_weights=with_weights)
    side = _side(backbone) or size or own
    images = keras.Input((side, side, 3))
    outputs = _outputs(backbone, _scaled(images, converter), size=side)
    chosen = pooling or next((own for own in OWN_POOLINGS if own in outputs), DEFAULT_POOLING)
    method = PoolingChoice.parse(chosen).method
    layer = method if method in OWN_POOLINGS else TOKENS if TOKENS in outputs else MAPS
    if layer not in outputs:
        has = ", ".join(own for own in OWN_POOLINGS if own in outputs) or "none of its own"
        raise UsageError(
            f"pooling: {folder.name} has no {method} ({has}); gap, gmp, gem and rmac pool the "
            "feature maps of any network"
        )
    return ImageTower(
        model=keras.Model(images, outputs[layer]),
        layer=HEAD if layer in OWN_POOLINGS else layer,
        pooling=chosen,
        resize=_resize(converter),
        has_text=layer == TWO_TOWERS.get(type(backbone).__name__),
    )


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turn whatever KerasHub raises into an error that names the preset.

    Raises:
        WeightsUnavailableError: anything that is not imgsearch's own.
    """
    try:
        with without_greetings():
            yield
    except ImgsearchError:
        raise
    except Exception as error:
        # What it raises depends on the file that is wrong.
        raise WeightsUnavailableError(
            f"{folder}: KerasHub cannot load this preset ({in_short(str(error))}); expected a "
            "folder that this version of KerasHub, or an earlier one, has saved"
        ) from error


def load_backbone(folder: Path, *, with_weights: bool, size: int | None) -> Any:  # noqa: ANN401  Keras has no types
    """Return KerasHub's own object, in float32.

    Args:
        folder: of the preset.
        with_weights: whether to load its weights.
        size: of the images, for a network that takes any.
    """
    shaped = {} if size is None else {"image_shape": (size, size, 3)}
    return load_hub().models.Backbone.from_preset(
        str(folder), load_weights=with_weights, dtype="float32", **shaped
    )


def _of_size(folder: Path, backbone: Any, size: int, *, with_weights: bool) -> Any:  # noqa: ANN401  as above
    name, side = type(backbone).__name__, _side(backbone)
    if side in (None, size):
        return backbone
    if name not in ANY_SIZE:
        raise UsageError(
            f"size: {folder.name} takes images of {side} pixels only, but {size} was asked for"
        )
    if size % backbone.patch_size:
        raise UsageError(
            f"size: {folder.name} takes multiples of {backbone.patch_size} pixels, but {size} was "
            "asked for"
        )
    with loading(folder):
        return load_backbone(folder, with_weights=with_weights, size=size)


def _side(backbone: Any) -> int | None:  # noqa: ANN401  as above
    """Return the side that the network was built for; None where it takes any."""
    shape = getattr(getattr(backbone, "vision_encoder", backbone), "image_shape", None)
    if shape is None:
        raise UsageError(
            f"backbone: {type(backbone).__name__} takes no images; `imgsearch backbones --hub` "
            "lists networks that do"
        )
    return None if shape[0] is None else int(shape[0])


def _own_size(backbone: Any, converter: Any) -> int:  # noqa: ANN401  as above
    side = _side(backbone)
    if side is not None and type(backbone).__name__ not in ANY_SIZE:
        return side
    return int((converter.image_size or (side or FALLBACK_SIZE,))[0])


def _resize(converter: Any) -> Resize:  # noqa: ANN401  as above
    if converter.crop_to_aspect_ratio:
        return "crop"
    return "pad" if converter.pad_to_aspect_ratio else "squash"


def _scaled(images: Any, converter: Any) -> Any:  # noqa: ANN401  as above
    """Return what the preset's converter makes of images that have its size: x · scale + offset."""
    scale = 1.0 if converter.scale is None else converter.scale
    offset = 0.0 if converter.offset is None else converter.offset
    return load_keras().layers.Rescaling(scale, offset)(images)


def _outputs(backbone: Any, images: Any, *, size: int) -> dict[str, Any]:  # noqa: ANN401  as above
    """Return what the network puts out, by pooling of its own, "tokens" or "maps"."""
    keras = load_keras()
    reshaped = keras.layers.Reshape
    own = TWO_TOWERS.get(type(backbone).__name__)
    if own is not None:
        encoder = backbone.vision_encoder
        tokens = _tokens(encoder, images)
        pooled = backbone.get_vision_embeddings(images)
        grid = _grid(tokens, encoder, size=size)
        return {own: reshaped((1, 1, pooled.shape[-1]))(pooled), TOKENS: grid}
    found = backbone(_given(backbone, images))
    if len(getattr(found, "shape", ())) == MAP_RANK:
        return {MAPS: found}
    if len(getattr(found, "shape", ())) != TOKEN_RANK:
        raise UsageError(
            f"backbone: {type(backbone).__name__} gives neither tokens nor feature maps; "
            "`imgsearch backbones --hub` lists networks that do"
        )
    grid = _grid(found, backbone, size=size)
    places = grid.shape[1] * grid.shape[2]
    if found.shape[1] == places:
        return {TOKENS: grid}
    return {"cls": reshaped((1, 1, found.shape[-1]))(found[:, 0, :]), TOKENS: grid}


def _tokens(encoder: Any, images: Any) -> Any:  # noqa: ANN401  as above
    """Return the tokens of a two-tower network's image encoder, before it pools."""
    norm = getattr(encoder, "post_layer_norm", None)
    if norm is None:
        return encoder(_given(encoder, images))
    return load_keras().Model(encoder.inputs[0], norm.output)(images)


def _given(network: Any, images: Any) -> Any:  # noqa: ANN401  as above
    """Return images as a network takes them: by the name of its input, where that has one."""
    return dict.fromkeys(network.input, images) if isinstance(network.input, dict) else images


def _grid(tokens: Any, encoder: Any, *, size: int) -> Any:  # noqa: ANN401  as above
    """Return the patches' tokens (n, h, w, c), which come after all others."""
    patch = getattr(encoder, "patch_size", None)
    across = math.isqrt(tokens.shape[1])
    if patch is not None:
        across = size // int(patch[0] if isinstance(patch, tuple | list) else patch)
    # From the end: KerasHub's SigLIP announces one token more than it gives.
    patches = tokens[:, -across * across :, :]
    return load_keras().layers.Reshape((across, across, tokens.shape[-1]))(patches)
