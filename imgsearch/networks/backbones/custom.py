"""One's own network: a `.keras` file behind its checksum, loaded in Keras's safe mode, always."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import UntrustedModelError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones import layer_names, weights
from imgsearch.networks.backbones.framework import load_keras

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".keras"
CHANNELS: Final = 3
PREFIX: Final = "sha256:"


def check_trust(path: Path, sha256: str | None) -> str:
    """Return the file's fingerprint, if it is the one that the caller vouched for.

    A network file can hold instructions as well as numbers, so nothing of it is read before its
    checksum has been compared.

    Args:
        path: the `.keras` file.
        sha256: 64 hexadecimal digits, upper or lower case; None vouches for nothing.

    Raises:
        WeightsUnavailableError: the file is not there or cannot be read.
        UntrustedModelError: the checksum is missing or another one; the message gives the file's.
    """
    fingerprint = weights.fingerprint(path)
    received = fingerprint.removeprefix(PREFIX)
    if sha256 is None:
        raise UntrustedModelError(
            f"{path}: a network file is loaded only after its checksum was vouched for. If it "
            f"comes from someone that you trust, pass --trust-model {received}"
        )
    vouched = sha256.strip().lower().removeprefix(PREFIX)
    if not hmac.compare_digest(vouched.encode(), received.encode()):
        raise UntrustedModelError(
            f"{path}: its SHA-256 is {received}, and {sha256!r} was vouched for; this is another "
            "file than the one that you trust"
        )
    return fingerprint


def load(path: Path, *, sha256: str, size: int | None) -> tuple[dict[str, Any], Any]:
    """Load one's own network and return what can be taken from it.

    Args:
        path: the `.keras` file.
        sha256: its checksum, vouched for by the caller.
        size: side of the input in pixels; None takes the network's own.

    Returns:
        The layers' symbolic outputs by layer name, in the network's order, and the symbolic input
        (n, size, size, 3) that they all start from.

    Raises:
        UntrustedModelError: the checksum is another one, or the network holds code of its own,
            which Keras's safe mode refuses.
        WeightsUnavailableError: the file is not there, or is no Keras network.
        UsageError: the network does not take one RGB image, or not of this size.
    """
    check_trust(path, sha256)
    keras = load_keras()
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # What Keras raises depends on the layer that it fails at; unsafe code is a ValueError too.
        if "safe_mode" in str(error) or "unsafe" in str(error):
            raise UntrustedModelError(
                f"{path}: the network holds code of its own (a Lambda layer), which is never run; "
                "save it again from built-in layers"
            ) from error
        raise WeightsUnavailableError(
            f"{path}: Keras cannot load this network ({error}); a .keras file of built-in layers "
            "is expected"
        ) from error
    side = _side(network, path, size)
    inputs = keras.Input((side, side, CHANNELS))
    return _outputs(network, inputs), inputs


def default_layer(outputs: dict[str, Any]) -> str:
    """Return the name of the last layer whose activations are feature maps.

    Raises:
        UsageError: there is none.
    """
    maps = layer_names.infos(outputs)
    if not maps:
        raise UsageError(
            "layer: no layer of this network gives feature maps (h, w, c), so there is nothing to "
            "pool; a convolutional network is expected"
        )
    return maps[-1].name


def _side(network: Any, path: Path, size: int | None) -> int:  # noqa: ANN401  Keras has no types
    """Return the side of the square input, from the network where it is fixed, else as asked."""
    shapes = [tuple(tensor.shape) for tensor in getattr(network, "inputs", None) or []]
    if len(shapes) != 1 or len(shapes[0]) != layer_names.MAP_RANK or shapes[0][-1] != CHANNELS:
        raise UsageError(
            f"{path}: the network takes {shapes or 'inputs of unknown shape'}, and one RGB image, "
            "(n, h, w, 3), is expected of a functional or sequential network"
        )
    fixed = {side for side in shapes[0][1:3] if side is not None}
    if len(fixed) > 1:
        raise UsageError(f"{path}: the network takes {shapes[0]}, and a square image is expected")
    if not fixed and size is None:
        raise UsageError(f"{path}: the network takes images of any size; say which with --size")
    if fixed and size is not None and size not in fixed:
        raise UsageError(
            f"size: {path} takes images of {fixed.pop()} pixels only, and {size} was asked for"
        )
    return fixed.pop() if fixed else int(size or 0)


def _outputs(network: Any, inputs: Any) -> dict[str, Any]:  # noqa: ANN401  as above
    """Apply the network's own layers to the input once more, and note what each gives.

    A layer that is itself a network (a backbone inside a classifier) knows only the output of
    its own graph; called here, it shows the one in ours.
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
