"""Builds a student in Keras 3 from its architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.networks.backbones.compact.architecture import Architecture, Block, Convolution
    from imgsearch.networks.backbones.compact.weights import FoldedStudent


HALF_RANGE: Final = 127.5


def build_folded(student: FoldedStudent, size: int | None) -> Any:  # noqa: ANN401  Keras has no types
    """Build a trained student for use: convolutions, ReLUs, additions and average poolings only.

    The linear head comes before the pooling, as a 1x1 convolution: the mean over locations and a
    linear map commute, so the global average pooling of the output is the embedding.

    Args:
        student: architecture and folded weights.
        size: side of the square input in pixels; None for any.

    Returns:
        A Keras model, float32 images (n, size, size, 3) in 0..255, RGB -> feature maps
        (n, h, w, dim).
    """
    import keras

    architecture = student.architecture
    first = architecture.stem_convolutions()[0].name

    def apply(spec: Convolution, x: Any) -> Any:  # noqa: ANN401
        layer = convolution(spec, use_bias=True)
        kernel, bias = student.weights[spec.name].kernel, student.weights[spec.name].bias
        if spec.name == first:
            # W (x / 127.5 - 1) = (W / 127.5) x - ΣW, and a padding of 0 becomes 127.5. This saves
            # one pass over the pixels, a fifteenth of the time.
            side = (spec.padding, spec.padding)
            x = keras.ops.pad(x, ((0, 0), side, side, (0, 0)), constant_values=HALF_RANGE)
            x = layer(x)
            kernel, bias = kernel / np.float32(HALF_RANGE), bias - kernel.sum(axis=(0, 1, 2))
        else:
            x = layer(padded(spec, x))
        layer.set_weights([kernel, bias])
        return keras.layers.ReLU()(x) if spec.relu else x

    images = keras.Input((size, size, 3), name="images")
    maps = apply(architecture.head_convolution(), body(architecture, images, apply))
    return keras.Model(images, maps, name="student")


def layer_name(spec: Convolution) -> str:
    """Return the name of a convolution's Keras layer."""
    return spec.name.replace(".", "_")


def convolution(spec: Convolution, **options: Any) -> Any:  # noqa: ANN401  Keras has no types
    """Return the Keras layer of a convolution, without its padding."""
    import keras

    return keras.layers.Conv2D(
        spec.outputs, spec.kernel, spec.stride, "valid", name=layer_name(spec), **options
    )


def padded(spec: Convolution, x: Any) -> Any:  # noqa: ANN401  Keras has no types
    """Return a tensor with the zero padding of a convolution."""
    import keras

    # Explicit, because "same" pads strided convolutions on one side in TensorFlow only.
    return keras.layers.ZeroPadding2D(spec.padding)(x) if spec.padding else x


def body(architecture: Architecture, images: Any, apply: Callable[[Convolution, Any], Any]) -> Any:  # noqa: ANN401
    """Apply stem, blocks and the last convolution; `apply` makes each convolution's layers."""
    x = images
    for spec in architecture.stem_convolutions():
        x = apply(spec, x)
    for block in architecture.blocks():
        x = _block(block, x, apply)
    return apply(architecture.features_convolution(), x)


def _block(block: Block, x: Any, apply: Callable[[Convolution, Any], Any]) -> Any:  # noqa: ANN401
    import keras

    y = x
    for spec in block.branch:
        y = apply(spec, y)
    if block.shortcut is not None:
        if block.shortcut_pool > 1:
            # "same" averages without the padding, and matches the strided branch for odd sides.
            x = keras.layers.AveragePooling2D(block.shortcut_pool, padding="same")(x)
        x = apply(block.shortcut, x)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))
