"""A map as it is shown: the pictures that have a file, their clusters, and how old it has grown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.maps.layout import MapMethod

# A map is outgrown when what came and went is more than half of what it was drawn with …
OUTGROWN: Final = 0.5
# … or when so many came that look like nothing on it, and they are this share of all.
STRANGERS: Final = 10
STRANGE_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class MapCluster:
    """Pictures that look alike.

    Attributes:
        size: how many.
        x: median of their positions.
        y: likewise.
        central: SHA-256 of the most central of them, hexadecimal, the most central first.
    """

    size: int
    x: float
    y: float
    central: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapAge:
    """How far a gallery has moved on from the map that was drawn of it.

    Attributes:
        drawn: how many pictures it was drawn with.
        added: how many have been placed among them since.
        removed: how many of them are no longer there.
        strangers: how many of those added are less like their cluster than 99 in 100 of those that
            it was drawn with.
    """

    drawn: int
    added: int
    removed: int
    strangers: int

    @property
    def outgrown(self) -> bool:
        """Whether a new map is advised: much has changed, or much looks like nothing on it."""
        count = self.drawn - self.removed + self.added
        changed = self.added + self.removed > OUTGROWN * self.drawn
        strange = self.strangers >= STRANGERS and self.strangers > STRANGE_SHARE * count
        return changed or strange


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GalleryMap:
    """Every picture of a gallery as a point in two dimensions.

    Attributes:
        method: by which it was laid out.
        recipe: identifier of the recipe whose embeddings were.
        generation: of that recipe, raised by every change of the gallery.
        file: where it is kept; None for one that was only made to be looked at.
        contents: SHA-256 of each content, shape (n, 32), uint8, ascending.
        positions: shape (n, 2), float32, less than 1 from the origin; y upwards.
        cluster_of: for each content the place of its cluster in `clusters`, shape (n,), int32.
        offline: which of them have files in absent photo folders only, shape (n,), bool.
        levels: the level of zooming from which it is the picture of its neighbourhood, shape (n,),
            uint8 (`imgsearch.maps.levels.levels_of`).
        clusters: the largest first.
        age: how far the gallery has moved on since it was drawn.
    """

    method: MapMethod
    recipe: str
    generation: int
    file: Path | None = None
    contents: NDArray[np.uint8] = field(repr=False)
    positions: NDArray[np.float32] = field(repr=False)
    cluster_of: NDArray[np.int32] = field(repr=False)
    offline: NDArray[np.bool_] = field(repr=False)
    levels: NDArray[np.uint8] = field(repr=False)
    clusters: tuple[MapCluster, ...] = field(repr=False)
    age: MapAge

    def __len__(self) -> int:
        return len(self.contents)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MapReport:
    """What the drawing of a map did.

    Attributes:
        map: as it is now; None where it was stopped, and then nothing was written.
        anew: whether it was laid out, rather than grown from what was kept.
        placed: how many pictures were placed.
        bytes: size of the file.
        seconds: how long it took.
    """

    map: GalleryMap | None
    anew: bool
    placed: int
    bytes: int
    seconds: float

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped."""
        return self.map is None
