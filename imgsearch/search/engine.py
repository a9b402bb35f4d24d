"""What searches a gallery's embeddings: cache files beside the database, or a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.findings import Finding

CacheState = Literal["fresh", "stale", "absent", "damaged"]
NO_PROJECTION: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """What an engine holds of a recipe.

    Attributes:
        cache: whether it is in step with the rows.
        cache_bytes: its size.
        projection: version of the projection in it, or "none".
        projection_dim: length of the vectors that are searched, or None.
        projection_power: its power, or None.
        fitted_count: how many embeddings it was fitted on, or None.
        index: "exact", or the factory string of the approximate index; "" without a cache.
        lists_probed: how many inverted lists a query probes on average; None where there are none.
        recall: ANN recall@10, measured on the gallery's embeddings when it was built, or None.
        recall_queries: how many of them were the queries, or None.
        added: vectors that were added since it was built and are searched exactly.
        removed: vectors that are in it and were removed since.
    """

    cache: CacheState = "absent"
    cache_bytes: int = 0
    projection: str = NO_PROJECTION
    projection_dim: int | None = None
    projection_power: float | None = None
    fitted_count: int | None = None
    index: str = ""
    lists_probed: int | None = None
    recall: float | None = None
    recall_queries: int | None = None
    added: int = 0
    removed: int = 0


class SearchEngine(Protocol):
    """Keeps what is searched in step with the rows, and opens it.

    The rows are the truth: an engine may lose all that it holds and make it again from them.
    Those that change something (`choose`, `refresh`, `prune`, `discard`) are called by a writer,
    under the gallery's lock.
    """

    def choose(
        self, embeddings: Embeddings, *, factory: str | None = None, memory: int | None = None
    ) -> bool:
        """Remember what is asked of the index; return whether that is something new.

        Args:
            embeddings: open for writing.
            factory: "auto", "exact", a factory string; None leaves it as it is.
            memory: bytes that the index may take; None leaves it as it is.

        Raises:
            UsageError: an index that the engine cannot make.
        """
        ...

    def is_current(self, embeddings: Embeddings) -> bool:
        """Say, without loading what searches, whether `refresh` has nothing to do."""
        ...

    def refresh(self, embeddings: Embeddings) -> None:
        """Bring what is searched up to date with the rows.

        Raises:
            UsageError: the index that was chosen cannot be made.
        """
        ...

    def open(self, embeddings: Embeddings, projection: str) -> SearchSpace:
        """Return what to search, in step with the rows of the present snapshot.

        Args:
            embeddings: in a snapshot.
            projection: "auto", "none", "centred", "DIM", "DIM:POWER" or "DIM:POWER:SHRINKAGE".

        Raises:
            UsageError: no such projection, or it cannot be fitted.
        """
        ...

    def state(self, embeddings: Embeddings) -> EngineState:
        """Say what there is of a recipe, and in which state."""
        ...

    def check(self, embeddings: Embeddings) -> list[Finding]:
        """Compare what is searched with the rows, without changing anything."""
        ...

    def leftovers(self, folder: Path, held: Sequence[Embeddings]) -> list[Finding]:
        """Name what the engine keeps that belongs to none of a gallery's recipes as it is now."""
        ...

    def prune(self, folder: Path, held: Sequence[Embeddings]) -> int:
        """Drop what nobody needs any more; return how many things that were."""
        ...

    def discard(self, folder: Path) -> None:
        """Drop everything; `refresh` makes it again."""
        ...
