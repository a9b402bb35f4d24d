"""The student while it is trained, in Keras 3, on whatever backend Keras runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.distillation.folding import UnitWeights
from imgsearch.networks.backbones.compact.network import (
    HALF_RANGE,
    body,
    build_folded,
    convolution,
    layer_name,
    padded,
)
from imgsearch.networks.backbones.compact.weights import EPSILON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from imgsearch.networks.backbones.compact.architecture import Architecture, Convolution
    from imgsearch.networks.backbones.compact.weights import FoldedStudent


POOLING: Final = "pooling"
"""Name of the training student's layer that the head sees."""
MOMENTUM: Final = 0.95
"""Share of a normalisation's running statistics that a batch leaves in place."""


def build_student(architecture: Architecture, *, seed: int = 0) -> Any:  # noqa: ANN401  Keras has no types
    """Build a student for training, with its normalisations.

    Args:
        architecture: what to build.
        seed: of the initial kernels (He et al. 2015, https://arxiv.org/abs/1502.01852).

    Returns:
        A Keras model, float32 images (n, s, s, 3) in 0..255 of any size s -> embeddings (n, dim),
        normalised over the batch but not of unit length.
    """
    import keras

    counter = iter(range(seed * 10_000, seed * 10_000 + 10_000))

    def apply(spec: Convolution, x: Any) -> Any:  # noqa: ANN401  as above
        x = convolution(
            spec,
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, mode="fan_out", distribution="normal", seed=next(counter)
            ),
        )(padded(spec, x))
        x = keras.layers.BatchNormalization(
            momentum=MOMENTUM,
            epsilon=EPSILON,
            gamma_initializer="zeros" if spec.starts_at_zero else "ones",
            name=f"{layer_name(spec)}_normalisation",
        )(x)
        return keras.layers.ReLU()(x) if spec.relu else x

    images = keras.Input((None, None, 3), name="images")
    rescaled = keras.layers.Rescaling(1.0 / HALF_RANGE, offset=-1.0, name="rescaling")(images)
    maps = body(architecture, rescaled, apply)
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True, name=POOLING)(maps)
    embeddings = keras.layers.Flatten()(apply(architecture.head_convolution(), pooled))
    return keras.Model(images, embeddings, name="student")


def unfold(student: FoldedStudent, images: NDArray[np.uint8]) -> dict[str, UnitWeights]:
    """Return weights with normalisations from which a folded student continues training.

    A folded convolution y = W x + b becomes W with a normalisation of the mean m and variance v
    that W x has on these images, gamma = sqrt(v + epsilon) and beta = m + b: on batches like them
    it does the same.

    Args:
        student: a trained one.
        images: some hundred training images, shape (n, s, s, 3), uint8.
    """
    import keras

    specs = student.architecture.convolutions()
    model = build_folded(student, images.shape[1])
    *inner, head = (model.get_layer(layer_name(spec)).output for spec in specs)
    # The head's normalisation sees pooled embeddings, all others every location.
    pooled = keras.layers.GlobalAveragePooling2D()(head)
    probe = keras.Model(model.inputs, [*inner, pooled])
    outputs = probe.predict_on_batch(images.astype(np.float32))
    units = {}
    for spec, output in zip(specs, outputs, strict=True):
        unit = student.weights[spec.name]
        values = np.asarray(output, dtype=np.float64).reshape(-1, spec.outputs)
        mean, variance = values.mean(axis=0) - unit.bias, values.var(axis=0)
        units[spec.name] = UnitWeights(
            kernel=unit.kernel,
            scale=np.sqrt(variance + EPSILON).astype(np.float32),
            offset=(mean + unit.bias).astype(np.float32),
            mean=mean.astype(np.float32),
            variance=variance.astype(np.float32),
        )
    return units


def get_units(model: Any, architecture: Architecture) -> dict[str, UnitWeights]:  # noqa: ANN401
    """Return the arrays of a model that `build_student` made, by convolution's name."""
    units = {}
    for spec in architecture.convolutions():
        norm = model.get_layer(f"{layer_name(spec)}_normalisation")
        units[spec.name] = UnitWeights(
            kernel=model.get_layer(layer_name(spec)).kernel.numpy(),
            scale=norm.gamma.numpy(),
            offset=norm.beta.numpy(),
            mean=norm.moving_mean.numpy(),
            variance=norm.moving_variance.numpy(),
        )
    return units


def set_units(model: Any, units: Mapping[str, UnitWeights]) -> None:  # noqa: ANN401  Keras has no types
    """Put arrays into a model that `build_student` made."""
    for name, unit in units.items():
        layer_name = name.replace(".", "_")
        model.get_layer(layer_name).kernel.assign(unit.kernel)
        norm = model.get_layer(f"{layer_name}_normalisation")
        norm.gamma.assign(unit.scale)
        norm.beta.assign(unit.offset)
        norm.moving_mean.assign(unit.mean)
        norm.moving_variance.assign(unit.variance)


def take_statistics(model: Any, batches: Iterable[NDArray[np.uint8]]) -> None:  # noqa: ANN401  as above
    """Give a model that `build_student` made statistics that are its weights' own.

    Averaged weights give narrower outputs than those that were averaged, whose statistics would
    scale them down too far, layer after layer (Izmailov et al. 2018,
    https://arxiv.org/abs/1803.05407, section 3.2).

    Args:
        model: it is changed.
        batches: images of the kind that it was trained on, each (n, s, s, 3) and normalised
            together; the statistics are means over all batches alike.
    """
    import keras

    layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for done, images in enumerate(batches):
        for layer in layers:
            layer.momentum = done / (done + 1)
        model(images.astype(np.float32), training=True)
