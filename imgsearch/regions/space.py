"""The regions of one recipe as they are searched: an index of their vectors, by content.

The index only names candidates; scores come from the rows of the database. Its file is a cache
like that of embeddings, named by the recipe and by which rows there are.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError, ImgsearchError, UsageError
from imgsearch.regions import cache_files
from imgsearch.regions.codes import decode
from imgsearch.regions.layout import REGIONS, Layout, cost
from imgsearch.vectors import index_cache
from imgsearch.vectors.index_header import IndexHeader
from imgsearch.vectors.index_kinds import kind_of
from imgsearch.vectors.index_plan import (
    EXACT,
    FAST_SCAN,
    LEAST_COUNT,
    ONE_LIST_VALUES,
    IndexChoice,
    IndexPlan,
)
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.region_rows import StoredRegions
    from imgsearch.vectors.protocol import VectorIndex

LOG: Final = logging.getLogger(__name__)
# A region's id in the index is this times its content's, and its number.
ROOM: Final = 32
LARGEST_CONTENT: Final = (2**63 - 1) // ROOM
RESCORED: Final = 4


@dataclass(slots=True)
class RegionSpace:
    """What a question about parts is answered from.

    Attributes:
        layout: how the regions were made.
        projection: that their means went through.
        index: inner products with their vectors, by region id.
        digest: of the rows that it holds.
        base: name and checksum of the file with the part of the index that never changes, "" while
            there is none.
    """

    layout: Layout
    projection: Projection
    index: VectorIndex
    digest: str
    base: str = ""

    def vectors(
        self, embeddings: Embeddings, content_ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return those contents that have regions (m,), ascending, and these (m, regions, dim)."""
        ids, rows = [np.empty(0, np.int64)], [np.empty((0, REGIONS, self.layout.dim), np.float32)]
        for some, vectors in _decoded(embeddings, self.layout, content_ids.tolist()):
            ids.append(some)
            rows.append(vectors)
        return np.concatenate(ids), np.concatenate(rows)


@dataclass(frozen=True, slots=True)
class RegionVectors:
    """The regions of a recipe as an index is built of them: a `VectorSource`."""

    embeddings: Embeddings
    layout: Layout
    contents: NDArray[np.int64]

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.layout.dim

    def __len__(self) -> int:
        return REGIONS * len(self.contents)

    def blocks(
        self, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield ids (b,) and vectors (b, dim), ascending by id."""
        wanted = None if ids is None else np.unique(np.array(ids, np.int64))
        contents = self.contents if wanted is None else np.unique(wanted // ROOM)
        for some, vectors in _decoded(self.embeddings, self.layout, contents.tolist()):
            numbers = region_ids(some).ravel()
            rows = vectors.reshape(len(numbers), -1)
            if wanted is not None:
                kept = np.isin(numbers, wanted, assume_unique=True)
                numbers, rows = numbers[kept], rows[kept]
            if len(numbers):
                yield numbers, rows

    def sample(self, count: int) -> list[int]:
        """Return the ids of a uniform sample."""
        drawn = np.random.default_rng(0).permutation(len(self))[:count]
        ids: list[int] = (ROOM * self.contents[drawn // REGIONS] + drawn % REGIONS).tolist()
        return ids


def region_ids(contents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ids (n, regions) of the regions of contents (n,) in an index.

    Raises:
        ImgsearchError: an id is too large; a gallery gets there after hundreds of thousands of
            runs that add to it.
    """
    if len(contents) and int(contents.max()) > LARGEST_CONTENT:
        raise ImgsearchError(
            "regions: the gallery has run out of numbers for them; "
            "`imgsearch merge` it into a new gallery"
        )
    ids: NDArray[np.int64] = ROOM * contents[:, np.newaxis] + np.arange(REGIONS)
    return ids


def open_space(embeddings: Embeddings) -> RegionSpace:
    """Load the newest cache of regions that is fit and bring it up to date, or build it anew.

    Args:
        embeddings: in a snapshot.

    Raises:
        UsageError: the gallery has no regions; it says what to type.
    """
    stored = refuse_without_regions(embeddings)
    for path in cache_files.caches(embeddings):
        try:
            space = read_cache(path, embeddings, stored)
        except (DamagedCacheError, OSError) as error:
            LOG.info("%s", error)
            continue
        return _bring_up_to_date(embeddings, space, stored)
    return _build(embeddings, stored)


def refuse_without_regions(embeddings: Embeddings) -> StoredRegions:
    """Return how a recipe's regions were made.

    Raises:
        UsageError: there are none; it says what to type, and what it costs.
    """
    stored = embeddings.store.regions_of(embeddings.stored.id)
    if stored is None:
        raise UsageError(
            "anywhere: this gallery holds no parts of pictures yet: `imgsearch index --regions` "
            f"makes them, once; {cost(embeddings.count())}"
        )
    return stored


def refresh(embeddings: Embeddings) -> None:
    """Write the cache of the regions that there are, and delete older ones; only for writers."""
    stored = embeddings.store.regions_of(embeddings.stored.id)
    if stored is None:
        for old in cache_files.files(embeddings.folder, embeddings.identifier):
            old.unlink(missing_ok=True)
        return
    space = open_space(embeddings)
    plan = index_plan(REGIONS * stored.count, space.layout.dim)
    if not space.index.fits(IndexChoice(factory=plan.factory)):
        space = _build(embeddings, stored)
    path = cache_files.cache_path(embeddings, stored.digest)
    header = IndexHeader(
        recipe=embeddings.identifier,
        projection=space.projection.version,
        generation=0,
        dim=space.layout.dim,
        base=space.base,
        gallery=embeddings.stored.gallery,
        contents=stored.digest,
    )
    base = index_cache.save(path, space.index, header, base_path=path.with_suffix(".lists"))
    needed = {path.name, base.partition(" ")[0]}
    for old in cache_files.files(embeddings.folder, embeddings.identifier):
        if old.name not in needed:
            old.unlink(missing_ok=True)


def index_plan(count: int, dim: int) -> IndexPlan:
    """Return the index for so many regions: exact for few, else codes of 4 bits in lists."""
    if count < LEAST_COUNT:
        return IndexPlan(factory=EXACT)
    lists = 1
    if count * dim > ONE_LIST_VALUES:
        lists = 2 ** round(math.log2(2 * math.sqrt(count)))
    parts = dim // 2 if dim % 2 == 0 else dim
    return IndexPlan(factory=f"IVF{lists},PQ{parts}{FAST_SCAN}", rescored=RESCORED)


def read_cache(path: Path, embeddings: Embeddings, stored: StoredRegions) -> RegionSpace:
    """Load a cache, which may be of earlier rows.

    Raises:
        DamagedCacheError: it is damaged, or belongs to other regions.
        OSError: it cannot be read.
    """

    def accept(header: IndexHeader) -> None:
        cache_files.refuse_foreign(path, header, embeddings, stored)

    cached = index_cache.load(path, accept=accept)
    projection = Projection.from_bytes(stored.projection)
    header = cached.header
    layout = Layout.from_json(stored.layout)
    return RegionSpace(layout, projection, cached.index, header.contents, header.base)


def _bring_up_to_date(
    embeddings: Embeddings, space: RegionSpace, stored: StoredRegions
) -> RegionSpace:
    if space.digest == stored.digest:
        return space
    wanted = embeddings.store.ids_with_regions(stored.recipe_id)
    have = np.unique(space.index.ids // ROOM)
    gone = np.setdiff1d(have, wanted)
    if len(gone):
        space.index.remove(region_ids(gone).ravel())
    new = RegionVectors(embeddings, space.layout, np.setdiff1d(wanted, have))
    for ids, vectors in new.blocks():
        space.index.add(ids, vectors)
    space.digest = stored.digest
    return space


def _build(embeddings: Embeddings, stored: StoredRegions) -> RegionSpace:
    layout = Layout.from_json(stored.layout)
    contents = embeddings.store.ids_with_regions(stored.recipe_id)
    source = RegionVectors(embeddings, layout, contents)
    plan = index_plan(len(source), layout.dim)
    index = kind_of(plan.factory).build(source, plan)
    return RegionSpace(layout, Projection.from_bytes(stored.projection), index, stored.digest)


def _decoded(
    embeddings: Embeddings, layout: Layout, contents: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield ids (n,), ascending, and unit vectors (n, regions, dim) of contents."""
    for block in embeddings.store.regions(embeddings.stored.id, layout.shape, contents):
        yield block.ids, decode(block.codes, layout.dim)
