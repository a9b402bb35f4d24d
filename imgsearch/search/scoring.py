"""Exact scores of candidates, computed for several questions together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from imgsearch.search.ranking import rounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.search.search_space import Space
    from imgsearch.storage.embeddings import Embeddings

# So many rows are multiplied at once: they stay in the processor's cache.
_ROWS: Final = 1024


class Scored(NamedTuple):
    """Candidates of a question, the best first.

    Attributes:
        ids: of contents, shape (m,), int64.
        scores: `rounded`, shape (m,), float64, descending.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float64]


def scored_each(
    space: Space,
    embeddings: Embeddings,
    vectors: NDArray[np.float32],
    near: Sequence[NDArray[np.int64]],
) -> list[Scored]:
    """Return each question's candidates with their scores.

    A candidate of which there is no vector, as in a damaged list, is left out.

    Args:
        space: where they were found.
        embeddings: in the snapshot in which the space was opened.
        vectors: of the questions, of unit length, shape (q, out).
        near: ids of each one's candidates, none twice.
    """
    found: list[Scored] = []
    for start, end in _groups([len(some) for some in near]):
        found += _scored(space, embeddings, vectors[start:end], near[start:end])
    return found


def _groups(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield ranges of questions with some `_ROWS` candidates together, or of one question."""
    start = total = 0
    for number, count in enumerate(counts):
        if number > start and total + count > _ROWS:
            yield start, number
            start, total = number, 0
        total += count
    yield start, len(counts)


def _scored(
    space: Space,
    embeddings: Embeddings,
    vectors: NDArray[np.float32],
    near: Sequence[NDArray[np.int64]],
) -> list[Scored]:
    if len(near) == 1:
        ids, rows = space.vectors(embeddings, near[0])
        scores = _products(rows, vectors[0])
        order = np.argsort(-scores, kind="stable")
        return [Scored(ids[order], scores[order])]
    wanted = np.concatenate(near)
    asked = np.repeat(np.arange(len(near)), [len(some) for some in near])
    known, rows = space.vectors(embeddings, np.unique(wanted))
    by_id = np.argsort(known)
    places = np.searchsorted(known, wanted, sorter=by_id)
    there = places < len(known)
    there[there] = known[by_id[places[there]]] == wanted[there]
    ids, asked, places = wanted[there], asked[there], by_id[places[there]]
    scores = _products(rows[places], vectors[asked])
    order = np.lexsort((-scores, asked))
    ids, scores = ids[order], scores[order]
    ends = np.cumsum(np.bincount(asked, minlength=len(near)))[:-1]
    return [Scored(*both) for both in zip(np.split(ids, ends), np.split(scores, ends), strict=True)]


def _products(rows: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return scores of rows (m, out) under a vector (out,), or one of its own for each row.

    Row by row, so that a score's last digit does not depend on its neighbours, as BLAS's does.
    """
    products: NDArray[np.float64] = rows.astype(np.float64)
    products *= vectors
    return rounded(products.sum(axis=1))
