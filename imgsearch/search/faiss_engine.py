"""FAISS beside the database: what is searched lies in cache files in the gallery's folder.

FAISS is imported when something is searched, built or checked, and not to find that nothing has
changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.search.cache_files import cache_files, cache_path, lists_are_there

if TYPE_CHECKING:
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.findings import Finding


class FaissEngine:
    """The `SearchEngine` of every gallery that names no other."""

    def choose(
        self, embeddings: Embeddings, *, factory: str | None = None, memory: int | None = None
    ) -> bool:
        """Remember what is asked of the index; return whether that is something new.

        Raises:
            UsageError: an index that FAISS does not know, or that cannot serve as a cache.
        """
        if (factory, memory) == (None, None):
            return False
        from imgsearch.search.search_space import choose_index

        return choose_index(embeddings, factory=factory, memory=memory)

    def is_current(self, embeddings: Embeddings) -> bool:
        """Say whether the newest cache is that of the present generation, and whole by name."""
        mine = [
            cache.path
            for cache in cache_files(embeddings.folder)
            if cache.recipe == embeddings.identifier
        ]
        return mine == [cache_path(embeddings)] and lists_are_there(mine[0])

    def refresh(self, embeddings: Embeddings) -> None:
        """Write the cache of the present generation, and delete older ones.

        Raises:
            UsageError: the index that was chosen cannot be made.
        """
        from imgsearch.search.search_space import refresh_cache

        refresh_cache(embeddings)

    def open(self, embeddings: Embeddings, projection: str) -> SearchSpace:
        """Load the newest whole cache and add what is newer, or build everything in memory.

        Raises:
            UsageError: no such projection, or it cannot be fitted.
        """
        from imgsearch.search.search_space import open_space
        from imgsearch.vectors.projection import ProjectionChoice

        return open_space(embeddings, ProjectionChoice.parse(projection))

    def check(self, embeddings: Embeddings) -> list[Finding]:
        """Read the present cache whole, and compare its vectors with the rows."""
        from imgsearch.search.cache_check import check_cache

        return check_cache(embeddings)
