"""Exact search over vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.faiss_library import faiss, threads_for
from imgsearch.vectors.index_plan import EXACT
from imgsearch.vectors.protocol import IndexDescription, IndexParts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.index_plan import IndexChoice

MOST_DIM: Final = 1 << 20
# So many more are searched for than are wanted, since some may be of no file, or tie.
SPARE: Final = 16


class ExactIndex:
    """Exact inner-product search over rows that are known by an id: a `VectorIndex`.

    FAISS holds the vectors by position and NumPy maps positions to ids: against FAISS's own
    `IndexIDMap2` this opens 100,000 vectors in half the time, and a filter is a bitmap of one bit
    per vector whatever the ids are.
    """

    kind: Final = EXACT
    is_exact: Final = True

    def __init__(self, dim: int) -> None:
        if not 1 <= dim <= MOST_DIM:
            raise UsageError(f"dim: {dim} is not a vector's length from 1 to {MOST_DIM}")
        self._flat: Any = faiss.IndexFlatIP(dim)
        self._ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        # Positions by ascending id; None where they are not known yet.
        self._order: NDArray[np.int64] | None = None

    @classmethod
    def build(cls, ids: ArrayLike, vectors: NDArray[np.floating[Any]]) -> ExactIndex:
        """Return an index over these vectors.

        Args:
            ids: shape (n,), integers from 0 up, each once.
            vectors: shape (n, dim), finite; kept as float32. n = 0 is allowed.

        Raises:
            UsageError: shapes do not fit, an id is negative or repeated, or a value is not finite.
        """
        if vectors.ndim != 2:  # noqa: PLR2004  # rows and columns
            raise UsageError(f"vectors of shape {vectors.shape} are not rows (n, dim)")
        index = cls(vectors.shape[1])
        index.add(ids, vectors)
        return index

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._flat.d)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids in the order in which they were added, shape (n,), int64, read-only."""
        view = self._ids.view()
        view.flags.writeable = False
        return view

    @property
    def exact_ids(self) -> NDArray[np.int64]:
        """All of them."""
        return self.ids

    def add(self, ids: ArrayLike, vectors: NDArray[np.floating[Any]]) -> None:
        """Add vectors; on an error the index is as it was.

        Raises:
            UsageError: shapes do not fit, an id is negative, repeated or held already, or a value
                is not finite.
        """
        new = as_ids(ids)
        rows = as_rows(vectors, self.dim, what="vectors")
        if len(new) != len(rows):
            raise UsageError(f"{len(new)} ids do not fit {len(rows)} vectors")
        if new.size and int(new.min()) < 0:
            raise UsageError(f"ids: {int(new.min())} is below 0")
        if len(np.unique(new)) != len(new):
            raise UsageError("ids: some occur twice; each vector needs its own")
        held = new[np.isin(new, self._ids)]
        if held.size:
            raise UsageError(f"ids: {int(held[0])} is in the index already; remove it first")
        self._flat.add(rows)
        self._ids = np.concatenate([self._ids, new])
        self._order = None

    def remove(self, ids: ArrayLike) -> int:
        """Remove vectors and return how many there were; ids that the index lacks are ignored."""
        gone = np.isin(self._ids, as_ids(ids))
        count = int(np.count_nonzero(gone))
        if count:
            self._flat.remove_ids(selector(gone))
            self._ids = self._ids[~gone]
            self._order = None
        return count

    def vectors(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Return the vectors (m, dim), float32, of ids (m,), a copy.

        Raises:
            UsageError: an id is not in the index.
        """
        wanted = as_ids(ids)
        known, rows = self.kept(wanted)
        if not known.all():
            raise UsageError(f"ids: {int(wanted[~known][0])} is not in the index")
        return rows

    def kept(self, ids: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which ids' vectors (m,) the index has, and these (w, dim), a copy."""
        wanted = as_ids(ids)
        if not len(self):
            return np.zeros(len(wanted), np.bool_), np.empty((0, self.dim), np.float32)
        if self._order is None:
            self._order = np.argsort(self._ids, kind="stable")
        places = np.searchsorted(self._ids, wanted, sorter=self._order)
        places = self._order[np.minimum(places, len(self) - 1)]
        known = self._ids[places] == wanted
        return known, self.matrix()[places[known]]

    def search(
        self,
        queries: NDArray[np.floating[Any]],
        k: int,
        *,
        allowed: ArrayLike | None = None,
        excluded: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the k vectors of largest inner product with each query, best first.

        Exactly as `VectorIndex.search` says, with scores and ids of shape (q, k).

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """
        rows, scores, ids = without_answers(queries, k, dim=self.dim)
        passing = self._passing(allowed, excluded)
        count = len(self) if passing is None else int(np.count_nonzero(passing))
        found = min(k, count)
        if found and len(rows):
            parameters = None if passing is None else faiss.SearchParameters(sel=selector(passing))
            with threads_for(len(rows)):
                best, positions = self._flat.search(rows, found, params=parameters)
            matched = self._ids[positions]
            order = np.lexsort((matched, -best), axis=1)
            scores[:, :found] = np.take_along_axis(best, order, axis=1)
            ids[:, :found] = np.take_along_axis(matched, order, axis=1)
        return scores, ids

    def _passing(
        self, allowed: ArrayLike | None, excluded: ArrayLike | None
    ) -> NDArray[np.bool_] | None:
        if allowed is None and excluded is None:
            return None
        passing = np.ones(len(self), dtype=np.bool_)
        if allowed is not None:
            passing &= np.isin(self._ids, as_ids(allowed))
        if excluded is not None:
            passing &= ~np.isin(self._ids, as_ids(excluded))
        return passing

    def candidates(self, k: int) -> int:
        """Return how many to search for when k are wanted: a few more."""
        return k + SPARE

    def fits(self, choice: IndexChoice) -> bool:
        """Whether a choice asks for exact search of so many vectors."""
        return choice.plan(len(self), self.dim).is_exact

    def describe(self) -> IndexDescription:
        """Return that it is exact."""
        return IndexDescription(factory=EXACT)

    def parts(self) -> IndexParts:
        """Return the vectors."""
        return IndexParts(held=self)

    def matrix(self) -> NDArray[np.float32]:
        """Return a view of FAISS's own storage, valid until the index changes."""
        if not len(self):
            return np.empty((0, self.dim), dtype=np.float32)
        flat: NDArray[np.float32] = faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self.dim)
        return flat.reshape(len(self), self.dim)


def selector(chosen: NDArray[np.bool_]) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return the FAISS selector of the positions that are true; it keeps its bitmap alive."""
    return faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))


def as_ids(ids: ArrayLike) -> NDArray[np.int64]:
    """Return ids as an array (n,), int64.

    Raises:
        UsageError: they are no list of integers.
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise UsageError(f"ids of shape {array.shape} are not a list")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise UsageError(f"ids of {array.dtype} are not integers")
    return array.astype(np.int64)


def as_rows(vectors: NDArray[np.floating[Any]], dim: int, *, what: str) -> NDArray[np.float32]:
    """Return vectors as finite rows (n, dim), float32, as FAISS takes them.

    Raises:
        UsageError: they are no such rows; `what` says what they are.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:  # noqa: PLR2004  # rows and columns
        raise UsageError(f"{what} of shape {vectors.shape} do not fit an index of dim {dim}")
    rows = np.require(vectors, dtype=np.float32, requirements=["C", "ALIGNED"])
    if not np.isfinite(rows).all():
        raise UsageError(f"{what} hold values that are not finite float32 numbers")
    return rows


def without_answers(
    queries: NDArray[np.floating[Any]], k: int, *, dim: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Return the queries as rows (q, dim), scores (q, k) of -inf and ids (q, k) of -1 to fill in.

    Raises:
        UsageError: the queries are not finite rows of the index's dim, or k is below 1.
    """
    rows = as_rows(queries, dim, what="queries")
    if k < 1:
        raise UsageError(f"k: {k} is not a number of matches above 0")
    scores = np.full((len(rows), k), -np.inf, dtype=np.float32)
    ids = np.full((len(rows), k), -1, dtype=np.int64)
    return rows, scores, ids
