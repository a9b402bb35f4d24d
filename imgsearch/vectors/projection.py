"""Projection: what is searched is the embedding, centred, decorrelated and shortened.

Pooled activations share a large mean and a few dominant directions, which say little about what
an image shows. The projection subtracts the mean, keeps the directions along which the gallery's
own embeddings vary most, evens their variances out in part, and normalises again. It is fitted
without labels, on the gallery itself (`imgsearch.vectors.projection_fitting`).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from imgsearch.errors import DamagedCacheError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rows at a time, so that the float64 copies of a large gallery never exist at once.
BLOCK_ROWS: Final = 2048

_MAGIC: Final = b"ISPROJ\x01\x00"
_SHAPE: Final = struct.Struct("<8sQQQd")
_DIGEST_BYTES: Final = 32
_FLOAT: Final = np.dtype("<f8")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """A fitted projection: y = ((x - mean) components) · scale, then to unit length.

    Attributes:
        mean: of the embeddings that it was fitted on, shape (dim,), float64.
        components: principal directions as orthonormal columns, shape (dim, out), float64.
        scale: what each principal coordinate is multiplied with, shape (out,), float64.
        power: the power that the scale was made with.
        fitted_count: how many embeddings it was fitted on.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    scale: NDArray[np.float64]
    power: float
    fitted_count: int

    @property
    def dim(self) -> int:
        """Length of the embeddings that go in."""
        return len(self.mean)

    @property
    def out(self) -> int:
        """Length of the vectors that come out."""
        return len(self.scale)

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that differ whenever projected vectors are not comparable."""
        return hashlib.sha256(self._body()).hexdigest()[:12]

    def apply(self, embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Project embeddings.

        Args:
            embeddings: shape (n, dim), finite. Not modified.

        Returns:
            Shape (n, out), float32, rows of unit length; computed in float64. An embedding that
            the mean equals, or differs from only across the components, has no direction left
            and becomes a row of zeros.

        Raises:
            UsageError: the shape is not (n, dim), or a value is not finite.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dim:  # noqa: PLR2004  # rows, columns
            raise UsageError(
                f"embeddings of shape {embeddings.shape} do not fit a projection of dim {self.dim}"
            )
        # Centring alone turns nothing, and need not pay for the turn.
        turns = self.out != self.dim or not np.array_equal(self.components, np.eye(self.dim))
        projected = np.empty((len(embeddings), self.out), dtype=np.float32)
        for start in range(0, len(embeddings), BLOCK_ROWS):
            block = embeddings[start : start + BLOCK_ROWS].astype(np.float64)
            projected[start : start + BLOCK_ROWS] = self._apply_block(block, turns=turns)
        return projected

    def to_bytes(self) -> bytes:
        """Return the projection as bytes with a checksum, from which `from_bytes` makes it."""
        body = self._body()
        return body + hashlib.sha256(body).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the projection that `to_bytes` wrote.

        Raises:
            DamagedCacheError: the bytes are not a projection's, or differ from what was written.
        """
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if len(body) < _SHAPE.size or not body.startswith(_MAGIC):
            raise DamagedCacheError(
                "projection: the bytes do not begin as a projection does; refit it"
            )
        if hashlib.sha256(body).digest() != digest:
            raise DamagedCacheError("projection: its checksum does not fit; refit it")
        _, dim, out, fitted_count, power = _SHAPE.unpack_from(body)
        values = np.frombuffer(body, dtype=np.uint8)[_SHAPE.size :]
        if len(values) != (dim + dim * out + out) * _FLOAT.itemsize:
            raise DamagedCacheError("projection: its length does not fit its shape; refit it")
        numbers = values.view(_FLOAT).astype(np.float64)
        return cls(
            mean=numbers[:dim],
            components=numbers[dim : dim + dim * out].reshape(dim, out),
            scale=numbers[dim + dim * out :],
            power=power,
            fitted_count=fitted_count,
        )

    def _apply_block(self, block: NDArray[np.float64], *, turns: bool) -> NDArray[np.float64]:
        if not np.isfinite(block).all():
            raise UsageError("embeddings hold values that are not finite")
        resolution = np.finfo(np.float32).eps * np.linalg.norm(block, axis=1)
        coordinates = block - self.mean
        if turns:
            # (n, dim) @ (dim, out) -> (n, out)
            coordinates = coordinates @ self.components
        # What is left below the resolution of float32 is rounding: no direction to blow up.
        coordinates[np.linalg.norm(coordinates, axis=1) <= resolution] = 0
        coordinates *= self.scale
        lengths = np.linalg.norm(coordinates, axis=1, keepdims=True)
        return coordinates / np.where(lengths == 0, 1.0, lengths)

    def _body(self) -> bytes:
        shape = _SHAPE.pack(_MAGIC, self.dim, self.out, self.fitted_count, self.power)
        arrays = (self.mean, self.components, self.scale)
        return shape + b"".join(np.ascontiguousarray(a, dtype=_FLOAT).tobytes() for a in arrays)
