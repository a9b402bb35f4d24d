"""Whether regions and their cache are as they were written, and mending what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.regions import cache_files
from imgsearch.regions.layout import Layout
from imgsearch.regions.space import read_cache, region_ids
from imgsearch.storage.findings import Finding
from imgsearch.vectors import index_cache

if TYPE_CHECKING:
    from imgsearch.storage.embeddings import Embeddings


def check(embeddings: Embeddings) -> list[Finding]:
    """Read the rows of a recipe's regions and their cache whole, and name what is damaged."""
    store, recipe_id = embeddings.store, embeddings.stored.id
    stored = store.regions_of(recipe_id)
    if stored is None:
        return []
    layout = Layout.from_json(stored.layout)
    damaged = tuple(store.damaged_regions(recipe_id, layout.shape))
    if damaged:
        return [
            Finding(
                f"recipe {embeddings.identifier}: the regions of {len(damaged)} contents are not "
                "as they were written; a repair drops them, and the next index makes them again",
                "damage",
                repairable=True,
            )
        ]
    path = cache_files.cache_path(embeddings, stored.digest)
    if not path.is_file():
        return [
            Finding(
                f"recipe {embeddings.identifier}: the cache of regions is absent; queries build it "
                "in memory each time, and the next index writes it",
                "note",
                repairable=True,
            )
        ]
    try:
        space = read_cache(path, embeddings, stored)
        index_cache.verify_base(path, space.index, space.base)
    except (DamagedCacheError, OSError) as error:
        return [Finding(str(error), "cache", repairable=True)]
    wanted = region_ids(store.ids_with_regions(recipe_id)).ravel()
    if not np.array_equal(np.sort(space.index.ids), wanted):
        what = f"{path.name}: holds other regions than the database"
        return [Finding(what, "cache", repairable=True)]
    return []


def repair(embeddings: Embeddings) -> None:
    """Drop damaged rows; in a transaction."""
    store, recipe_id = embeddings.store, embeddings.stored.id
    stored = store.regions_of(recipe_id)
    if stored is not None:
        layout = Layout.from_json(stored.layout)
        store.remove_regions(recipe_id, store.damaged_regions(recipe_id, layout.shape))
