"""The recipe: everything that makes two embeddings comparable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from imgsearch.errors import GalleryDamagedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

Pooling = Literal["gap", "gmp", "gem", "rmac"]
Resize = Literal["squash", "pad", "crop"]
Preprocessing = Literal["raw", "unit", "tf", "torch", "caffe"]
Precision = Literal["float32"]

POOLINGS: Final[tuple[Pooling, ...]] = get_args(Pooling)
RESIZES: Final[tuple[Resize, ...]] = get_args(Resize)
PREPROCESSINGS: Final[tuple[Preprocessing, ...]] = get_args(Preprocessing)

AUTO: Final = "auto"
DECODER_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class RecipeRequest:
    """What a person asks for; `None` leaves the choice to the backbone's own defaults.

    Attributes:
        backbone: a catalogue name, "auto", or the path of one's own `.keras` network.
        layer: the named layer whose activations are taken.
        pooling: how feature maps become one vector.
        size: side of the square input in pixels.
        resize: how a picture becomes a square.
        weights: a local weights file for a catalogue backbone.
        preprocessing: what the pixels go through; only asked for with one's own network.
        trusted_sha256: checksum that vouches for one's own network.
    """

    backbone: str = AUTO
    layer: str | None = None
    pooling: Pooling = "gap"
    size: int | None = None
    resize: Resize = "squash"
    weights: Path | None = None
    preprocessing: Preprocessing | None = None
    trusted_sha256: str | None = None

    def __post_init__(self) -> None:
        """Refuse values outside the vocabulary.

        Raises:
            UsageError: names the option, what was received, and what it takes.
        """
        choices: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
            ("pooling", self.pooling, POOLINGS),
            ("resize", self.resize, RESIZES),
            ("preprocessing", self.preprocessing, PREPROCESSINGS),
        )
        for option, value, allowed in choices:
            if value is not None and value not in allowed:
                raise UsageError(f"{option}: {value!r} is none of {', '.join(allowed)}")
        if self.size is not None and self.size < 1:
            raise UsageError(f"size: {self.size} is not a number of pixels above 0")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes two embeddings comparable, resolved to the last detail.

    Attributes:
        backbone: catalogue name ("compact-1" carries its version), or "custom".
        weights: fingerprint of the weights, "sha256:" and 64 hexadecimal digits.
        layer: name of the layer whose activations are taken.
        size: side of the square input in pixels.
        resize: how a picture becomes a square.
        pooling: how feature maps become one vector.
        dim: length of the embedding.
        preprocessing: what the pixels go through before the backbone.
        precision: arithmetic of the runtime that makes the embeddings.
        decoder: version of the decoding rules (rotation, colour, antialiased resizing).
        weights_path: where the weights were found; how to find them again, not what they are.
    """

    backbone: str
    weights: str
    layer: str
    size: int
    resize: Resize
    pooling: Pooling
    dim: int
    preprocessing: Preprocessing
    precision: Precision = "float32"
    decoder: int = DECODER_VERSION
    weights_path: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """A readable label, such as "mobilenet_v2/out_relu/gap/224/squash"."""
        return f"{self.backbone}/{self.layer}/{self.pooling}/{self.size}/{self.resize}"

    @property
    def identifier(self) -> str:
        """Twelve hexadecimal digits that differ whenever embeddings are not comparable."""
        identity = asdict(self)
        del identity["weights_path"]
        canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """Return the recipe as one line of JSON, from which `from_json` makes it again."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Return the recipe that `to_json` wrote.

        Raises:
            GalleryDamagedError: the text is not a recipe of this version of imgsearch.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise GalleryDamagedError(
                f"a stored recipe cannot be read ({error}); it was written by another version "
                "of imgsearch, or is damaged"
            ) from error
