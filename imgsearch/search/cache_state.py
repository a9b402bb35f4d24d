"""What an index cache says it holds, read and verified without FAISS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import recipe_caches
from imgsearch.search.cache_owner import refuse_foreign
from imgsearch.search.engine import EngineState
from imgsearch.search.kept_projection import projection_of
from imgsearch.vectors.approximate_front import read_front
from imgsearch.vectors.index_header import STATE_UNIT, read_about
from imgsearch.vectors.index_plan import EXACT
from imgsearch.vectors.protocol import IndexDescription

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.index_header import CacheAbout


def cache_state(embeddings: Embeddings) -> EngineState:
    """Read the newest cache of a recipe to see whether it is whole, and say what is in it."""
    caches = recipe_caches(embeddings)
    if not caches:
        return EngineState()
    newest = caches[0]
    try:
        about = read_about(newest.path)
        refuse_foreign(newest.path, about.header, embeddings)
        index = _described(newest.path, about, embeddings)
        base = about.header.base.partition(" ")[0]
        files = [newest.path, *([newest.path.with_name(base)] if base else [])]
        projection, _ = projection_of(about.header, about.extra)
    except (DamagedCacheError, OSError):
        return EngineState(cache="damaged")
    state = EngineState(
        cache="fresh" if newest.generation == embeddings.generation else "stale",
        cache_bytes=sum(path.stat().st_size for path in files),
        index=index.factory,
        lists_probed=None if index.lists_probed is None else round(index.lists_probed),
        recall=index.recall,
        recall_queries=index.recall_queries,
        added=index.added,
        removed=index.removed,
    )
    if projection is None:
        return state
    return replace(
        state,
        projection=projection.version,
        projection_dim=projection.out,
        projection_power=projection.power,
        fitted_count=projection.fitted_count,
    )


def _described(path: Path, about: CacheAbout, embeddings: Embeddings) -> IndexDescription:
    """Return what a cache's index is, without loading it where its files say so themselves."""
    header = about.header
    if header.kind:
        from imgsearch.search.space_cache import read_cache

        return read_cache(path, embeddings).index.describe()
    if not header.base:
        return IndexDescription(factory=EXACT)
    name, _, checksum = header.base.partition(" ")
    front = read_front(path.with_name(name))
    if front.checksum != checksum:
        raise DamagedCacheError(f"{path.with_name(name)} is not the index that {path} goes on from")
    return IndexDescription(
        factory=front.header.factory,
        lists_probed=front.header.probed,
        recall=front.header.recall,
        recall_queries=front.header.queries,
        added=header.count,
        removed=len(about.state) // STATE_UNIT,
    )
