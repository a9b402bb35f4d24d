"""What an index is to those who search, write and describe it, and what a kind of index provides.

A kind is a module with the four functions of `IndexKind` and a class that is a `VectorIndex`; a row
of `imgsearch.vectors.index_kinds` names it. Nothing else knows one kind from another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.exact import ExactIndex
    from imgsearch.vectors.index_plan import IndexChoice, IndexPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDescription:
    """What a person is told of an index.

    Attributes:
        factory: FAISS's factory string, or the name that the kind is chosen by, such as "exact".
        lists_probed: inverted lists that a query probes on average; None where there are none.
        recall: ANN recall@10, measured when the index was built; None where it was not.
        recall_queries: how many of its own vectors were the queries; None likewise.
        added: vectors that were added since it was built, where that makes a difference.
        removed: vectors that were removed since, likewise.
    """

    factory: str
    lists_probed: float | None = None
    recall: float | None = None
    recall_queries: int | None = None
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexParts:
    """What is written of an index.

    Attributes:
        held: vectors that are held as they were added, float32; None for none.
        state: the kind's own bytes, a multiple of 8 of them, written anew at every change.
        write_base: writes the part that never changes into a file of its own, once, and returns
            that file's checksum, which may hold no space; None where there is no such part.
    """

    held: ExactIndex | None = None
    state: bytes = b""
    write_base: Callable[[Path], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredParts:
    """What was read of an index.

    Attributes:
        held: as in `IndexParts`, but empty for none; its dim is the index's.
        state: likewise; its checksum was verified.
        base: the file that `write_base` wrote, unread; None for none.
        checksum: what `write_base` returned.
    """

    held: ExactIndex
    state: bytes = b""
    base: Path | None = None
    checksum: str = ""


class VectorIndex(Protocol):
    """Inner-product search over vectors that are known by an id.

    With unit vectors the inner product is the cosine similarity. Ids are integers from 0 up, each
    once. Searching from several threads at once is safe, changing the index meanwhile is not.
    """

    @property
    def kind(self) -> str:
        """The name of its row in `imgsearch.vectors.index_kinds`."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, shape (n,), int64, in any order; not to be written to."""

    @property
    def exact_ids(self) -> NDArray[np.int64]:
        """The ids of those whose vectors are held as they were added, shape (m,), int64."""

    @property
    def is_exact(self) -> bool:
        """Whether a search looks at all vectors, which are all held as they were added.

        Nothing beyond the worst match of such an index can score more than that. Another index
        names candidates, whose scores the caller computes.
        """

    def __len__(self) -> int:
        """Return how many vectors there are."""

    def add(self, ids: ArrayLike, vectors: NDArray[np.floating[Any]]) -> None:
        """Add vectors; on an error the index is as it was.

        Args:
            ids: shape (n,), integers from 0 up, none of which the index holds.
            vectors: shape (n, dim), finite; kept as float32 or coarser.

        Raises:
            UsageError: shapes do not fit, an id is negative, repeated or held already, or a value
                is not finite.
        """

    def remove(self, ids: ArrayLike) -> int:
        """Remove vectors and return how many there were; ids that the index lacks are ignored.

        Args:
            ids: shape (n,), integers.
        """

    def search(
        self,
        queries: NDArray[np.floating[Any]],
        k: int,
        *,
        allowed: ArrayLike | None = None,
        excluded: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the vectors of largest inner product with each query, best first.

        Filters act inside the search: at least k are returned whenever k pass. Equal scores are
        ordered by id; which of them are kept where a tie crosses the last place is unspecified.

        Args:
            queries: shape (q, dim), finite. Not modified.
            k: how many, from 1 up.
            allowed: when given, only these ids can match; unknown ones are ignored.
            excluded: these ids can not match, allowed or not.

        Returns:
            Scores (q, w) float32 and ids (q, w) int64, w from k up; -inf and -1, behind all
            others, where fewer pass. Scores are approximate unless the index is exact.

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """

    def candidates(self, k: int) -> int:
        """Return how many to search for when the k best by exact scores are wanted."""

    def kept(self, ids: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return vectors, as far as they are at hand and surely as they were added.

        Those of other ids are made again from what they were made of.

        Args:
            ids: shape (m,), of this index or not.

        Returns:
            Which of them are, shape (m,), and these in their order, shape (w, dim), float32.
        """

    def vectors(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Return vectors as they were added.

        Args:
            ids: shape (m,), of `exact_ids`, in any order, repeated at will.

        Returns:
            Shape (m, dim), float32, a copy.

        Raises:
            UsageError: an id is not one of `exact_ids`.
        """

    def fits(self, choice: IndexChoice) -> bool:
        """Whether a choice asks for this index, and a new one would be no better."""

    def describe(self) -> IndexDescription:
        """Return what a person is told of it."""

    def parts(self) -> IndexParts:
        """Return what is to be written, from which the kind's `restore` makes the index again."""


class VectorSource(Protocol):
    """The vectors that an index is built of, read block by block."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int:
        """Return how many there are."""

    def blocks(
        self, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield ids (b,), int64, and their vectors (b, dim), float32, finite.

        Ids ascend, from block to block too.

        Args:
            ids: only these; None for all.
        """

    def sample(self, count: int) -> list[int]:
        """Return the ids of a uniform sample, or all where there are no more.

        The first of a sample are a sample too, and the same vectors give the same one.
        """


class IndexKind(Protocol):
    """A module whose functions make indexes of one kind."""

    def check(self, factory: str, dim: int) -> None:
        """Refuse what a person named, if no index of this kind can be made by it.

        Args:
            factory: what was named; it may go on behind the kind's name and a colon.
            dim: length of the vectors.

        Raises:
            UsageError: says why, and what can be named.
        """

    def build(self, source: VectorSource, plan: IndexPlan) -> VectorIndex:
        """Return an index of all vectors of a source.

        Raises:
            UsageError: it cannot be made of so few, or such, vectors.
        """

    def restore(self, stored: StoredParts) -> VectorIndex:
        """Return the index whose parts were written.

        Raises:
            DamagedCacheError: the base is not the one that the other parts go with, or is damaged.
            OSError: it is not there or cannot be read.
        """

    def verify(self, base: Path) -> None:
        """Read the file that `IndexParts.write_base` wrote, and compare every checksum.

        Raises:
            DamagedCacheError: a byte that has a meaning differs from what was written.
            OSError: the file is not there or cannot be read.
        """
