"""Custom models: `.keras` files, loaded only with a trusted checksum and in Keras's safe mode."""

from __future__ import annotations

import hmac
import re
import zipfile
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import UntrustedModelError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones import layer_names, weights
from imgsearch.networks.backbones.framework import load_keras

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".keras"
CHANNELS: Final = 3
PREFIX: Final = "sha256:"
MOST_SAID: Final = 160  # characters of a message of Keras's


def check_trust(path: Path, sha256: str | None) -> str:
    """Return the file's fingerprint, if it is the one that the caller trusts.

    A model file can contain code as well as numbers, so nothing of it is parsed before its
    checksum has been compared.

    Args:
        path: the `.keras` file.
        sha256: 64 hexadecimal digits in upper or lower case; None trusts no file.

    Raises:
        WeightsUnavailableError: the file is missing or cannot be read.
        UntrustedModelError: the checksum is missing or differs; the message gives the file's.
    """
    fingerprint = weights.fingerprint(path)
    received = fingerprint.removeprefix(PREFIX)
    if sha256 is None:
        raise UntrustedModelError(
            f"{path}: a custom model is loaded only with its checksum. If you trust where it "
            f"comes from, pass --trust-model {received}"
        )
    trusted = sha256.strip().lower().removeprefix(PREFIX)
    if not hmac.compare_digest(trusted.encode(), received.encode()):
        raise UntrustedModelError(
            f"{path}: its SHA-256 is {received}, but {sha256!r} was given; this is not the file "
            "that you trust"
        )
    return fingerprint


def load(path: Path, *, sha256: str, size: int | None) -> tuple[dict[str, Any], Any]:
    """Load a custom model and return its layers' outputs.

    Args:
        path: the `.keras` file.
        sha256: the checksum that the caller trusts.
        size: side of the input in pixels; None takes the network's own.

    Returns:
        The layers' symbolic outputs by layer name, in the network's order, and their symbolic
        input (n, size, size, 3).

    Raises:
        UntrustedModelError: the checksum differs, or the network contains code, which Keras's safe
            mode refuses.
        WeightsUnavailableError: the file is missing, or not a Keras network.
        UsageError: the network does not take one RGB image, or not of this size.
    """
    check_trust(path, sha256)
    if not zipfile.is_zipfile(path):
        raise WeightsUnavailableError(
            f"{path}: not a Keras network, or a damaged one (a .keras file is a ZIP archive); "
            "expected what model.save('NAME.keras') writes"
        )
    keras = load_keras()
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # What Keras raises depends on the layer that fails; unsafe code is a ValueError too.
        said = str(error)
        if "safe_mode" in said or "unsafe" in said:
            raise UntrustedModelError(f"{path}: {_unsafe(said)}") from error
        raise WeightsUnavailableError(
            f"{path}: Keras cannot load this network ({in_short(said)}); expected a .keras file "
            "with built-in layers only"
        ) from error
    side = _side(network, path, size)
    inputs = keras.Input((side, side, CHANNELS))
    return _outputs(network, inputs), inputs


def describe(path: Path, *, sha256: str | None, size: int | None) -> layer_names.CustomInfo:
    """Return what a custom model's file holds, under the same conditions as `load`.

    Raises:
        UntrustedModelError: the checksum is missing or differs, or the network contains code.
        WeightsUnavailableError: the file is missing, or not a Keras network.
        UsageError: the network does not take one RGB image, not of this size, or has no feature
            maps.
    """
    fingerprint = check_trust(path, sha256)
    outputs, inputs = load(path, sha256=fingerprint.removeprefix(PREFIX), size=size)
    layer = default_layer(outputs)
    network = load_keras().Model(inputs, list(outputs.values()))
    return layer_names.CustomInfo(
        int(inputs.shape[1]), layer, network.count_params(), tuple(layer_names.infos(outputs))
    )


def _unsafe(said: str) -> str:
    """Return what Keras's safe mode has refused, and the remedy."""
    outside = re.search(r"Vocabulary file: '([^']{1,200})'", said)
    if outside:
        return (
            f"the network reads {outside[1]!r}, a file outside of its own, which is refused; save "
            "it again with the vocabulary inside"
        )
    if "Lambda" in said or "lambda" in said:
        return (
            "the network contains code (a Lambda layer), which is never run; save it again with "
            "built-in layers only"
        )
    return (
        f"Keras's safe mode refuses the network ({in_short(said)}); save it again with built-in "
        "layers only"
    )


def in_short(said: str) -> str:
    """Return the first line of what Keras says, which may go on with a whole configuration."""
    line = next((line.strip() for line in said.splitlines() if line.strip()), "no reason given")
    return line if len(line) <= MOST_SAID else f"{line[:MOST_SAID].rstrip()}…"


def default_layer(outputs: dict[str, Any]) -> str:
    """Return the name of the last layer whose activations are feature maps.

    Raises:
        UsageError: there is none.
    """
    maps = layer_names.infos(outputs)
    if not maps:
        raise UsageError(
            "layer: no layer of this network gives feature maps (h, w, c), so there is nothing to "
            "pool; expected a convolutional network"
        )
    return maps[-1].name


def _side(network: Any, path: Path, size: int | None) -> int:  # noqa: ANN401  Keras has no types
    """Return the side of the square input: the network's if it is fixed, else `size`."""
    shapes = [tuple(tensor.shape) for tensor in getattr(network, "inputs", None) or []]
    if len(shapes) != 1 or len(shapes[0]) != layer_names.MAP_RANK or shapes[0][-1] != CHANNELS:
        raise UsageError(
            f"{path}: the network takes {shapes or 'inputs of unknown shape'}; expected a "
            "functional or sequential network that takes one RGB image, (n, h, w, 3)"
        )
    fixed = {side for side in shapes[0][1:3] if side is not None}
    if len(fixed) > 1:
        raise UsageError(f"{path}: the network takes {shapes[0]}; expected a square image")
    if not fixed and size is None:
        raise UsageError(f"{path}: the network takes images of any size; give one with --size")
    if fixed and size is not None and size not in fixed:
        raise UsageError(
            f"size: {path} takes images of {fixed.pop()} pixels only, but {size} was asked for"
        )
    return fixed.pop() if fixed else int(size or 0)


def _outputs(network: Any, inputs: Any) -> dict[str, Any]:  # noqa: ANN401  as above
    """Apply the network's layers to the input again, and return the output of each.

    A layer that is itself a network (a backbone inside a classifier) has an output in its own
    graph only; calling it here gives one in this graph.
    """
    keras = load_keras()
    made: dict[int, Any] = {}

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  as above
        made[id(layer)] = layer(*arguments, **options)
        return made[id(layer)]

    if isinstance(network, keras.Sequential):
        maps = inputs
        for layer in network.layers:
            maps = call(layer, maps)
    else:
        keras.models.clone_model(
            network, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
        )
    named = layer_names.stable_names([layer for layer in network.layers if id(layer) in made])
    return {name: made[id(layer)] for name, layer in named.items()}
