"""The engine of every gallery that names no other: cache files in the gallery's folder.

FAISS is imported when something is searched, built or checked, and not to find that nothing has
changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.search.cache_files import (
    cache_files,
    cache_path,
    lists_files,
    named_lists,
    unfinished_files,
)
from imgsearch.storage.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.search.engine import EngineState
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings


class LocalEngine:
    """A `SearchEngine` whose caches lie beside the database.

    Attributes:
        exact: whether queries are compared with all vectors even where there is an approximate
            index. These are in memory then.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact

    def choose(
        self, embeddings: Embeddings, *, factory: str | None = None, memory: int | None = None
    ) -> bool:
        """Remember what is asked of the index; return whether that is something new.

        Raises:
            UsageError: a factory string that FAISS does not know, or that cannot serve as a cache.
        """
        if (factory, memory) == (None, None):
            return False
        from imgsearch.search.space_cache import choose_index

        return choose_index(embeddings, factory=factory, memory=memory)

    def is_current(self, embeddings: Embeddings) -> bool:
        """Say whether the one cache of the recipe is of this state, and whole."""
        from imgsearch.search.cache_owner import is_current

        return is_current(embeddings)

    def refresh(self, embeddings: Embeddings) -> None:
        """Write the cache of this generation, and delete older ones.

        Raises:
            UsageError: the index that was chosen cannot be made.
        """
        from imgsearch.search.space_cache import refresh_cache

        refresh_cache(embeddings)

    def open(self, embeddings: Embeddings, projection: str) -> SearchSpace:
        """Load the newest whole cache and add what is newer, or build everything in memory.

        Raises:
            UsageError: no such projection, or it cannot be fitted.
        """
        from imgsearch.search.space_building import exact_space
        from imgsearch.search.space_cache import open_space
        from imgsearch.vectors.projection_choice import ProjectionChoice

        space = open_space(embeddings, ProjectionChoice.parse(projection))
        return exact_space(embeddings, space) if self.exact and not space.is_exact else space

    def state(self, embeddings: Embeddings) -> EngineState:
        """Read the newest cache to see whether it is whole, and say what is in it."""
        from imgsearch.search.cache_state import cache_state

        return cache_state(embeddings)

    def check(self, embeddings: Embeddings) -> list[Finding]:
        """Read the cache of this generation whole, and compare its vectors with the rows."""
        from imgsearch.search.cache_check import check_cache

        return check_cache(embeddings)

    def leftovers(self, folder: Path, held: Sequence[Embeddings]) -> list[Finding]:
        """Name caches that are not of this generation, lists that none names, unfinished files."""
        present = {cache_path(embeddings) for embeddings in held}
        needed = {named_lists(cache.path) for cache in cache_files(folder)}
        named = [
            (cache.path, "an index cache that is out of date")
            for cache in cache_files(folder)
            if cache.path not in present
        ]
        named += [
            (lists.path, "an index that no cache goes on from")
            for lists in lists_files(folder)
            if lists.path.name not in needed
        ]
        named += [(path, "left by an interrupted write") for path in unfinished_files(folder)]
        return [Finding(f"{path.name}: {what}", "note", repairable=True) for path, what in named]

    def prune(self, folder: Path, held: Sequence[Embeddings]) -> int:
        """Delete all but the newest cache of every recipe, which holds its projection."""
        recipes = {embeddings.identifier for embeddings in held}
        newest = {cache.recipe: cache.path for cache in reversed(cache_files(folder))}
        needed = {named_lists(path) for path in newest.values()}
        old = [
            cache.path
            for cache in cache_files(folder)
            if cache.recipe not in recipes or cache.path != newest[cache.recipe]
        ]
        old += [
            lists.path
            for lists in lists_files(folder)
            if lists.recipe not in recipes or lists.path.name not in needed
        ]
        old += unfinished_files(folder)
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def discard(self, folder: Path) -> None:
        """Delete every cache, whatever its name says."""
        caches = [*folder.glob("index-*.faiss"), *folder.glob("index-*.lists")]
        for path in [*caches, *unfinished_files(folder)]:
            path.unlink(missing_ok=True)
