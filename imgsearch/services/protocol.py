"""What an engine elsewhere does for imgsearch.

A collection is what one address names. It is made and brought up to date by one writer at a time,
and becomes what readers see at one moment, `Draft.publish`: readers see all of the state before it
or all of the one after it, also when the writer, the server or both are killed at any other moment.
The gallery's rows remain the truth: whatever a service loses is sent again by the next
`imgsearch publish`.

An engine is a class that is a `SearchService`, in a module of its own, and a row in
`imgsearch.services.finding`. The suite in tests/services holds every engine to this contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection as Several
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import Description, Entry, Nearest


@dataclass(frozen=True, slots=True)
class Health:
    """What a server says of itself.

    Attributes:
        engine: such as "PostgreSQL 18.6, pgvector 0.8.6".
        index: what searches the collection, such as "exact" or "hnsw"; "" where there is none.
        bytes: what the collection takes there, or None where the engine does not say.
    """

    engine: str
    index: str = ""
    bytes: int | None = None


class Collection(Protocol):
    """A collection as it was published last, in one state for as long as it is open."""

    @property
    def description(self) -> Description:
        """What there is."""

    def search(self, vector: NDArray[np.float32], width: int, where: Condition) -> Nearest:
        """Return the entries of largest inner product with a vector that pass a condition.

        Args:
            vector: float32 (dim,), of unit length.
            width: how many, from 1 up; any number.
            where: what they must be. More may be found than pass it, never fewer.

        Returns:
            At least `width` entries, or all that pass.
        """

    def find(self, contents: Several[str]) -> list[Entry]:
        """Return the entries of contents, by their hashes, in any order; others are left out."""

    def count(self, where: Condition) -> int:
        """Return how many entries pass a condition; no fewer than really do."""


class Draft(Protocol):
    """The next state of a collection, which nobody sees before it is published."""

    def marks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield ids (n,) and marks (n,) of all entries in the draft, in any order, in blocks.

        These are the entries that readers see, where the draft is of the same space; else those
        that an interrupted run has left.
        """

    def put(self, entries: Sequence[Entry]) -> None:
        """Add entries, or replace those of the same ids; some thousand at most at a time."""

    def remove(self, ids: Sequence[int]) -> None:
        """Remove entries; ids that are not there are ignored."""

    def publish(self, description: Description) -> None:
        """Make the draft what readers see, in one moment; nothing may follow.

        Args:
            description: of all entries of the draft; its space is the draft's.
        """


class SearchService(Protocol):
    """A collection at an address."""

    @property
    def address(self) -> str:
        """The address as it may be shown: without credentials."""

    def health(self) -> Health:
        """Ask the server how it is.

        Raises:
            ServiceError: it does not answer, or cannot hold a collection.
        """

    def reading(self) -> AbstractContextManager[Collection]:
        """Open what was published last.

        Raises:
            NoGalleryError: nothing has been published at the address.
            ServiceError: the server does not answer or refuses.
        """

    def writing(self, space: str, dim: int) -> AbstractContextManager[Draft]:
        """Open the draft of a space: what readers see, if that is of the space, else another one.

        A block that is left without `publish` changes nothing for readers. What it has put into a
        new space may stay for the next writer of that space; drafts of others are dropped.

        Args:
            space: as `imgsearch.services.entries.space_name` gives it.
            dim: length of a vector.

        Raises:
            GalleryLockedError: another writer is at it.
            ServiceError: the server does not answer or refuses.
        """

    def close(self) -> None:
        """Leave the server."""
