"""The recipe: everything that makes two embeddings comparable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from imgsearch.errors import GalleryDamagedError, UsageError
from imgsearch.pooling_choice import Pooling, PoolingChoice

if TYPE_CHECKING:
    from pathlib import Path

Resize = Literal["squash", "pad", "crop"]
Preprocessing = Literal["raw", "unit", "tf", "torch", "caffe"]
Precision = Literal["float32", "bfloat16"]

RESIZES: Final[tuple[Resize, ...]] = get_args(Resize)
PREPROCESSINGS: Final[tuple[Preprocessing, ...]] = get_args(Preprocessing)
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)

AUTO: Final = "auto"
HUB: Final = "hub:"  # before the name or the folder of a preset of KerasHub
DEFAULT_POOLING: Final = "gap"
DEFAULT_RESIZE: Final = "squash"
DECODER_VERSION: Final = 2

# Bounds of what is read back; no network comes near them.
LARGEST_SIZE: Final = 2**16
LARGEST_DIM: Final = 2**24
MOST_VERSIONS: Final = 2**16
_STORED_TYPES: Final[dict[str, type]] = {"size": int, "dim": int, "decoder": int}
_IMPORTED: Final = "imported"
_MAY_BE_ABSENT: Final = frozenset({"text", "weights_path"})


@dataclass(frozen=True, slots=True)
class RecipeRequest:
    """What a caller asks for; `None` takes the backbone's own default.

    Attributes:
        backbone: a catalogue name, "auto", the path of a custom model (`.keras`), or "hub:" and a
            preset of KerasHub, by its name or its folder.
        layer: name of the layer whose activations are taken.
        pooling: how feature maps become one vector, as `PoolingChoice` parses it; stored as its
            canonical text, so that "gem:3" becomes "gem". `None` becomes "gap", but for KerasHub's
            networks, which have their own.
        size: side of the square input in pixels.
        resize: how an image becomes square. `None` becomes "squash", but for KerasHub's presets,
            which say it.
        weights: a local weights file for a catalogue backbone.
        preprocessing: of the pixels; for custom models only.
        trusted_sha256: checksum of a custom model that the caller trusts.
        precision: arithmetic of the runtime.
        decoder: version of the decoding rules. `None` takes the newest, and in a gallery what its
            recipe has.
    """

    backbone: str = AUTO
    layer: str | None = None
    pooling: Pooling | None = None
    size: int | None = None
    resize: Resize | None = None
    weights: Path | None = None
    preprocessing: Preprocessing | None = None
    trusted_sha256: str | None = None
    precision: Precision = "float32"
    decoder: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: a value is not among those allowed.
        """
        choices: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
            ("resize", self.resize, RESIZES),
            ("preprocessing", self.preprocessing, PREPROCESSINGS),
            ("precision", self.precision, PRECISIONS),
        )
        for option, value, allowed in choices:
            if value is not None and value not in allowed:
                raise UsageError(f"{option}: {value!r} is none of {', '.join(allowed)}")
        if self.size is not None and self.size < 1:
            raise UsageError(f"size: {self.size} is not a positive number of pixels")
        if self.decoder is not None and not 1 <= self.decoder <= DECODER_VERSION:
            raise UsageError(f"decoder: {self.decoder} is no version from 1 to {DECODER_VERSION}")
        pooling, resize = self.pooling, self.resize
        if not self.backbone.startswith(HUB):
            pooling = DEFAULT_POOLING if pooling is None else pooling
            resize = resize or DEFAULT_RESIZE
        if pooling is not None:
            object.__setattr__(self, "pooling", str(PoolingChoice.parse(pooling)))
        object.__setattr__(self, "resize", resize)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes two embeddings comparable, with nothing left open.

    Attributes:
        backbone: catalogue name ("compact-1" carries its version), "custom", or "hub:" and the
            preset's name.
        weights: fingerprint of the weights, "sha256:" and 64 hexadecimal digits; "imported"
            where the embeddings were made elsewhere.
        layer: name of the layer whose activations are taken.
        size: side of the square input in pixels.
        resize: how an image becomes square.
        pooling: how feature maps become one vector, as the text of a `PoolingChoice`.
        dim: dimensions of the embedding.
        preprocessing: of the pixels, before the backbone.
        precision: arithmetic of the runtime that computes the embeddings.
        decoder: version of the decoding rules (rotation, colour, antialiased resizing). 2 decodes
            a JPEG at the least scale that is no smaller than `size`, 1 at twice that.
        text: fingerprint of the text encoder whose embeddings are comparable with these; None if
            there is none, and then not part of the identifier.
        weights_path: where the weights were found; not part of the identifier.
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
    text: str | None = None
    weights_path: str | None = field(default=None, compare=False)

    @classmethod
    def imported(cls, name: str, dim: int) -> Recipe:
        """Return the recipe of embeddings made elsewhere, by a network that is not known here.

        Equal names say that embeddings are comparable.
        """
        return cls(name, _IMPORTED, "", 1, "squash", "gap", dim, "raw", decoder=1)

    @property
    def is_imported(self) -> bool:
        """Whether the network is not known, so that nothing can be embedded under the recipe."""
        return self.weights == _IMPORTED

    @property
    def name(self) -> str:
        """A readable label, such as "mobilenet_v2/out_relu/gap/224/squash"."""
        if self.is_imported:
            return f"{self.backbone}/imported/{self.dim}"
        label = f"{self.backbone}/{self.layer}/{self.pooling}/{self.size}/{self.resize}"
        return label if self.precision == "float32" else f"{label}/{self.precision}"

    def supersedes(self, other: Recipe) -> bool:
        """Return whether this is the other with a newer version of its backbone or its decoder."""
        if self.decoder > other.decoder and replace(other, decoder=self.decoder) == self:
            return True
        (name, mine), (older, theirs) = _versioned(self.backbone), _versioned(other.backbone)
        ways = [
            (recipe.layer, recipe.size, recipe.resize, recipe.pooling, recipe.precision)
            for recipe in (self, other)
        ]
        return (name, ways[0]) == (older, ways[1]) and mine > theirs > 0 and not self.is_imported

    @property
    def identifier(self) -> str:
        """Twelve hexadecimal digits that differ whenever embeddings are not comparable."""
        return _identifier(self)

    def to_json(self) -> str:
        """Return the recipe as one line of JSON, which `from_json` reads."""
        return json.dumps(self._values(), sort_keys=True)

    def _values(self) -> dict[str, Any]:
        values = asdict(self)
        if self.text is None:
            # Left out, so that identifiers from before there were text encoders stay valid.
            del values["text"]
        return values

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Return the recipe that `to_json` wrote.

        Raises:
            GalleryDamagedError: the text is not a recipe of this version of imgsearch.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            recipe = cls(**values)
            recipe._refuse_nonsense()
        except (ValueError, TypeError, RecursionError, UsageError) as error:
            raise GalleryDamagedError(
                f"a stored recipe cannot be read ({error}); it was written by another version "
                "of imgsearch, or is damaged"
            ) from error
        return recipe

    def _refuse_nonsense(self) -> None:
        """Refuse values that no recipe has; `from_json` may read somebody else's file.

        Raises:
            TypeError: a value of another type.
            ValueError: a value out of bounds, or none of the vocabulary.
            UsageError: a pooling that is none.
        """
        for item in fields(self):
            value, kind = getattr(self, item.name), _STORED_TYPES.get(item.name, str)
            if type(value) is not kind and not (value is None and item.name in _MAY_BE_ABSENT):
                raise TypeError(f"{item.name} is {value!r:.60}")
        for name, most in (
            ("size", LARGEST_SIZE),
            ("dim", LARGEST_DIM),
            ("decoder", MOST_VERSIONS),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 1 to {most}")
        for name, allowed in (
            ("resize", RESIZES),
            ("preprocessing", PREPROCESSINGS),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r:.60}")
        PoolingChoice.parse(self.pooling)


def _versioned(backbone: str) -> tuple[str, int]:
    """Return a backbone's name and its version, 0 if it has none."""
    name, _, version = backbone.rpartition("-")
    return (name, int(version)) if name and version.isdecimal() else (backbone, 0)


# Every query asks for it several times. Equal recipes have the same one.
@lru_cache(maxsize=64)
def _identifier(recipe: Recipe) -> str:
    identity = recipe._values()  # noqa: SLF001 - of this module
    del identity["weights_path"]
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
