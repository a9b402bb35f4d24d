"""Values of a row, which SQLite stores with whatever type and reference they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from imgsearch.errors import GalleryDamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence


T = TypeVar("T")


class RootsById(dict[int, T]):
    """What is known of each root, by its row.

    Raises:
        GalleryDamagedError: what refers to a root that is not there is looked up.
    """

    def __missing__(self, root_id: int) -> T:
        """Say what is wrong."""
        raise GalleryDamagedError(
            f"gallery.db is damaged: a file refers to a root {root_id} that is not there; run "
            "`imgsearch check --repair`"
        )


def typed(row: Sequence[Any], types: Sequence[tuple[type, ...]], what: str) -> tuple[Any, ...]:
    """Return a row whose values have the types that its columns declare.

    Args:
        row: as SQLite returned it.
        types: those that each value may have.
        what: what the row is about, for the message.

    Raises:
        GalleryDamagedError: a value has another type: a flipped bit, or somebody else's file.
    """
    for value, allowed in zip(row, types, strict=True):
        if type(value) not in allowed:
            names = " or ".join("NULL" if kind is type(None) else kind.__name__ for kind in allowed)
            raise GalleryDamagedError(
                f"gallery.db is damaged: a value of {what} is of type {type(value).__name__} where "
                f"{names} was expected; restore a copy, or index into a new gallery"
            )
    return tuple(row)
