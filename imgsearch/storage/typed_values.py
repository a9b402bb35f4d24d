"""Values of a row, which SQLite stores with whatever type and reference they were given."""

from __future__ import annotations

from typing import Any, TypeVar

from imgsearch.errors import GalleryDamagedError

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


class RowTypes:
    """The types that the values of a row may have."""

    def __init__(self, what: str, *types: tuple[type, ...]) -> None:
        """Declare them.

        Args:
            what: what a row is about, for the message.
            types: those that each value may have.
        """
        self._what = what
        self._types = types
        # Combinations that were found to be right: rows of few kinds come by the thousand.
        self._right: set[tuple[type, ...]] = set()

    def checked(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row whose values have the types that its columns declare.

        Args:
            row: as SQLite returned it.

        Raises:
            GalleryDamagedError: a value has another type: a flipped bit, or somebody else's file.
        """
        kinds = tuple(map(type, row))
        if kinds not in self._right:
            self._check(kinds)
            self._right.add(kinds)
        return row

    def _check(self, kinds: tuple[type, ...]) -> None:
        for kind, allowed in zip(kinds, self._types, strict=True):
            if kind not in allowed:
                names = " or ".join(
                    "NULL" if each is type(None) else each.__name__ for each in allowed
                )
                raise GalleryDamagedError(
                    f"gallery.db is damaged: a value of {self._what} is of type {kind.__name__} "
                    f"where {names} was expected; restore a copy, or index into a new gallery"
                )
