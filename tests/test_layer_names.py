"""Layers keep their names from run to run, and a wrong name is answered with right ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from backbone_fixtures import tiny_network

from imgsearch.errors import UnknownLayerError
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.layer_names import LayerInfo, choose, infos, stable_names

pytestmark = pytest.mark.tensorflow


def network_with_unnamed_layers() -> Any:
    keras = load_keras()
    inputs = keras.Input((4, 4, 3))
    maps = keras.layers.Conv2D(2, 1)(inputs)
    maps = keras.layers.ReLU()(maps)
    maps = keras.layers.Conv2D(2, 1, name="conv2d_special")(maps)
    maps = keras.layers.Conv2D(2, 1)(maps)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(keepdims=True)(maps))


def test_unnamed_layers_are_numbered_through_the_network_and_not_the_process() -> None:
    """Keras itself goes on counting: its second network has other names than its first."""
    first, second = network_with_unnamed_layers(), network_with_unnamed_layers()
    assert first.layers[1].name != second.layers[1].name
    expected = [
        "input_layer",
        "conv2d",
        "re_lu",
        "conv2d_special",
        "conv2d_1",
        "global_average_pooling2d",
    ]
    assert list(stable_names(first.layers)) == expected
    assert list(stable_names(second.layers)) == expected
    assert stable_names(second.layers)["conv2d_1"] is second.layers[4]


def test_numbers_follow_creation_and_not_the_order_of_layers() -> None:
    """conv2d_9 and conv2d_10 were made in this order; as text they would sort the other way."""

    class Conv2D:
        def __init__(self, name: str) -> None:
            self.name = name

    layers = [Conv2D("conv2d_10"), Conv2D("conv2d_9"), Conv2D("named")]
    assert {name: layer.name for name, layer in stable_names(layers).items()} == {
        "conv2d_1": "conv2d_10",
        "conv2d": "conv2d_9",
        "named": "named",
    }


def symbolic_outputs() -> dict[str, Any]:
    return {layer.name: layer.output for layer in tiny_network().layers[1:]}


def test_only_layers_with_maps_are_listed() -> None:
    assert infos(symbolic_outputs()) == [
        LayerInfo("first", (7, 7, 4)),
        LayerInfo("second", (5, 5, 6)),
    ]


def test_the_chosen_layer_gives_its_output() -> None:
    outputs = symbolic_outputs()
    assert choose(outputs, "first", backbone="tiny") is outputs["first"]


def test_a_misspelled_layer_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownLayerError, match=r"'secund': tiny has no such layer.*: second"):
        choose(symbolic_outputs(), "secund", backbone="tiny")


def test_a_layer_without_maps_is_refused_with_its_shape() -> None:
    with pytest.raises(UnknownLayerError, match=r"'pooled': tiny gives \(6\).*first, second"):
        choose(symbolic_outputs(), "pooled", backbone="tiny")


def test_outputs_without_a_shape_are_not_maps() -> None:
    assert infos({"odd": SimpleNamespace()}) == []
