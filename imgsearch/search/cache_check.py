"""Whether an index cache is what the rows say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import cache_path
from imgsearch.search.search_space import read_cache
from imgsearch.storage.findings import Finding
from imgsearch.vectors import approximate_file
from imgsearch.vectors.segmented import SegmentedIndex

if TYPE_CHECKING:
    from imgsearch.storage.embeddings import Embeddings

VECTOR_TOLERANCE: Final = 1e-4


def check_cache(embeddings: Embeddings) -> list[Finding]:
    """Read the cache of the present generation whole, and compare its vectors with the rows."""
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
        if isinstance(space.index, SegmentedIndex):
            approximate_file.verify(path.with_name(space.base.partition(" ")[0]))
    except (DamagedCacheError, OSError) as error:
        return [Finding(str(error), "cache", repairable=True)]
    ids = embeddings.ids()
    exact = space.index.tail if isinstance(space.index, SegmentedIndex) else space.index
    if not np.array_equal(np.sort(space.index.ids), ids) or any(
        not np.allclose(exact.vectors(block), space.project(raw), atol=VECTOR_TOLERANCE)
        for block, raw in embeddings.blocks(None if exact is space.index else exact.ids.tolist())
    ):
        return [
            Finding(
                f"{path.name}: holds {len(space.index)} vectors that are not those of the "
                f"{len(ids)} embeddings",
                "cache",
                repairable=True,
            )
        ]
    return []
