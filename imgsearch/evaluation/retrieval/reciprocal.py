"""k-reciprocal neighbours: the encodings that re-ranking compares, kept sparse.

Zhong, Zheng, Cao and Li, "Re-ranking person re-identification with k-reciprocal encoding" (2017).
N(p, k) are the k nearest others of p, and p itself, which takes none of the k places.

    R(p, k)  = {g ∈ N(p, k) : p ∈ N(g, k)}                                    reciprocal
    R*(p)    = R(p, k1) ∪ R(g, k1 / 2) for every g ∈ R(p, k1)                  expanded
               with |R(p, k1) ∩ R(g, k1 / 2)| ≥ 2/3 |R(g, k1 / 2)|
    V_p,g    = exp(s_pg - 1) for g ∈ R*(p), else 0                            encoded
    V'_p     = mean of V_g over p and its k2 - 1 nearest                      averaged
    J(p, g)  = Σ_i min(V'_p,i, V'_g,i) / Σ_i max(V'_p,i, V'_g,i)              compared

k1 / 2 is rounded to the even neighbour where it falls between two, as in the authors' program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from imgsearch.evaluation.retrieval.neighbours import BLOCK, Neighbours, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Entries = tuple[NDArray[np.intp], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """Rows of which most entries are 0.

    Attributes:
        offsets: where each row begins in the two below, shape (n + 1,), int64.
        columns: of the entries that are not 0, row by row, ascending.
        values: of these, float32.
    """

    offsets: NDArray[np.int64]
    columns: NDArray[np.intp]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Iterable[Entries]) -> Self:
        """Return these (columns, values) as rows."""
        columns: list[NDArray[np.intp]] = [np.empty(0, np.intp)]
        values: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
        for some, of_these in rows:
            columns.append(some)
            values.append(of_these)
        offsets = np.cumsum([len(some) for some in columns], dtype=np.int64)
        return cls(offsets, np.concatenate(columns), np.concatenate(values))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Entries:
        place = slice(self.offsets[row], self.offsets[row + 1])
        return self.columns[place], self.values[place]

    def sums(self) -> NDArray[np.float64]:
        """Return the sum of every row, shape (n,)."""
        row_of_entry = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        sums = np.bincount(row_of_entry, weights=self.values, minlength=len(self))
        return sums.astype(np.float64)

    def transposed(self) -> SparseRows:
        """Return the columns of a square matrix as rows."""
        row_of_entry = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        order = np.argsort(self.columns, kind="stable")
        counts = np.bincount(self.columns, minlength=len(self))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return SparseRows(offsets, row_of_entry[order], self.values[order])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReciprocalNeighbours:
    """A gallery's neighbour lists and encodings, and what a query is compared with.

    Attributes:
        gallery: unit rows, shape (n, dim), float32.
        k1: how many neighbours may be reciprocal.
        k2: over how many encodings each is averaged, its own among them.
        near: the nearest others of every row, max(k1, k2 - 1) of them.
        halves: every row and its reciprocal neighbours among the nearest k1 / 2, -1 for none;
            shape (n + 1, 1 + k1 / 2), the last row all -1.
        encodings: V of every row.
        inverted: V' of every row, transposed.
        sums: of every row of V', shape (n,), float64.
    """

    gallery: NDArray[np.float32]
    k1: int
    k2: int
    near: Neighbours
    halves: NDArray[np.int64]
    encodings: SparseRows
    inverted: SparseRows
    sums: NDArray[np.float64]

    @classmethod
    def of(cls, gallery: NDArray[np.floating[Any]], *, k1: int, k2: int) -> Self:
        """Encode every row of a gallery.

        Args:
            gallery: unit rows, shape (n, dim), finite.
            k1: from 1 up.
            k2: from 1 up.
        """
        gallery = gallery.astype(np.float32, copy=False)
        rows = np.arange(len(gallery), dtype=np.int64)
        itself = tuple(rows[:, np.newaxis])
        near = nearest(gallery, gallery, k=max(k1, k2 - 1), excluded=itself)
        half = round(k1 / 2)
        halves = np.full((len(gallery) + 1, half + 1), -1, dtype=np.int64)
        halves[:-1, 0] = rows
        for block in _blocks(len(gallery)):
            found = near.positions[block, :half]
            mutual = _lists(near, found, rows[block], half)
            halves[block, 1:] = np.where(mutual, found, -1)
        encodings = SparseRows.of(
            entries
            for block in _blocks(len(gallery))
            for entries in _encode(
                gallery[block],
                _members(
                    rows[block],
                    near.positions[block, :k1],
                    _lists(near, near.positions[block, :k1], rows[block], k1),
                ),
                gallery=gallery,
                halves=halves,
            )
        )
        averaged = SparseRows.of(
            _average(encodings[row], near.positions[row, : k2 - 1], encodings)
            for row in range(len(gallery))
        )
        return cls(
            gallery=gallery,
            k1=k1,
            k2=k2,
            near=near,
            halves=halves,
            encodings=encodings,
            inverted=averaged.transposed(),
            sums=averaged.sums(),
        )

    def similarity(
        self,
        queries: NDArray[np.float32],
        *,
        rows: NDArray[np.int64],
        excluded: Sequence[NDArray[np.int64]],
    ) -> NDArray[np.float32]:
        """Return the Jaccard similarity J of queries with every row, shape (b, n).

        Args:
            queries: unit rows, shape (b, dim).
            rows: which row of the gallery each query is, shape (b,); -1 for none.
            excluded: for every query the rows that are not neighbours of it.
        """
        without = [
            np.append(some, row) if row >= 0 else some
            for some, row in zip(excluded, rows.tolist(), strict=True)
        ]
        near = nearest(queries, self.gallery, k=max(self.k1, self.k2 - 1), excluded=without)
        found, scores = near.positions[:, : self.k1], near.scores[:, : self.k1]
        # A row of the gallery is in others' lists or is not; a stranger would be if it scores
        # above the last one there. (Where a list is shorter than k1, that is -inf.)
        mutual = np.where(
            rows[:, np.newaxis] >= 0,
            _lists(self.near, found, rows, self.k1),
            (found >= 0) & (scores > self.near.scores[found, self.k1 - 1]),
        )
        encoded = _encode(
            queries,
            _members(rows, found, mutual),
            gallery=self.gallery,
            halves=self.halves,
        )
        shared = np.empty((len(queries), len(self.gallery)), dtype=np.float32)
        for row, own in enumerate(encoded):
            shared[row] = self._jaccard(
                _average(own, near.positions[row, : self.k2 - 1], self.encodings)
            )
        return shared

    def _jaccard(self, encoding: Entries) -> NDArray[np.float64]:
        columns, values = encoding
        starts = self.inverted.offsets[columns]
        counts = self.inverted.offsets[columns + 1] - starts
        # Every entry that the gallery has in one of these columns.
        first_entries = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        entries = first_entries + np.arange(counts.sum())
        smaller = np.minimum(np.repeat(values, counts), self.inverted.values[entries])
        # Σ min, shape (n,); Σ max = Σ V'_p + Σ V'_g - Σ min
        common = np.bincount(
            self.inverted.columns[entries], weights=smaller, minlength=len(self.gallery)
        )
        either = values.sum(dtype=np.float64) + self.sums - common
        jaccard: NDArray[np.float64] = common / np.where(either > 0, either, 1.0)
        return jaccard


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def _lists(
    near: Neighbours, found: NDArray[np.int64], rows: NDArray[np.int64], k: int
) -> NDArray[np.bool_]:
    """Say which of the neighbours found, shape (b, m), have their row among their own first k."""
    # (b, m, k) == (b, 1, 1) -> (b, m)
    theirs = near.positions[:, :k][found] == rows[:, np.newaxis, np.newaxis]
    mutual: NDArray[np.bool_] = theirs.any(axis=2) & (found >= 0)
    return mutual


def _members(
    rows: NDArray[np.int64], found: NDArray[np.int64], mutual: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return R as rows, shape (b, 1 + k1), -1 for none: itself, and the mutual neighbours."""
    return np.concatenate([rows[:, np.newaxis], np.where(mutual, found, -1)], axis=1)


def _encode(
    vectors: NDArray[np.float32],
    members: NDArray[np.int64],
    *,
    gallery: NDArray[np.float32],
    halves: NDArray[np.int64],
) -> Iterator[Entries]:
    """Yield V of each vector as (columns, values), from the rows of its R."""
    row = np.arange(len(vectors))[:, np.newaxis]
    # The position -1, for none, is the last column, and stays empty.
    inside = np.zeros((len(vectors), len(gallery) + 1), dtype=np.bool_)
    inside[row, members] = True
    inside[:, -1] = False
    # (b, 1 + k1) -> (b, 1 + k1, 1 + k1 / 2)
    theirs = halves[members]
    sizes = (theirs >= 0).sum(axis=2)
    common = inside[row[:, :, np.newaxis], theirs].sum(axis=2)
    joins = 3 * common >= 2 * sizes
    inside[row[:, :, np.newaxis], np.where(joins[:, :, np.newaxis], theirs, -1)] = True
    inside[:, -1] = False
    for vector, marks in zip(vectors, inside, strict=True):
        columns = np.flatnonzero(marks)
        yield columns, np.exp(gallery[columns] @ vector - 1)


def _average(own: Entries, near: NDArray[np.int64], encodings: SparseRows) -> Entries:
    """Return V' as (columns, values): the mean of its own V and those of its nearest."""
    total = np.zeros(len(encodings), dtype=np.float64)
    there = near[near >= 0].tolist()
    for columns, values in (own, *(encodings[row] for row in there)):
        total[columns] += values
    columns = np.flatnonzero(total)
    return columns, (total[columns] / (1 + len(there))).astype(np.float32)
