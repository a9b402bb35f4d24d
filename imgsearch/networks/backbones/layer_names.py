"""The layers of a network that give feature maps, under stable names."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from imgsearch.errors import UnknownLayerError

MAP_RANK: Final = 4


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer whose activations are feature maps.

    Attributes:
        name: what `--layer` takes.
        shape: height, width and channels of its feature maps at the network's input size.
    """

    name: str
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CustomInfo:
    """What a custom model's file holds.

    Attributes:
        size: side of the network's square input in pixels.
        layer: the default layer.
        parameters: how many the layers listed have.
        layers: those whose activations are feature maps, in the network's order.
    """

    size: int
    layer: str
    parameters: int
    layers: tuple[LayerInfo, ...]

    @property
    def dim(self) -> int:
        """Length of the embedding at the default layer."""
        return next(layer.shape[2] for layer in self.layers if layer.name == self.layer)


def stable_names(layers: list[Any]) -> dict[str, Any]:
    """Return the layers by the names that Keras would give them in a new process.

    Keras numbers layers without a name of their own across the whole process, so the
    "activation_187" of one network is "activation_374" if it is built again. Here they are
    numbered within the network, in the order of their creation: "activation", "activation_1", ...

    Args:
        layers: a Keras network's layers.
    """
    numbered: defaultdict[str, list[tuple[int, Any]]] = defaultdict(list)
    names: dict[str, Any] = {}
    for layer in layers:
        prefix = _snake_case(type(layer).__name__)
        match = re.fullmatch(rf"{prefix}(?:_(\d+))?", layer.name)
        if match is None:
            names[layer.name] = layer
        else:
            numbered[prefix].append((int(match.group(1) or 0), layer))
    for prefix, group in numbered.items():
        for rank, (_, layer) in enumerate(sorted(group, key=lambda pair: pair[0])):
            names[f"{prefix}_{rank}" if rank else prefix] = layer
    order = {id(layer): position for position, layer in enumerate(layers)}
    return dict(sorted(names.items(), key=lambda item: order[id(item[1])]))


def _snake_case(name: str) -> str:
    """Return "GlobalAveragePooling2D" as "global_average_pooling2d", and "ReLU" as "re_lu"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", name).lower()


def infos(outputs: dict[str, Any]) -> list[LayerInfo]:
    """Return name and shape of all outputs that are feature maps, in the network's order.

    Args:
        outputs: the layers' symbolic outputs by layer name.
    """
    return [
        LayerInfo(name, (output.shape[1], output.shape[2], output.shape[3]))
        for name, output in outputs.items()
        if is_map(output)
    ]


def is_map(output: Any) -> bool:  # noqa: ANN401  Keras has no types
    """Return whether a symbolic output is feature maps, (n, h, w, c)."""
    return len(getattr(output, "shape", ())) == MAP_RANK


def choose(outputs: dict[str, Any], name: str, *, backbone: str) -> Any:  # noqa: ANN401  Keras has no types
    """Return the symbolic output of the layer of this name.

    Raises:
        UnknownLayerError: there is no such layer, or its activations are not feature maps; the
            message suggests layers with similar names.
    """
    output = outputs.get(name)
    if output is not None and is_map(output):
        return output
    maps = [info.name for info in infos(outputs)]
    near = difflib.get_close_matches(name, maps, n=5, cutoff=0.4) or maps[-5:]
    if output is None:
        fault = "has no such layer"
    else:
        shape = ", ".join(str(side) for side in output.shape[1:])
        fault = f"gives ({shape}) per image there, but feature maps (h, w, c) are needed"
    raise UnknownLayerError(
        f"layer: {name!r}: {backbone} {fault}; possible layers: {', '.join(near)}"
        f"{f' and {len(maps) - len(near)} more' if len(maps) > len(near) else ''}"
    )
