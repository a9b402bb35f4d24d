"""What searches a gallery's embeddings: FAISS beside the database today, a service tomorrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.findings import Finding


class SearchEngine(Protocol):
    """Keeps what is searched in step with the rows, and opens it.

    The rows are the truth: an engine may lose all that it holds and make it again from them.
    A writer calls `choose` and `refresh` under the gallery's lock, readers call the others.
    """

    def choose(
        self, embeddings: Embeddings, *, factory: str | None = None, memory: int | None = None
    ) -> bool:
        """Remember what is asked of the index; return whether that is something new.

        Args:
            embeddings: open for writing.
            factory: "auto", "exact", a FAISS factory string; None leaves it as it is.
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

    def check(self, embeddings: Embeddings) -> list[Finding]:
        """Compare what is searched with the rows, without changing anything."""
        ...
