"""What an index cache holds, and whether that is what the rows say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import cache_path, recipe_caches
from imgsearch.search.engine import EngineState
from imgsearch.search.space_cache import read_cache
from imgsearch.storage.findings import Finding
from imgsearch.vectors.index_cache import base_file, verify_base

if TYPE_CHECKING:
    from imgsearch.storage.embeddings import Embeddings

VECTOR_TOLERANCE: Final = 1e-4


def cache_state(embeddings: Embeddings) -> EngineState:
    """Read the newest cache of a recipe to see whether it is whole, and say what is in it."""
    caches = recipe_caches(embeddings)
    if not caches:
        return EngineState()
    newest = caches[0]
    try:
        space = read_cache(newest.path, embeddings.identifier)
    except (DamagedCacheError, OSError):
        return EngineState(cache="damaged")
    index = space.index.describe()
    files = [newest.path, base_file(newest.path, space.base)]
    state = EngineState(
        cache="fresh" if newest.generation == embeddings.generation else "stale",
        cache_bytes=sum(path.stat().st_size for path in files if path is not None),
        index=index.factory,
        lists_visited=None if index.lists_probed is None else round(index.lists_probed),
        recall=index.recall,
        recall_queries=index.recall_queries,
        added=index.added,
        removed=index.removed,
    )
    if space.projection is None:
        return state
    return replace(
        state,
        projection=space.projection.version,
        projection_dim=space.projection.out,
        projection_power=space.projection.power,
        fitted_count=space.projection.fitted_count,
    )


def check_cache(embeddings: Embeddings) -> list[Finding]:
    """Read the cache of this generation whole, and compare its vectors with the rows."""
    path = cache_path(embeddings)
    if not path.is_file():
        return [
            Finding(
                f"recipe {embeddings.identifier}: the index cache is absent; queries build it "
                "in memory each time, and the next index writes it",
                "note",
                repairable=True,
            )
        ]
    try:
        space = read_cache(path, embeddings.identifier)
        verify_base(path, space.index, space.base)
    except (DamagedCacheError, OSError) as error:
        return [Finding(str(error), "cache", repairable=True)]
    ids = embeddings.ids()
    index = space.index
    held = None if index.is_exact else index.exact_ids.tolist()
    if not np.array_equal(np.sort(index.ids), ids) or any(
        not np.allclose(index.vectors(block), space.project(raw), atol=VECTOR_TOLERANCE)
        for block, raw in embeddings.blocks(held)
    ):
        return [
            Finding(
                f"{path.name}: holds {len(index)} vectors that are not those of the "
                f"{len(ids)} embeddings",
                "cache",
                repairable=True,
            )
        ]
    return []
