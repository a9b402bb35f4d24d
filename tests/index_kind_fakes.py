"""A kind of index that imgsearch knows nothing of, as somebody outside might write one."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.vectors.exact import as_ids, as_rows
from imgsearch.vectors.protocol import IndexDescription, IndexParts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.index_plan import IndexChoice, IndexPlan
    from imgsearch.vectors.protocol import StoredParts, VectorSource

SIGNS: Final = "signs"
MOST_CHANGED: Final = 100
_SHAPE: Final = struct.Struct("<QQQ")


class SignIndex:
    """Of each vector only on which side of random planes it lies (Charikar 2002), as 0 and 1."""

    kind: Final = SIGNS
    is_exact: Final = False

    def __init__(
        self, ids: NDArray[np.int64], codes: NDArray[np.uint8], *, dim: int, changed: int = 0
    ) -> None:
        self.ids = ids
        self.codes = codes
        self.dim = dim
        self.changed = changed

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def bits(self) -> int:
        """How many planes there are."""
        return int(self.codes.shape[1])

    @property
    def exact_ids(self) -> NDArray[np.int64]:
        """None of them."""
        return self.ids[:0]

    def encode(self, vectors: NDArray[Any], what: str) -> NDArray[np.uint8]:
        """Return the sides of vectors, shape (n, bits)."""
        planes = np.random.default_rng(0).normal(size=(self.dim, self.bits))
        return (as_rows(vectors, self.dim, what=what) @ planes > 0).astype(np.uint8)

    def add(self, ids: ArrayLike, vectors: NDArray[Any]) -> None:
        """Add codes."""
        fresh, codes = as_ids(ids), self.encode(vectors, "vectors")
        if len(fresh) != len(codes) or np.isin(fresh, self.ids).any():
            raise UsageError("ids: they do not fit, or are held already")
        self.ids = np.concatenate([self.ids, fresh])
        self.codes = np.concatenate([self.codes, codes])
        self.changed += len(fresh)

    def remove(self, ids: ArrayLike) -> int:
        """Remove codes."""
        gone = np.isin(self.ids, as_ids(ids))
        self.ids, self.codes = self.ids[~gone], self.codes[~gone]
        self.changed += int(gone.sum())
        return int(gone.sum())

    def search(
        self,
        queries: NDArray[Any],
        k: int,
        *,
        allowed: ArrayLike | None = None,
        excluded: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best by the cosine of the angle that the share of equal sides suggests."""
        if k < 1:
            raise UsageError(f"k: {k} is not a number of matches above 0")
        asked = self.encode(queries, "queries")
        passing = np.ones(len(self), np.bool_)
        if allowed is not None:
            passing &= np.isin(self.ids, as_ids(allowed))
        if excluded is not None:
            passing &= ~np.isin(self.ids, as_ids(excluded))
        ids, codes = self.ids[passing], self.codes[passing]
        scores = np.full((len(asked), k), -np.inf, np.float32)
        found = np.full((len(asked), k), -1, np.int64)
        for row, code in enumerate(asked):
            cosines = np.cos(np.pi * (codes != code).mean(axis=1))
            best = np.lexsort((ids, -cosines))[:k]
            scores[row, : len(best)], found[row, : len(best)] = cosines[best], ids[best]
        return scores, found

    def candidates(self, k: int) -> int:
        """Return many."""
        return 10 * k

    def kept(self, ids: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return none."""
        return np.zeros(len(as_ids(ids)), np.bool_), np.empty((0, self.dim), np.float32)

    def vectors(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Return none."""
        if len(as_ids(ids)):
            raise UsageError("ids: no vectors are held")
        return np.empty((0, self.dim), np.float32)

    def fits(self, choice: IndexChoice) -> bool:
        """Whether as many bits are asked for."""
        named = choice.plan(len(self), self.dim).factory == f"{SIGNS}:{self.bits}"
        return named and self.changed <= MOST_CHANGED

    def describe(self) -> IndexDescription:
        """Return the name."""
        return IndexDescription(factory=f"{SIGNS}:{self.bits}")

    def parts(self) -> IndexParts:
        """Return all of it as state, filled up to a multiple of eight bytes."""
        shape = _SHAPE.pack(len(self), self.bits, self.changed)
        codes = self.codes.tobytes()
        return IndexParts(state=shape + self.ids.tobytes() + codes + bytes(-len(codes) % 8))


@dataclass
class SignKind:
    """Makes them, and remembers how often."""

    built: int = 0
    restored: int = 0
    checked: list[str] = field(default_factory=list)

    def check(self, factory: str, dim: int) -> None:
        """Take "signs:BITS"."""
        self.checked.append(f"{factory} of {dim}")
        if not factory.partition(":")[2].isdigit():
            raise UsageError(f"index: {factory!r} is not such as {SIGNS}:256")

    def build(self, source: VectorSource, plan: IndexPlan) -> SignIndex:
        """Add all vectors."""
        self.built += 1
        bits = int(plan.factory.partition(":")[2])
        index = SignIndex(np.empty(0, np.int64), np.empty((0, bits), np.uint8), dim=source.dim)
        for ids, vectors in source.blocks():
            index.add(ids, vectors)
        index.changed = 0
        return index

    def restore(self, stored: StoredParts) -> SignIndex:
        """Read what `parts` wrote."""
        self.restored += 1
        count, bits, changed = _SHAPE.unpack_from(stored.state)
        ids = np.frombuffer(stored.state, np.int64, count, _SHAPE.size)
        codes = np.frombuffer(stored.state, np.uint8, count * bits, _SHAPE.size + ids.nbytes)
        return SignIndex(ids, codes.reshape(count, bits), dim=stored.held.dim, changed=changed)

    def verify(self, base: Path) -> None:
        """Find nothing: there is no base."""
        raise DamagedCacheError(f"{base}: there should be none; delete it")


@dataclass
class ArraySource:
    """Vectors in memory, in two blocks."""

    ids: NDArray[np.int64]
    rows: NDArray[np.float32]

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.rows.shape[1])

    def __len__(self) -> int:
        return len(self.ids)

    def blocks(
        self, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield two blocks."""
        chosen = np.arange(len(self)) if ids is None else np.flatnonzero(np.isin(self.ids, ids))
        for block in np.array_split(chosen, 2):
            yield self.ids[block], self.rows[block]

    def sample(self, count: int) -> list[int]:
        """Return the first ids."""
        return [int(item) for item in self.ids[:count]]
