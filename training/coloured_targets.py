"""Colours as a small part of the targets: development code.

    python -m training.coloured_targets CACHE... --projection FILE
        --share 0.03 --out FILE

Networks that were taught kinds of things forget colours, by which one and the same thing is found.
A soft histogram of each crop's own pixels takes a share of the target; so the student learns to
keep colours, at no cost when it runs. Their length is bounded, because a plain picture's histogram
is many times as far from the mean as a photograph's, and would drown what it shows.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from imgsearch.distillation.dense import GRID, DenseTargets
from imgsearch.distillation.targets import CropCache
from imgsearch.errors import UsageError
from imgsearch.files import write_atomically
from imgsearch.networks.backbones.compact.weights import FoldedWeights
from imgsearch.networks.pooling import l2_normalise
from imgsearch.vectors import projection_fitting
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVELS: Final = 4
"""Of each of red, green and blue: 64 colours."""
AVERAGED: Final = 4
"""Pixels a side whose mean is one colour, so that noise is none."""
DIM: Final = 32
POWER: Final = 0.25
FITTED_ON: Final = 4096
"""Crops of each cache that a fit looks at."""
AT_ONCE: Final = 512


def colour_maps(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the square roots of the shares that 64 colours have in each part of a picture.

    A colour between levels counts for its neighbours in proportion to its nearness (trilinear).
    Square roots make a dot product of shares the Bhattacharyya coefficient (Bhattacharyya 1943).

    Args:
        pixels: shape (n, s, s, 3), s a multiple of 16.

    Returns:
        Shape (n, 4, 4, 64); each location's squares add up to 1.
    """
    n, side = pixels.shape[:2]
    places = side // AVERAGED
    cell = places // GRID
    # Sums of bytes, one axis after the other, are several times as fast as one mean of both.
    sums = pixels.reshape(n, places, AVERAGED, side * 3).sum(axis=2, dtype=np.uint16)
    sums = sums.reshape(n, places, places, AVERAGED, 3).sum(axis=3, dtype=np.uint16)
    means = sums.reshape(n, GRID, cell, GRID, cell, 3) * np.float32(1 / AVERAGED**2)
    colours = means.transpose(0, 1, 3, 2, 4, 5).reshape(n * GRID * GRID, cell * cell, 3)
    near = np.abs(colours[..., None] * np.float32((LEVELS - 1) / 255) - np.arange(LEVELS))
    red, green, blue = np.moveaxis(np.maximum(0, 1 - near).astype(np.float32), 2, 0)
    pairs = (red[..., :, None] * green[..., None, :]).reshape(*red.shape[:2], LEVELS**2)
    # (n, 16, pixels) @ (n, pixels, 4)
    shares = pairs.transpose(0, 2, 1) @ blue / np.float32(cell * cell)
    roots: NDArray[np.float32] = np.sqrt(shares).reshape(n, GRID, GRID, LEVELS**3)
    return roots


@dataclass(frozen=True, eq=False, kw_only=True)
class ColouredTargets:
    """How colours become part of targets.

    Attributes:
        projection: of pictures' colours, as `DenseTargets` takes one.
        usual: median length of projected colours; what is longer is brought down to it.
        share: of the squared length of a target that colours have at most.
        rotation: from targets and colours side by side to the directions along which these differ
            most, orthonormal columns, shape (dim + colours, dim).
    """

    projection: Projection
    usual: float
    share: float
    rotation: NDArray[np.float32]

    @classmethod
    def fit(cls, pixels: NDArray[np.uint8], targets: NDArray[np.float32], *, share: float) -> Self:
        """Return what suits some thousand crops.

        Args:
            pixels: the crops, shape (n, s, s, 3).
            targets: theirs, unit rows, shape (n, dim).
            share: of the squared length, from 0 up to but without 1.

        Raises:
            UsageError: the share is another one.
        """
        if not 0 <= share < 1:
            raise UsageError(f"share: {share} is not between 0 and 1")
        maps = colour_maps(pixels)
        fitted = projection_fitting.fit(
            l2_normalise(maps.mean(axis=(1, 2))), dim=DIM, power=POWER, shrinkage=0.0
        )
        located = DenseTargets(fitted).of([maps]).astype(np.float32)
        usual = float(np.median(np.linalg.norm(located.mean(axis=(1, 2)), axis=1)))
        whole = np.eye(targets.shape[1] + DIM, dtype=np.float32)
        plain = cls(projection=fitted, usual=usual, share=share, rotation=whole)
        _, _, directions = np.linalg.svd(plain.targets(targets, located), full_matrices=False)
        rotation = directions[: targets.shape[1]].T
        return cls(projection=fitted, usual=usual, share=share, rotation=rotation)

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Return the colours of every location, (n, s, s, 3) -> (n, 4, 4, 32)."""
        parts = [
            DenseTargets(self.projection).of([colour_maps(pixels[i : i + AT_ONCE])])
            for i in range(0, len(pixels), AT_ONCE)
        ]
        return np.concatenate(parts)

    def targets(
        self, targets: NDArray[np.float32], colours: NDArray[np.floating[Any]]
    ) -> NDArray[np.float32]:
        """Return targets of whole crops that know colours, unit rows, shape (n, dim).

        Args:
            targets: unit rows, shape (n, dim).
            colours: what `of` returns for the same crops.
        """
        joined = self._joined(targets[:, None, None], colours.mean((1, 2), keepdims=True), 1.0)
        return l2_normalise(joined[:, 0, 0])

    def locations(
        self, locations: NDArray[np.float32], colours: NDArray[np.floating[Any]]
    ) -> NDArray[np.float32]:
        """Return targets of locations that know colours; their mean points where the whole's does.

        Args:
            locations: shape (n, 4, 4, dim).
            colours: what `of` returns for the same crops.
        """
        length = np.linalg.norm(locations.mean(axis=(1, 2)), axis=1)
        return self._joined(locations, colours, length[:, None, None, None])

    def with_length(self, head: FoldedWeights, length: float) -> FoldedWeights:
        """Return a head whose embeddings know colours more or less than it was taught.

        Embeddings are turned back into targets and colours side by side, colours are made so many
        times as long, and all is turned again; three linear maps, which the head takes in.

        Args:
            head: of a student that learnt these targets, shape (1, 1, features, dim).
            length: of the colours' part, in multiples of what it was; 1 changes nothing.
        """
        longer = np.ones(len(self.rotation))
        longer[-self.projection.out :] = length
        turn = self.rotation.astype(np.float64)
        change = turn.T @ (longer[:, None] * turn)
        return FoldedWeights(
            kernel=(head.kernel @ change).astype(np.float32),
            bias=(head.bias @ change).astype(np.float32),
        )

    def _joined(
        self,
        targets: NDArray[np.float32],
        colours: NDArray[np.floating[Any]],
        length: float | NDArray[np.float32],
    ) -> NDArray[np.float32]:
        maps = colours.astype(np.float32)
        long = np.linalg.norm(maps.mean(axis=(1, 2)), axis=1)[:, None, None, None]
        ratio = np.sqrt(self.share / (1 - self.share))
        scaled = maps * (ratio * length / np.maximum(long, self.usual))
        joined: NDArray[np.float32] = np.concatenate([targets, scaled], axis=3, dtype=np.float32)
        return joined @ self.rotation

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        buffer = BytesIO()
        np.savez(
            buffer,
            projection=np.frombuffer(self.projection.to_bytes(), dtype=np.uint8),
            usual=self.usual,
            share=self.share,
            rotation=self.rotation,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what `to_bytes` wrote."""
        with np.load(BytesIO(data)) as file:
            return cls(
                projection=Projection.from_bytes(file["projection"].tobytes()),
                usual=float(file["usual"]),
                share=float(file["share"]),
                rotation=file["rotation"],
            )


def fit(caches: Sequence[Path], fitted: Path, *, share: float, out: Path) -> None:
    """Fit colours on crops of some caches, and write them."""
    made = Projection.from_bytes(fitted.read_bytes())
    opened = [CropCache.open(folder) for folder in caches]
    pixels = np.concatenate([cache.crops[:FITTED_ON] for cache in opened])
    rows = np.concatenate([cache.embeddings[:FITTED_ON] for cache in opened])
    write_atomically(out, [ColouredTargets.fit(pixels, made.apply(rows), share=share).to_bytes()])


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description="Fit the part that colours have in targets.")
    parser.add_argument("caches", type=Path, nargs="+")
    parser.add_argument("--projection", type=Path, required=True)
    parser.add_argument("--share", type=float, required=True, help="of the squared length")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    fit(given.caches, given.projection, share=given.share, out=given.out)


if __name__ == "__main__":
    main()
