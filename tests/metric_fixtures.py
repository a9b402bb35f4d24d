"""Rankings for the tests of the metrics: made from scores, and worked out the slow way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query
from imgsearch.evaluation.metrics.rankings import Rankings, rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def query(
    item: int, relevant: Sequence[int], junk: Sequence[int] = (), *, group: str = "all"
) -> Query:
    return Query(
        item=item,
        relevant=np.array(sorted(relevant), dtype=np.int64),
        junk=np.array(sorted(junk), dtype=np.int64),
        group=group,
    )


def truth(
    queries: Sequence[Query], *, items: int, gallery: Sequence[int] | None = None
) -> GroundTruth:
    return GroundTruth(
        name="test",
        items=tuple(Item(Path(f"{number}.jpg")) for number in range(items)),
        gallery=np.arange(items) if gallery is None else np.array(gallery, dtype=np.int64),
        queries=tuple(queries),
    )


def ranked(
    ground_truth: GroundTruth,
    scores: NDArray[np.float32],
    *,
    depth: int = 100,
    across_queries: bool = False,
) -> Rankings:
    """Rank scores that are there already, shape (q, n)."""
    return rank(ground_truth, lambda rows: scores[rows], depth=depth, across_queries=across_queries)


def at_ranks(*rankings: Sequence[int], ranked_count: int = 100) -> Rankings:
    """Rankings whose relevant items stand at these ranks."""
    offsets = np.cumsum([0, *map(len, rankings)])
    return Rankings(
        ranks=np.array([place for some in rankings for place in some], dtype=np.int64),
        offsets=offsets,
        ranked_counts=np.full(len(rankings), ranked_count),
        first=np.empty((len(rankings), 0), dtype=np.int64),
        first_scores=np.empty((len(rankings), 0), dtype=np.float32),
    )


def random_case(seed: int, *, queries: int = 12) -> tuple[GroundTruth, NDArray[np.float32]]:
    """Queries with many ties, junk, a query without relevant items, and one outside the gallery."""
    generator = np.random.default_rng(seed)
    items = int(generator.integers(6, 40))
    gallery = np.flatnonzero(generator.random(items) < 0.9)
    if not len(gallery):
        gallery = np.array([0])
    asked = []
    for number in range(queries):
        item = int(generator.integers(items))
        kinds = generator.choice(3, size=len(gallery), p=[0.6, 0.25, 0.15])
        kinds[gallery == item] = 0
        if number == 1:
            kinds[kinds == 1] = 0
        asked.append(
            query(item, gallery[kinds == 1], gallery[kinds == 2], group=f"class {number % 4}")
        )
    levels = generator.integers(2, 40)
    scores = generator.integers(-levels, levels, size=(queries, len(gallery))) / np.float32(8)
    return truth(asked, items=items, gallery=gallery.tolist()), scores.astype(np.float32)


def naive_order(asked: Query, gallery: NDArray[np.int64], row: NDArray[np.float32]) -> list[int]:
    """Return what ranks for a query as items, best first, item by item as the rules read."""
    ranking = [
        (-float(score), int(item))
        for item, score in zip(gallery, row, strict=True)
        if item != asked.item and item not in asked.junk
    ]
    return [item for _, item in sorted(ranking)]
