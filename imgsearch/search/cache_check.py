"""What an index cache holds, and whether that is what the rows say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import cache_path, recipe_caches
from imgsearch.search.engine import EngineState
from imgsearch.search.space_cache import read_cache
from imgsearch.storage.embedding_checks import unchecked_ids
from imgsearch.storage.findings import FEW, Finding
from imgsearch.vectors.index_cache import base_file, verify_base

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings

VECTOR_TOLERANCE: Final = 1e-4


def cache_state(embeddings: Embeddings) -> EngineState:
    """Read the newest cache of a recipe to see whether it is whole, and say what is in it."""
    caches = recipe_caches(embeddings)
    if not caches:
        return EngineState()
    newest = caches[0]
    try:
        space = read_cache(newest.path, embeddings)
    except (DamagedCacheError, OSError):
        return EngineState(cache="damaged")
    index = space.index.describe()
    files = [newest.path, base_file(newest.path, space.base)]
    state = EngineState(
        cache="fresh" if newest.generation == embeddings.generation else "stale",
        cache_bytes=sum(path.stat().st_size for path in files if path is not None),
        index=index.factory,
        lists_probed=None if index.lists_probed is None else round(index.lists_probed),
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
        space = read_cache(path, embeddings)
        verify_base(path, space.index, space.base)
    except (DamagedCacheError, OSError) as error:
        return [Finding(str(error), "cache", repairable=True)]
    ids = embeddings.ids()
    index = space.index
    if not np.array_equal(np.sort(index.ids), ids):
        differing = ids
    else:
        held = None if index.is_exact else index.exact_ids.tolist()
        differing = _differing(embeddings, space, held)
    if not len(differing):
        return []
    unchecked = unchecked_ids(embeddings.store, embeddings.stored.id)
    is_few = len(differing) <= min(FEW, (len(ids) - 1) // 2)
    if is_few and unchecked.issuperset(differing.tolist()):
        # A whole cache of this very state against rows without a checksum: the rows are wrong.
        return [
            Finding(
                f"recipe {embeddings.identifier}: {len(differing)} embeddings are not those that "
                f"{path.name} holds; a repair drops them, and the next index makes them again",
                "damage",
                repairable=True,
                recipe_id=embeddings.stored.id,
                contents=tuple(differing.tolist()),
                drops=len(differing),
            )
        ]
    return [
        Finding(
            f"{path.name}: holds {len(index)} vectors that are not those of the "
            f"{len(ids)} embeddings",
            "cache",
            repairable=True,
        )
    ]


def _differing(
    embeddings: Embeddings, space: SearchSpace, held: list[int] | None
) -> NDArray[np.int64]:
    """Return the ids of the contents whose vector in the index is not that of their row."""
    differing = []
    for block, raw in embeddings.blocks(held):
        near = np.isclose(space.index.vectors(block), space.project(raw), atol=VECTOR_TOLERANCE)
        differing.append(block[~near.all(axis=1)])
    return np.concatenate(differing) if differing else np.empty(0, np.int64)
