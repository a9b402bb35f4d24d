"""Projection: what is searched is the embedding, centred, decorrelated and shortened.

Pooled activations share a large mean and a few dominant directions, which say little about what
a picture shows. The projection takes the mean away, keeps the directions along which the
gallery's own embeddings differ most, evens these out in part, and normalises again. It is fitted
without labels, on the gallery itself.
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

# Chosen by benchmarks/projection_study.py on two labelled sets, their union, and small galleries
# drawn from them; the tables and the reasons are in benchmarks/results/projection_study.md.
DEFAULT_DIM: Final = 160
DEFAULT_POWER: Final = 0.5
DEFAULT_SHRINKAGE: Final = 20.0
MINIMUM_COUNT: Final = 250

# Rows at a time, so that the float64 copies of a large gallery never exist at once.
_BLOCK: Final = 2048
_MAGIC: Final = b"ISPROJ\x01\x00"
_SHAPE: Final = struct.Struct("<8sQQQd")
_DIGEST_BYTES: Final = 32
_FLOAT: Final = np.dtype("<f8")
# A direction with less than this share of the largest variance is rounding, not pictures.
_RANK_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionChoice:
    """Which projection a gallery is searched through.

    Attributes:
        dim: how many principal components are kept; 0 searches the raw embeddings.
        power: how far their variances are evened out, from 0 (plain PCA) to 0.5 (whitening), after
            the shrinkage.
        minimum_count: with fewer contents than this the raw embeddings are searched.
        shrinkage: what is added to every variance first, in multiples of their mean; 0 makes a
            power of 0.5 full whitening.
        centring_only: only the mean is taken away, and all dimensions are kept; then `dim` is 0,
            and neither power nor shrinkage says anything.
    """

    dim: int
    power: float
    minimum_count: int = 2
    shrinkage: float = DEFAULT_SHRINKAGE
    centring_only: bool = False

    def __post_init__(self) -> None:
        """Refuse a choice that no projection can have.

        Raises:
            UsageError: names the value and what it may be.
        """
        if self.dim < 0:
            raise UsageError(f"projection: {self.dim} is not a number of dimensions")
        if not 0 <= self.power <= 1:
            raise UsageError(f"projection: power {self.power} is not between 0 and 1")
        if not 0 <= self.shrinkage < np.inf:
            raise UsageError(f"projection: shrinkage {self.shrinkage} is not finite and 0 or more")
        if self.centring_only and self.dim:
            raise UsageError(f"projection: centring keeps all dimensions, so {self.dim} must be 0")

    @classmethod
    def parse(cls, text: str) -> ProjectionChoice:
        """Return the choice that a command line names.

        Args:
            text: "auto" (`DEFAULT`), "none" (`NONE`), "centred" (`CENTRED`), a dim such as "128",
                a dim and a power such as "128:0.25", or these and a shrinkage such as "128:0.5:0",
                which is full whitening. Power and shrinkage are the default's where not given.

        Raises:
            UsageError: the text is none of these.
        """
        named = {"auto": DEFAULT, "none": NONE, "centred": CENTRED}
        if text in named:
            return named[text]
        dim, *rest = text.split(":")
        usual = (DEFAULT.power, DEFAULT.shrinkage)
        try:
            power, shrinkage = (*map(float, rest), *usual[len(rest) :])
            choice = cls(dim=int(dim), power=power, shrinkage=shrinkage)
        except (ValueError, UsageError) as error:
            raise _not_a_choice(text) from error
        if choice.dim < 1:
            raise _not_a_choice(text)
        return choice

    def applies_to(self, count: int) -> bool:
        """Say whether a gallery of this many embeddings is searched through a projection."""
        return (self.dim > 0 or self.centring_only) and count >= self.minimum_count

    def __str__(self) -> str:
        if self.centring_only:
            return "centred"
        if not self.dim:
            return "none"
        text = f"{self.dim}:{self.power:g}"
        return text if self.shrinkage == DEFAULT_SHRINKAGE else f"{text}:{self.shrinkage:g}"


NONE: Final = ProjectionChoice(dim=0, power=0.0)
CENTRED: Final = ProjectionChoice(dim=0, power=0.0, centring_only=True)
DEFAULT: Final = ProjectionChoice(dim=DEFAULT_DIM, power=DEFAULT_POWER, minimum_count=MINIMUM_COUNT)


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
        for start in range(0, len(embeddings), _BLOCK):
            block = embeddings[start : start + _BLOCK].astype(np.float64)
            projected[start : start + _BLOCK] = self._apply_block(block, turns=turns)
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


def fit(
    embeddings: NDArray[np.floating[Any]],
    *,
    dim: int,
    power: float,
    shrinkage: float = DEFAULT_SHRINKAGE,
) -> Projection:
    """Fit centring, PCA and partial whitening on embeddings, without labels.

    With the eigenvectors u_i and eigenvalues λ_1 ≥ … ≥ λ_r > 0 of the covariance of the embeddings,
    the projected coordinates are y_i = (λ_i + s λ̄)^-power · u_iᵀ(x - mean), where λ̄ is the mean of
    the r eigenvalues and s the shrinkage. Power 0 is plain PCA and, without shrinkage, 0.5 is full
    whitening, which divides by the standard deviation: Jégou and Chum, "Negative evidences and
    co-occurences in image retrieval: the benefit of PCA and whitening" (2012). Powers between are
    the attenuated whitening of Mukundan, Tolias, Bursuc, Jégou and Chum, "Understanding and
    improving kernel local descriptors" (2019). Shrinkage adds a multiple of the mean variance to
    every variance, as Ledoit and Wolf do in "A well-conditioned estimator for large-dimensional
    covariance matrices" (2004), here with a given weight: directions far above the mean are still
    evened out, the many below it are no longer blown up. Fewer embeddings spread their variance
    over fewer directions, so the same s holds small galleries back more.

    The eigenvectors are exact (float64, of the covariance of all embeddings or, where these are
    fewer than their dim, of their Gram matrix, which has the same eigenvalues), and the entry of
    largest magnitude of every direction is positive, so that one set of embeddings always gives
    one projection on one machine.

    Args:
        embeddings: shape (n, embedding dim), finite, n ≥ 2. Not modified.
        dim: how many components are wanted, from 1 up. Fewer come out where the embeddings vary
            along fewer: at most n - 1, at most the embedding dim.
        power: from 0 to 1.
        shrinkage: s, from 0 up, in multiples of the mean variance; larger evens out less.

    Raises:
        UsageError: an argument is out of its range, a value is not finite, there are fewer than
            two embeddings, or all are the same.
    """
    if dim < 1 or not 0 <= power <= 1 or not 0 <= shrinkage < np.inf:
        raise UsageError(
            f"dim {dim}, power {power}, shrinkage {shrinkage}: dim is 1 or more, power between 0 "
            "and 1, shrinkage finite and not negative"
        )
    _check_rows(embeddings)
    mean = _mean(embeddings)
    variances, directions = _principal_directions(embeddings, mean)
    scatter = float(np.mean(np.square(mean))) * len(mean)
    floor = max(variances[0] * _RANK_TOLERANCE, scatter * np.finfo(np.float32).eps ** 2)
    rank = min(int(np.count_nonzero(variances > floor)), len(embeddings) - 1)
    if rank < 1:
        raise _all_the_same(len(embeddings))
    out = min(dim, rank)
    kept, components = variances[:out], directions[:, :out]
    largest = np.abs(components).argmax(axis=0)
    components = components * np.sign(components[largest, np.arange(out)])
    return Projection(
        mean=mean,
        components=components,
        scale=(kept + shrinkage * variances[:rank].mean()) ** -power,
        power=power,
        fitted_count=len(embeddings),
    )


def centre(embeddings: NDArray[np.floating[Any]]) -> Projection:
    """Fit centring alone: y = x - mean, then to unit length, in as many dimensions as before.

    It is the first step of `fit` and none of the others: what all pictures share says nothing
    about any of them, yet adds to every score (Jégou and Chum 2012).

    Args:
        embeddings: shape (n, dim), finite, n ≥ 2. Not modified.

    Raises:
        UsageError: a value is not finite, there are fewer than two embeddings, or all are the same.
    """
    _check_rows(embeddings)
    mean = _mean(embeddings)
    if (embeddings == embeddings[0]).all():
        raise _all_the_same(len(embeddings))
    dim = embeddings.shape[1]
    return Projection(
        mean=mean,
        components=np.eye(dim),
        scale=np.ones(dim),
        power=0.0,
        fitted_count=len(embeddings),
    )


def fit_choice(embeddings: NDArray[np.floating[Any]], choice: ProjectionChoice) -> Projection:
    """Fit the projection that a choice names, whatever the choice's minimum count.

    Args:
        embeddings: shape (n, dim), finite, n ≥ 2. Not modified.
        choice: any but one that searches the raw embeddings.

    Raises:
        UsageError: the choice is `NONE`, or as from `fit` and `centre`.
    """
    if choice.centring_only:
        return centre(embeddings)
    return fit(embeddings, dim=choice.dim, power=choice.power, shrinkage=choice.shrinkage)


def _check_rows(embeddings: NDArray[np.floating[Any]]) -> None:
    if embeddings.ndim != 2 or len(embeddings) < 2 or embeddings.shape[1] < 1:  # noqa: PLR2004
        raise UsageError(
            f"embeddings of shape {embeddings.shape}: a projection is fitted on rows (n, dim), at "
            "least two of them"
        )


def _all_the_same(count: int) -> UsageError:
    return UsageError(
        f"all {count} embeddings are the same: a projection needs pictures that differ; search "
        "the raw embeddings (projection none)"
    )


def _mean(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # infinities that cancel are named below
        mean: NDArray[np.float64] = embeddings.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise UsageError("embeddings hold values that are not finite; a projection needs numbers")
    return mean


def _principal_directions(
    embeddings: NDArray[np.floating[Any]], mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return variances (m,), largest first, and directions (dim, m), m = min(n, dim)."""
    n, dim = embeddings.shape
    if n >= dim:
        covariance = np.zeros((dim, dim), dtype=np.float64)
        for start in range(0, n, _BLOCK):
            centred = embeddings[start : start + _BLOCK].astype(np.float64) - mean
            covariance += centred.T @ centred
        variances, directions = np.linalg.eigh(covariance / (n - 1))
    else:
        # X Xᵀ has the eigenvalues of Xᵀ X, and few embeddings make it much the smaller one.
        centred = embeddings.astype(np.float64) - mean
        variances, weights = np.linalg.eigh(centred @ centred.T / (n - 1))
        # (dim, n) @ (n, n) -> (dim, n)
        directions = centred.T @ weights
        lengths = np.linalg.norm(directions, axis=0)
        directions /= np.where(lengths == 0, 1.0, lengths)
    # Ascending -> descending.
    return variances[::-1], directions[:, ::-1]


def _not_a_choice(text: str) -> UsageError:
    return UsageError(
        f"projection: {text!r} is none of auto, none, centred, DIM, DIM:POWER or "
        "DIM:POWER:SHRINKAGE (such as 128:0.5, with a power between 0 and 1 and a shrinkage from "
        "0 up)"
    )
