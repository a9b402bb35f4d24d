"""Inverted lists as a kind of index: `imgsearch.vectors.protocol.IndexKind`."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.vectors import approximate_file
from imgsearch.vectors.approximate_builder import TRAINING_FACTOR, Growing
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_plan import TARGET_RECALL, lists_wanted
from imgsearch.vectors.inverted_lists import checked_factory
from imgsearch.vectors.segmented import STATE, SegmentedIndex

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.vectors.index_plan import IndexPlan
    from imgsearch.vectors.protocol import StoredParts, VectorSource

LOG: Final = logging.getLogger(__name__)
# With these queries the ANN recall of a new index is measured.
MEASURED_QUERIES: Final = 500
TRAINING_BYTES: Final = 2**29


def check(factory: str, dim: int) -> None:
    """Refuse a factory string that FAISS does not know, or that cannot serve as a cache."""
    checked_factory(factory, dim)


def build(source: VectorSource, plan: IndexPlan) -> SegmentedIndex:
    """Train an index on a sample, fill it block by block, and measure it.

    One whose ANN recall misses the target is built again with finer codes, where the plan names
    some.

    Raises:
        UsageError: FAISS cannot make such an index.
    """
    index = _built(source, plan)
    if plan.finer and index.base.measured.recall < TARGET_RECALL:
        LOG.info(
            "the index finds %.1f %% of the nearest ten: building it again with finer codes",
            100 * index.base.measured.recall,
        )
        index = _built(source, replace(plan, factory=plan.finer, finer=""))
    return index


def _built(source: VectorSource, plan: IndexPlan) -> SegmentedIndex:
    size = min(TRAINING_FACTOR * lists_wanted(plan.factory), TRAINING_BYTES // (4 * source.dim))
    sample = source.sample(max(size, MEASURED_QUERIES))
    asked = set(sample[:MEASURED_QUERIES])
    ids, vectors = zip(*source.blocks(sample), strict=True)
    known, training = np.concatenate(ids), np.concatenate(vectors)
    del vectors
    queries = np.array([item in asked for item in known.tolist()])
    growing = Growing.train(
        plan, training, query_ids=known[queries], queries=training[queries].copy()
    )
    del training
    for identifiers, block in source.blocks():
        growing.add(identifiers, block)
    return SegmentedIndex(growing.finish(), ExactIndex(source.dim), np.empty(0, np.int64))


def restore(stored: StoredParts) -> SegmentedIndex:
    """Map the lists, and mask what was removed since.

    Raises:
        DamagedCacheError: the lists are damaged, or not those that the rest was written for.
        OSError: their file is not there or cannot be read.
    """
    if stored.base is None:
        raise DamagedCacheError(
            "a cache of inverted lists names no file of lists; the next `imgsearch index` builds "
            "it again"
        )
    base, checksum = approximate_file.load(stored.base)
    if checksum != stored.checksum or base.dim != stored.held.dim:
        raise DamagedCacheError(
            f"{stored.base} is not the index that its cache goes on from; the next `imgsearch "
            "index` builds both again"
        )
    removed = np.frombuffer(stored.state, STATE).astype(np.int64)
    return SegmentedIndex(base, stored.held, removed)


def verify(base: Path) -> None:
    """Read all lists.

    Raises:
        DamagedCacheError: a byte that has a meaning differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    approximate_file.verify(base)
