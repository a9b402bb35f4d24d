"""The layout that is always to be had: the two directions along which the sample varies most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.projection_fitting import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.maps.layout import Arrays
    from imgsearch.maps.watch import Watch

PCA: Final = "pca"


@dataclass(frozen=True, slots=True, eq=False)
class LinearLayout:
    """A `Layout` by principal components.

    Attributes:
        mean: of the sample, shape (dim,), float64.
        axes: two orthonormal directions as columns, shape (dim, 2), float64; zeros in place of
            those along which nothing varies.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def fit(cls, vectors: NDArray[np.float32], _: Watch) -> Self:
        """Return the layout of a sample `(n, dim)`."""
        axes = np.zeros((vectors.shape[1], 2))
        try:
            fitted = fit(vectors, dim=2, power=0)
        except UsageError:  # all are the same, or there are fewer than two
            mean = vectors.astype(np.float64).sum(axis=0) / max(1, len(vectors))
            return cls(mean, axes)
        axes[:, : fitted.out] = fitted.components
        return cls(fitted.mean, axes)

    def place(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the points `(n, 2)` of vectors `(n, dim)`."""
        points: NDArray[np.float64] = (vectors - self.mean) @ self.axes
        return points

    def arrays(self) -> Arrays:
        """Return what `restore` is given."""
        return {"mean": self.mean, "axes": self.axes}

    @classmethod
    def restore(cls, arrays: Arrays, dim: int) -> Self:
        """Return the layout of these arrays.

        Raises:
            ValueError: a shape is not that of a layout of this dim.
        """
        mean, axes = arrays["mean"], arrays["axes"]
        if mean.shape != (dim,) or axes.shape != (dim, 2):
            raise ValueError(f"its axes are not those of vectors of dim {dim}")
        return cls(mean.astype(np.float64), axes.astype(np.float64))
