"""What a layout is, and by which names they are known."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, get_args

from imgsearch.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.maps.watch import Watch

    Arrays = Mapping[str, NDArray[Any]]

MapMethod = Literal["pca", "tsne"]
METHODS: Final[tuple[MapMethod, ...]] = get_args(MapMethod)


class Layout(Protocol):
    """Places vectors on a plane: each by itself, so that what is placed never moves.

    It is fitted once, on a sample. The points of equal vectors are equal.
    """

    @classmethod
    def fit(cls, vectors: NDArray[np.float32], watch: Watch) -> Self:
        """Return the layout of a sample `(n, dim)` of unit vectors."""
        ...

    def place(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the points `(n, 2)` of vectors `(n, dim)`, in units of the layout's own."""
        ...

    def arrays(self) -> Arrays:
        """Return what is to be written, of which `restore` makes the layout again."""
        ...

    @classmethod
    def restore(cls, arrays: Arrays, dim: int) -> Self:
        """Return the layout of vectors of this dim that was written.

        Raises:
            KeyError: an array is missing.
            ValueError: one has another shape than it must have.
        """
        ...


def kind_of(method: str) -> type[Layout]:
    """Return the class of a method's layouts.

    Raises:
        UsageError: there is no such method.
    """
    if method == "pca":
        from imgsearch.maps.linear_layout import LinearLayout

        return LinearLayout
    if method == "tsne":
        from imgsearch.maps.neighbour_layout import NeighbourLayout

        return NeighbourLayout
    raise UsageError(f"method: {method!r} is none of {', '.join(METHODS)}")


def has_tsne() -> bool:
    """Whether the library is installed that fits a layout by neighbours."""
    return find_spec("openTSNE") is not None


def chosen_method(method: str | None) -> MapMethod:
    """Return a method that can be fitted here; None takes the best there is.

    Raises:
        UsageError: there is no such method.
        MissingExtraError: it needs a package that is not installed.
    """
    if method is None:
        return "tsne" if has_tsne() else "pca"
    kind_of(method)
    if method == "tsne" and not has_tsne():
        raise MissingExtraError(
            "a map by t-SNE needs a package that is not installed: pip install openTSNE"
        )
    return "pca" if method == "pca" else "tsne"
