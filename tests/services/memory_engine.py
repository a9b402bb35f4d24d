"""The simplest service that keeps the contract: a toy that plugs in from outside."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import GalleryLockedError, NoGalleryError
from imgsearch.services.conditions import passes
from imgsearch.services.entries import Nearest
from imgsearch.services.protocol import Health

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import Description, Entry


@dataclass
class Kept:
    """What one address holds."""

    description: Description | None = None
    entries: dict[int, Entry] = field(default_factory=dict)
    drafts: dict[str, dict[int, Entry]] = field(default_factory=dict)
    writing: bool = False


KEPT: dict[str, Kept] = {}


def open_service(address: str) -> MemoryService:
    """Return the service at memory://NAME."""
    return MemoryService(address, KEPT.setdefault(address, Kept()))


@dataclass
class MemoryService:
    """A `SearchService` in this process."""

    address: str
    kept: Kept

    def health(self) -> Health:
        """Say what it is."""
        return Health("memory", index="exact")

    @contextmanager
    def reading(self) -> Iterator[MemoryCollection]:
        """Give what was published last."""
        if self.kept.description is None:
            raise NoGalleryError(f"{self.address}: nothing is published there")
        yield MemoryCollection(self.kept.description, dict(self.kept.entries))

    @contextmanager
    def writing(self, space: str, dim: int) -> Iterator[MemoryDraft]:  # noqa: ARG002 - any length is kept
        """Give the next state."""
        if self.kept.writing:
            raise GalleryLockedError(f"{self.address}: another publish is at it")
        self.kept.writing = True
        live = self.kept.description
        try:
            if live is not None and live.space == space:
                yield MemoryDraft(self.kept, dict(self.kept.entries))
            else:
                self.kept.drafts = {space: self.kept.drafts.get(space, {})}
                yield MemoryDraft(self.kept, self.kept.drafts[space])
        finally:
            self.kept.writing = False

    def close(self) -> None:
        """Do nothing."""


@dataclass
class MemoryCollection:
    """A `Collection`."""

    description: Description
    entries: dict[int, Entry]

    def search(self, vector: NDArray[np.float32], width: int, where: Condition) -> Nearest:
        """Look at all entries."""
        passing = [entry for entry in self.entries.values() if passes(where, entry)]
        passing.sort(key=lambda entry: -float(entry.vector @ vector))
        return Nearest(tuple(passing[:width]), exhausted=len(passing) <= width)

    def find(self, contents: Collection[str]) -> list[Entry]:
        """Look at all entries."""
        return [entry for entry in self.entries.values() if entry.content in contents]

    def count(self, where: Condition) -> int:
        """Look at all entries."""
        return sum(passes(where, entry) for entry in self.entries.values())


@dataclass
class MemoryDraft:
    """A `Draft`."""

    kept: Kept
    entries: dict[int, Entry]

    def marks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield all at once."""
        yield (
            np.array(list(self.entries), dtype=np.int64),
            np.array([entry.mark for entry in self.entries.values()], dtype=np.int64),
        )

    def put(self, entries: Sequence[Entry]) -> None:
        """Add or replace."""
        self.entries.update({entry.id: entry for entry in entries})

    def remove(self, ids: Sequence[int]) -> None:
        """Remove."""
        for identifier in ids:
            self.entries.pop(identifier, None)

    def publish(self, description: Description) -> None:
        """Show it."""
        self.kept.entries, self.kept.description = self.entries, description
        self.kept.drafts = {}
