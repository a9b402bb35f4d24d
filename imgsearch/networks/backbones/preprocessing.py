"""Preprocessing: from RGB pixels to the input of a backbone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.recipe import PREPROCESSINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.recipe import Preprocessing

# Mean and standard deviation of ImageNet's training images, from Keras's `imagenet_utils`: the
# first is for blue, green, red in 0..255, the others for red, green, blue in 0..1.
CAFFE_MEAN_BGR: Final = (103.939, 116.779, 123.68)
TORCH_MEAN_RGB: Final = (0.485, 0.456, 0.406)
TORCH_DEVIATION_RGB: Final = (0.229, 0.224, 0.225)


def preprocess(images: NDArray[Any], mode: Preprocessing) -> NDArray[np.float32]:
    """Turn RGB pixels into what a backbone expects.

    "tf", "torch" and "caffe" are those of Keras's `preprocess_input` (keras.io/api/applications),
    bit for bit:

    - "raw": the pixels as they are, 0..255 (the network normalises inside);
    - "unit": x / 255, so 0..1;
    - "tf": x / 127.5 - 1, so -1..1;
    - "torch": (x / 255 - mean) / deviation of ImageNet, channel by channel, RGB;
    - "caffe": RGB becomes BGR, minus the mean of ImageNet, channel by channel.

    Args:
        images: RGB pixels 0..255, shape (n, h, w, 3), usually uint8; not modified.
        mode: one of the names above.

    Returns:
        A fresh C-contiguous float32 array of the same shape.

    Raises:
        UsageError: the shape is not (n, h, w, 3), or the mode is unknown.
    """
    if images.ndim != 4 or images.shape[-1] != 3:  # noqa: PLR2004  (n, h, w, 3)
        raise UsageError(f"images: the shape is {images.shape}, expected (n, h, w, 3)")
    # Keras's own function overwrites a float array; this always copies.
    if mode == "caffe":
        values = np.array(images[..., ::-1], dtype=np.float32, order="C")
        values -= np.array(CAFFE_MEAN_BGR, dtype=np.float32)
        return values
    values = np.array(images, dtype=np.float32, order="C")
    match mode:
        case "raw":
            return values
        case "unit":
            values /= 255.0
            return values
        case "tf":
            values /= 127.5
            values -= 1.0
            return values
        case "torch":
            values /= 255.0
            values -= np.array(TORCH_MEAN_RGB, dtype=np.float32)
            values /= np.array(TORCH_DEVIATION_RGB, dtype=np.float32)
            return values
    raise UsageError(f"preprocessing: {mode!r} is none of {', '.join(PREPROCESSINGS)}")
