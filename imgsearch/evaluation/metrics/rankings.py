"""Rankings: the ranks of every query's relevant items in the whole gallery.

All metrics follow from the ranks of the relevant items, so these are what is kept: a few numbers
for each query instead of a score for each pair. Scores exist for one block of queries at a time.

Three rules make a ranking well defined. The query itself is left out, by its position among the
items, wherever it would rank. Junk is left out before ranks are counted, so that it takes none.
Equal scores rank by position among the items, ascending.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import GroundTruth, Query

# Positions into `GroundTruth.queries`, shape (b,) -> scores, shape (b, n), aligned with
# `GroundTruth.gallery`; larger is nearer. The same positions always give the same scores.
ScoreBlocks: TypeAlias = "Callable[[NDArray[np.int64]], NDArray[np.float32]]"

# Scores that exist at once, in bytes of float32; a few copies of them come on top.
_BLOCK_BYTES: Final = 1 << 26


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rankings:
    """The ranks of the relevant items of q queries.

    Attributes:
        ranks: of all relevant items, counted from 1, query after query and ascending within each,
            shape (sum of R,), int64.
        offsets: the ranks of query i are `ranks[offsets[i] : offsets[i + 1]]`, shape (q + 1,),
            int64.
        ranked_counts: how many items are ranked for each query, that is all of the gallery but
            the query itself and its junk, shape (q,), int64.
        first: the first answers of each query as positions into `GroundTruth.items`, best first,
            shape (q, depth), int64; -1 where fewer items are ranked.
        first_scores: their scores, shape (q, depth), float32; NaN likewise.
        pair_precisions: for each of `ranks`, the precision among the pairs of all queries whose
            score is at least this one's, shape (sum of R,), float64; None unless asked for.
    """

    ranks: NDArray[np.int64]
    offsets: NDArray[np.int64]
    ranked_counts: NDArray[np.int64]
    first: NDArray[np.int64]
    first_scores: NDArray[np.float32]
    pair_precisions: NDArray[np.float64] | None = None

    @property
    def relevant_counts(self) -> NDArray[np.int64]:
        """R, the number of relevant items of each query, shape (q,); 0 marks a skipped query."""
        counts: NDArray[np.int64] = np.diff(self.offsets)
        return counts

    def __len__(self) -> int:
        return len(self.ranked_counts)


def similarity(
    queries: NDArray[np.floating[Any]], gallery: NDArray[np.floating[Any]]
) -> ScoreBlocks:
    """Return the scores of plain search: inner products, the cosine for rows of unit length.

    Args:
        queries: shape (q, dim), aligned with `GroundTruth.queries`.
        gallery: shape (n, dim), aligned with `GroundTruth.gallery`.

    Raises:
        UsageError: the shapes do not fit.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:  # noqa: PLR2004  # rows, columns
        raise UsageError(
            f"queries {queries.shape} do not fit a gallery {gallery.shape}; expected (q, dim) and "
            "(n, dim)"
        )
    asked = np.ascontiguousarray(queries, dtype=np.float32)
    held = np.ascontiguousarray(gallery, dtype=np.float32)

    def scores(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        # (b, dim) @ (dim, n) -> (b, n)
        products: NDArray[np.float32] = asked[positions] @ held.T
        return products

    return scores


def rank(
    ground_truth: GroundTruth,
    scores: ScoreBlocks,
    *,
    depth: int = 100,
    across_queries: bool = False,
) -> Rankings:
    """Rank the whole gallery for every query, block by block.

    Memory is bounded by a block of scores, by the answers that are kept and by one number for
    each relevant item, however large queries times gallery is.

    Args:
        ground_truth: the queries and their relevant items.
        scores: called with consecutive positions; what it returns is not modified.
        depth: number of first answers to keep for each query.
        across_queries: also rank the pairs of all queries together, which the micro average
            precision needs. Scores are then computed twice: once for the scores of the relevant
            pairs, once to count the wrong pairs above each of them.

    Raises:
        UsageError: the depth is negative; the gallery's positions do not ascend; an item is
            relevant that is not in the gallery, is the query itself, is junk too, or is named
            twice; scores have another shape than (b, n) or are not finite.
    """
    if depth < 0:
        raise UsageError(f"depth {depth}: expected 0 answers or more")
    blocks = _Blocks(ground_truth, scores)
    count, gallery = len(ground_truth.queries), ground_truth.gallery
    offsets = np.zeros(count + 1, dtype=np.int64)
    for place, query in enumerate(ground_truth.queries):
        offsets[place + 1] = offsets[place] + len(query.relevant)
    ranks = np.empty(offsets[-1], dtype=np.int64)
    relevant_scores = np.empty(offsets[-1], dtype=np.float32)
    ranked_counts = np.empty(count, dtype=np.int64)
    first = np.full((count, min(depth, len(gallery))), -1, dtype=np.int64)
    first_scores = np.full(first.shape, np.nan, dtype=np.float32)

    def rank_rows(start: int, rows: NDArray[np.float32]) -> None:
        ordered = np.sort(rows, axis=1)
        for place, (row, ascending) in enumerate(zip(rows, ordered, strict=True), start):
            query = ground_truth.queries[place]
            inside = slice(offsets[place], offsets[place + 1])
            columns = blocks.columns(query.relevant)
            ranks[inside] = ranks_of(row, columns, ascending=ascending)
            # Ascending ranks are descending scores.
            relevant_scores[inside] = np.sort(row[columns])[::-1]
            ranked = len(row) - int(np.searchsorted(ascending, -np.inf, side="right"))
            ranked_counts[place] = ranked
            best = _best(row, ascending, min(first.shape[1], ranked))
            first[place, : len(best)] = gallery[best]
            first_scores[place, : len(best)] = row[best]

    blocks.each(rank_rows)
    return Rankings(
        ranks=ranks,
        offsets=offsets,
        ranked_counts=ranked_counts,
        first=first,
        first_scores=first_scores,
        pair_precisions=_pair_precisions(blocks, relevant_scores) if across_queries else None,
    )


def ranks_of(
    scores: NDArray[np.floating[Any]],
    columns: NDArray[np.integer[Any]],
    *,
    ascending: NDArray[np.floating[Any]] | None = None,
) -> NDArray[np.int64]:
    """Return the ranks of some columns of one row of scores, counted from 1, ascending.

    A rank is one more than the number of better scores and of equal scores further left; so the
    row is sorted by value, which is many times faster than sorting its columns.

    Args:
        scores: shape (n,), without NaN.
        columns: shape (r,), each once.
        ascending: the scores in ascending order, if they have been sorted already.
    """
    ordered = np.sort(scores) if ascending is None else ascending
    values = scores[columns]
    better = len(scores) - np.searchsorted(ordered, values, side="right")
    equal = len(scores) - np.searchsorted(ordered, values, side="left") - better
    for tied in np.flatnonzero(equal > 1):
        better[tied] += np.count_nonzero(scores[: columns[tied]] == values[tied])
    return np.sort(better + 1)


class _Blocks:
    """Blocks of scores, in which what must not rank has the score -inf."""

    def __init__(self, ground_truth: GroundTruth, scores: ScoreBlocks) -> None:
        self._queries = ground_truth.queries
        self._size = len(ground_truth.gallery)
        self._scores = scores
        # Column of each item; one past the last for an item that is not searched.
        self._columns = np.full(len(ground_truth.items), self._size, dtype=np.int64)
        self._columns[ground_truth.gallery] = np.arange(self._size)
        if np.any(np.diff(ground_truth.gallery) <= 0):
            raise UsageError("the gallery's positions do not ascend; ties are decided by them")
        for place, query in enumerate(self._queries):
            self._check(place, query)

    def columns(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the columns of those items that are in the gallery."""
        columns = self._columns[items]
        return columns[columns < self._size]

    def each(
        self,
        act: Callable[[int, NDArray[np.float32]], None],
        *,
        relevant: bool = True,
    ) -> None:
        """Call `act` with the position of the first query of some rows, and these rows.

        Args:
            act: may overwrite the rows; called from several threads at once.
            relevant: whether the relevant items rank too.
        """
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            for positions in self._positions():
                rows = self._masked(positions, relevant=relevant)
                share = -(-len(rows) // workers)
                starts = range(0, len(rows), share)
                parts = [rows[start : start + share] for start in starts]
                firsts = [int(positions[start]) for start in starts]
                # Errors of the threads come out with their results.
                list(pool.map(act, firsts, parts))

    def _positions(self) -> Iterator[NDArray[np.int64]]:
        rows = max(1, _BLOCK_BYTES // max(1, 4 * self._size))
        for start in range(0, len(self._queries), rows):
            yield np.arange(start, min(start + rows, len(self._queries)))

    def _masked(self, positions: NDArray[np.int64], *, relevant: bool) -> NDArray[np.float32]:
        rows = np.array(self._scores(positions), dtype=np.float32)
        if rows.shape != (len(positions), self._size):
            raise UsageError(
                f"scores of shape {rows.shape}: expected {(len(positions), self._size)}, a row for "
                "each query and a column for each item of the gallery"
            )
        if not np.isfinite(rows).all():
            raise UsageError("some scores are not finite; check the embeddings that they come from")
        for row, place in zip(rows, positions, strict=True):
            query = self._queries[place]
            row[self.columns(query.junk)] = -np.inf
            row[self.columns(np.array([query.item]))] = -np.inf
            if not relevant:
                row[self.columns(query.relevant)] = -np.inf
        return rows

    def _check(self, place: int, query: Query) -> None:
        relevant = query.relevant
        if query.item in relevant:
            problem = "is relevant to itself"
        elif len(np.unique(relevant)) < len(relevant):
            problem = "names a relevant item twice"
        elif len(query.junk) and np.isin(relevant, query.junk).any():
            problem = "has an item that is both relevant and junk"
        elif len(self.columns(relevant)) < len(relevant):
            problem = "has a relevant item that is not in the gallery and could never be found"
        else:
            return
        raise UsageError(
            f"query {place} (item {query.item}) {problem}; correct the ground truth, or leave the "
            "item out of it"
        )


def _best(row: NDArray[np.float32], ascending: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return the columns of the first `count` items, best first, equal ones from the left."""
    if not count:
        return np.empty(0, dtype=np.intp)
    candidates = np.flatnonzero(row >= ascending[-count])
    order = np.argsort(-row[candidates], kind="stable")
    return candidates[order[:count]]


def _pair_precisions(blocks: _Blocks, relevant_scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return, for each relevant pair, the precision among all pairs that score at least as much."""
    thresholds, which = np.unique(relevant_scores, return_inverse=True)
    right = np.cumsum(np.bincount(which, minlength=len(thresholds))[::-1])[::-1]
    wrong = np.zeros(len(thresholds), dtype=np.int64)
    adding = Lock()

    def count_wrong(_: int, rows: NDArray[np.float32]) -> None:
        flat = rows.ravel()
        # -inf, which does not rank, is below every threshold.
        flat = np.sort(flat[flat >= thresholds[0]])
        above = len(flat) - np.searchsorted(flat, thresholds, side="left")
        with adding:
            np.add(wrong, above, out=wrong)

    if len(thresholds):
        blocks.each(count_wrong, relevant=False)
    precisions: NDArray[np.float64] = (right / (right + wrong))[which]
    return precisions
