"""Exact search as a kind of index: `imgsearch.vectors.protocol.IndexKind`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.vectors.exact import ExactIndex

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.vectors.index_plan import IndexPlan
    from imgsearch.vectors.protocol import StoredParts, VectorSource


def check(factory: str, dim: int) -> None:
    """Take any: there is nothing to choose."""


def build(source: VectorSource, plan: IndexPlan) -> ExactIndex:  # noqa: ARG001  # all plans are one
    """Return an index of all vectors, which are in memory once."""
    ids = np.empty(len(source), np.int64)
    vectors = np.empty((len(source), source.dim), np.float32)
    row = 0
    for identifiers, block in source.blocks():
        end = row + len(identifiers)
        ids[row:end] = identifiers
        vectors[row:end] = block
        row = end
    return ExactIndex.build(ids, vectors)


def restore(stored: StoredParts) -> ExactIndex:
    """Return the vectors, which are the index."""
    return stored.held


def verify(base: Path) -> None:
    """Find nothing: an exact index has no base."""
