"""What is searched: the projected embeddings of one recipe, in an index that is only a cache.

`gallery.db` is the truth. A writer that finishes leaves `index-<recipe>-<generation>.faiss`
beside it; a reader loads the newest, adds what is newer, and builds everything in memory when
no cache is fit. Readers never write.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import index, projection
from imgsearch.caches import cache_files, cache_path, unfinished_files
from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.index import ExactIndex, IndexHeader
from imgsearch.pooling import l2_normalise
from imgsearch.projection import Projection, ProjectionChoice

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.rows import StoredRecipe
    from imgsearch.store import Store

FIT_SAMPLE: Final = 10_000
# A projection fitted on half of a small gallery can lose what one fitted on all of it gains
# (benchmarks/results/projection_study.md), and fitting a small one anew costs next to nothing.
SMALL: Final = 2_000
SMALL_GROWTH: Final = 1.25
LARGE_GROWTH: Final = 2
NO_PROJECTION: Final = "none"
_FITTED_AT: Final = struct.Struct("<Q")


@dataclass(slots=True)
class SearchSpace:
    """The embeddings of one recipe as they are searched.

    Attributes:
        projection: what the raw embeddings go through; None when they are searched as they are.
        index: exact inner products over the projected unit vectors, by content id.
        generation: of the recipe, when it was built.
        fitted_at: how many contents the gallery had when the projection was fitted.
    """

    projection: Projection | None
    index: ExactIndex
    generation: int
    fitted_at: int = 0

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as unit vectors `(n, out)` of this space."""
        return embeddings if self.projection is None else self.projection.apply(embeddings)

    def combine(
        self, towards: NDArray[np.float32], away: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the query vector `(out,)` of several embeddings.

        It is the mean of the projected embeddings `towards` `(n, dim)`, less the mean of those
        `away` `(m, dim)`, of unit length. In a centred space the difference leaves what the
        pictures do not share.
        """
        vector = self.project(towards).mean(axis=0, dtype=np.float64)
        if away is not None and len(away):
            vector = vector - self.project(away).mean(axis=0, dtype=np.float64)
        unit: NDArray[np.float32] = l2_normalise(vector[np.newaxis].astype(np.float32))[0]
        return unit


def open_space(
    store: Store, folder: Path, stored: StoredRecipe, choice: ProjectionChoice
) -> SearchSpace:
    """Return the space to search a recipe in, at the store's present state.

    Args:
        store: in a snapshot, so that all reads see one state.
        folder: the gallery's folder, where caches lie.
        stored: the recipe.
        choice: the default projection is cached; another one is fitted anew.
    """
    cached = _newest_cache(folder, stored) if choice == projection.DEFAULT else None
    if cached is None:
        return _build(store, stored, choice)
    return _bring_up_to_date(store, stored, cached)


def refresh_cache(store: Store, folder: Path, stored: StoredRecipe) -> SearchSpace:
    """Write the index cache of a recipe at its present generation; only for writers.

    The projection is fitted when the gallery has become large enough, and again when it has
    grown or shrunk to twice or half its size since, a small gallery by a quarter. Older caches of
    the recipe are deleted, and what a killed write left.
    """
    cached = _newest_cache(folder, stored)
    count = len(store.embedded_ids(stored.id))
    if cached is None or _is_outgrown(cached, count):
        space = _build(store, stored, projection.DEFAULT)
    else:
        space = _bring_up_to_date(store, stored, cached)
    path = cache_path(folder, stored)
    if space is not cached or not path.is_file():
        _write(space, path, stored)
    old = [
        cache.path
        for cache in cache_files(folder)
        if cache.recipe == stored.recipe.identifier and cache.path != path
    ]
    for left in [*old, *unfinished_files(folder)]:
        left.unlink(missing_ok=True)
    return space


def read_cache(path: Path, stored: StoredRecipe) -> SearchSpace:
    """Load one index cache.

    Raises:
        DamagedCacheError: it fails its checksum, or is another recipe's.
        OSError: it is not there, or can't be read.
    """
    loaded, header, extra = index.load(path)
    if header.recipe != stored.recipe.identifier:
        raise DamagedCacheError(
            f"{path} holds recipe {header.recipe}, not {stored.recipe.identifier}: "
            "run `imgsearch check --repair`"
        )
    if header.projection == NO_PROJECTION:
        return SearchSpace(None, loaded, header.generation)
    (fitted_at,) = _FITTED_AT.unpack_from(extra)
    fitted = Projection.from_bytes(extra[_FITTED_AT.size :])
    return SearchSpace(fitted, loaded, header.generation, fitted_at)


def _newest_cache(folder: Path, stored: StoredRecipe) -> SearchSpace | None:
    for cache in cache_files(folder):
        if cache.recipe == stored.recipe.identifier:
            try:
                return read_cache(cache.path, stored)
            except (DamagedCacheError, OSError):
                continue  # `check` names it; the rows have everything
    return None


def _bring_up_to_date(store: Store, stored: StoredRecipe, space: SearchSpace) -> SearchSpace:
    if space.generation == stored.generation:
        return space
    wanted = store.embedded_ids(stored.id)
    have = space.index.ids
    gone = np.setdiff1d(have, wanted)
    if len(gone):
        space.index.remove(gone)
    for identifiers, vectors in store.embeddings(stored, np.setdiff1d(wanted, have).tolist()):
        space.index.add(identifiers, space.project(vectors))
    space.generation = stored.generation
    return space


def _build(store: Store, stored: StoredRecipe, choice: ProjectionChoice) -> SearchSpace:
    count = len(store.embedded_ids(stored.id))
    fitted = _fit(store, stored, choice) if choice.applies_to(count) else None
    dim = stored.recipe.dim if fitted is None else fitted.out
    ids = np.empty(count, np.int64)
    vectors = np.empty((count, dim), np.float32)
    row = 0
    for identifiers, raw in store.embeddings(stored):
        end = row + len(identifiers)
        ids[row:end] = identifiers
        vectors[row:end] = raw if fitted is None else fitted.apply(raw)
        row = end
    return SearchSpace(fitted, ExactIndex.build(ids, vectors), stored.generation, count)


def _fit(store: Store, stored: StoredRecipe, choice: ProjectionChoice) -> Projection | None:
    # The contents of smallest hash, in the order of their hashes, are a uniform sample, and the
    # same one to the last digit however the gallery came to hold them.
    sample = store.sample_ids(stored.id, FIT_SAMPLE)
    place = {content_id: row for row, content_id in enumerate(sample)}
    raw = np.empty((len(sample), stored.recipe.dim), np.float32)
    for identifiers, vectors in store.embeddings(stored, sample):
        raw[[place[content_id] for content_id in identifiers.tolist()]] = vectors
    try:
        return projection.fit_choice(raw, choice)
    except UsageError:
        if choice == projection.DEFAULT:
            return None  # nothing tells these pictures apart, and nobody asked for a fit
        raise


def _is_outgrown(space: SearchSpace, count: int) -> bool:
    if space.projection is None:
        return projection.DEFAULT.applies_to(count)
    growth = SMALL_GROWTH if space.fitted_at < SMALL else LARGE_GROWTH
    return count >= growth * space.fitted_at or growth * count <= space.fitted_at


def _write(space: SearchSpace, path: Path, stored: StoredRecipe) -> None:
    header = IndexHeader(
        recipe=stored.recipe.identifier,
        projection=NO_PROJECTION if space.projection is None else space.projection.version,
        generation=stored.generation,
        dim=space.index.dim,
        count=len(space.index),
    )
    extra = b""
    if space.projection is not None:
        extra = _FITTED_AT.pack(space.fitted_at) + space.projection.to_bytes()
    index.save(path, space.index, header, extra=extra)
