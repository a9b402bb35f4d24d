"""What a query may be given as an image, and what is read of each."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from imgsearch.addresses import named
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from imgsearch.images.geometry import CropBox

    Plain: TypeAlias = (
        str
        | os.PathLike[str]
        | bytes
        | bytearray
        | memoryview
        | IO[bytes]
        | Image.Image
        | NDArray[Any]
    )
    QueryImage: TypeAlias = "Plain | HeldContent | Part | Words | Weighted"


@dataclass(frozen=True, slots=True)
class HeldContent:
    """A content of the gallery as an image of a query; no match has it.

    Attributes:
        content: SHA-256 of its bytes, 64 hexadecimal digits, as `Match.content` has it.
    """

    content: str


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of an image as an image of a query.

    Attributes:
        image: the image.
        crop: which part of it.
    """

    image: Plain | HeldContent
    crop: CropBox


@dataclass(frozen=True, slots=True)
class Words:
    """A text in place of an image of a query; the recipe needs a text encoder.

    Attributes:
        text: a description, such as "two dogs on a beach".
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse what says nothing.

        Raises:
            UsageError: no text, or an empty one.
        """
        if not isinstance(self.text, str) or not self.text.strip():
            raise UsageError(f"text: {self.text!r} says nothing; describe what to look for")


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """An image of a query that counts for more or less than others.

    Attributes:
        image: the image.
        weight: how much it counts, above 0; images without one count 1.
    """

    image: Plain | HeldContent | Part | Words
    weight: float

    def __post_init__(self) -> None:
        """Refuse what is no weight.

        Raises:
            UsageError: names the value.
        """
        number = isinstance(self.weight, int | float | np.number)
        if not number or isinstance(self.weight, bool) or not 0 < self.weight < math.inf:
            raise UsageError(f"weight: {self.weight!r} is not a finite number above 0")


def readable(image: object) -> Path | bytes | NDArray[np.float32]:
    """Return an image's path, the bytes of a file, or the vector that stands for it.

    Args:
        image: a path, bytes, a binary file, an image of Pillow's, an array uint8
            (height, width, 3), or a vector (dim,).

    Raises:
        UsageError: it is something else.
        UnreadableImageError: an image of Pillow's cannot be read.
    """
    if isinstance(image, str | Path):
        return named(image) if isinstance(image, str) else image
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, np.ndarray) and image.ndim == 1:
        return _unit(image)
    if hasattr(image, "read"):
        data = image.read()
        if not isinstance(data, bytes):
            raise UsageError(f"query: {image!r} gives text; open the file in binary mode")
        return data
    if isinstance(image, os.PathLike):
        return Path(os.fspath(image))
    from imgsearch.images.in_memory import encoded

    data = encoded(image)
    if data is None:
        raise UsageError(
            f"query: {type(image).__name__} is no image; give a path, the bytes of a file, a "
            "binary file, an image of Pillow's, an array (height, width, 3), or a vector (dim,)"
        )
    return data


def _unit(vector: NDArray[Any]) -> NDArray[np.float32]:
    if vector.dtype.kind not in "fiu":
        raise UsageError(f"query: a vector of {vector.dtype} holds no real numbers")
    exact = vector.astype(np.float64)
    length = float(np.linalg.norm(exact)) if len(exact) else 0.0
    if not 0 < length < math.inf:
        raise UsageError("query: a vector must be finite, and not zero everywhere")
    return (exact / length).astype(np.float32)
