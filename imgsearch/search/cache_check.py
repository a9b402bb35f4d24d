"""Whether what an index cache holds is what the rows say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import cache_path
from imgsearch.search.space_cache import read_cache
from imgsearch.storage.embedding_checks import unchecked_ids
from imgsearch.storage.findings import FEW, Finding
from imgsearch.vectors.index_cache import verify_base

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings

VECTOR_TOLERANCE: Final = 1e-4


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
