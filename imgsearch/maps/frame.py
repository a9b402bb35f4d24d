"""The frame of a map: where positions lie between -1 and 1, whatever the outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The share of the points that lie in the inner disc, where distances are as they were laid out.
INNER_SHARE: Final = 0.98
# The radius of the inner disc; the rim around it holds the rest.
INNER: Final = 0.9


@dataclass(frozen=True, slots=True)
class Frame:
    """Brings laid-out points into the unit disc.

    A point at r times the radius from the centre, r ≤ 1, comes to 0.9 r. Those beyond come to
    0.9 + 0.1 t/(1 + t) with t = 9 (r - 1), which goes on with the same slope and never reaches
    the unit circle. So a few outliers stay the outermost, and do not make all others small.

    Attributes:
        x: of the centre, in the units of the layout.
        y: likewise.
        radius: likewise.
    """

    x: float
    y: float
    radius: float

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> Self:
        """Return the frame of points `(n, 2)`: centred on their medians."""
        if not len(points):
            return cls(0.0, 0.0, 1.0)
        x, y = np.median(points, axis=0).tolist()
        away = np.hypot(points[:, 0] - x, points[:, 1] - y)
        radius = float(np.quantile(away, INNER_SHARE))
        return cls(x, y, radius or float(away.max()) or 1.0)

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return points `(n, 2)` as positions `(n, 2)`, float32, less than 1 from the origin."""
        shifted = (points - (self.x, self.y)) / self.radius
        away = np.hypot(shifted[:, 0], shifted[:, 1])
        beyond = np.maximum(away - 1, 0) * (INNER / (1 - INNER))
        wanted = INNER * np.minimum(away, 1) + (1 - INNER) * beyond / (1 + beyond)
        share = wanted / np.where(away == 0, 1, away)
        positions: NDArray[np.float32] = (shifted * share[:, np.newaxis]).astype(np.float32)
        return positions
