"""What is searched: the projected embeddings of one recipe, in an index that is only a cache.

`gallery.db` is the truth. A writer that finishes leaves `index-<recipe>-<generation>.faiss`
beside it; a reader loads the newest, adds what is newer, and builds everything in memory when
no cache is fit. Readers never write.

The cache of a large gallery has two files: inverted lists in `….lists`, which stay as they are
until much has changed, and the first, with what was added and removed since.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.networks.pooling import l2_normalise
from imgsearch.search.cache_files import (
    cache_files,
    cache_path,
    lists_files,
    lists_path,
    unfinished_files,
)
from imgsearch.search.space_building import ProjectedRows, fit_projection
from imgsearch.vectors import index_cache, projection_choice
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.exact_file import IndexHeader
from imgsearch.vectors.index_kinds import kind_of
from imgsearch.vectors.index_plan import AUTO, EXACT, IndexChoice, IndexPlan
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.search.cache_files import CacheFile
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.vectors.projection_choice import ProjectionChoice
    from imgsearch.vectors.protocol import VectorIndex

# A projection fitted on half of a small gallery can lose what one fitted on all of it gains
# (benchmarks/results/projection_study.md), and fitting a small one anew costs next to nothing.
SMALL: Final = 2_000
SMALL_GROWTH: Final = 1.25
LARGE_GROWTH: Final = 2
NO_PROJECTION: Final = "none"
# Reading so many embeddings takes seconds.
LARGE_COUNT: Final = 50_000
INDEX_SETTING: Final = "index"
_FITTED_AT: Final = struct.Struct("<Q")


@dataclass(slots=True)
class SearchSpace:
    """The embeddings of one recipe as they are searched.

    Attributes:
        projection: what the raw embeddings go through; None when they are searched as they are.
        index: inner products with the projected unit vectors, by content id.
        generation: of the recipe, when it was built.
        fitted_at: how many contents the gallery had when the projection was fitted.
        stored: the recipe; exact indexes can do without.
        base: name and checksum of the file with the part of the index that never changes, "" while
            there is none.
    """

    projection: Projection | None
    index: VectorIndex
    generation: int
    fitted_at: int = 0
    stored: StoredRecipe | None = None
    base: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether the index finds what is nearest, rather than nearly always."""
        return self.index.is_exact

    def candidates(self, k: int) -> int:
        """Return how many candidates to ask the index for when k matches are wanted."""
        return self.index.candidates(k)

    def vectors(
        self, store: Store, ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return candidates' ids `(m,)` and their exact vectors `(m, out)`.

        Those of another index than an exact one are made again from the rows, and a
        candidate of which there is no row, as in a damaged list, is left out.
        """
        if self.index.is_exact:
            return ids, self.index.vectors(ids)
        assert self.stored is not None  # noqa: S101  # whoever opens an approximate index sets it
        blocks = list(store.embeddings(self.stored, ids.tolist())) if len(ids) else []
        if not blocks:
            return ids[:0], np.empty((0, self.index.dim), np.float32)
        found = np.concatenate([block[0] for block in blocks])
        return found, self.project(np.concatenate([block[1] for block in blocks]))

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as unit vectors `(n, out)` of this space."""
        return embeddings if self.projection is None else self.projection.apply(embeddings)

    def combine(
        self, towards: NDArray[np.float32], away: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the query vector `(out,)` of several embeddings.

        It is the mean of the projected embeddings `towards` `(n, dim)`, less the mean of those
        `away` `(m, dim)`, of unit length. In a centred space the difference leaves what the
        images do not share.
        """
        vector = self.project(towards).mean(axis=0, dtype=np.float64)
        if away is not None and len(away):
            vector = vector - self.project(away).mean(axis=0, dtype=np.float64)
        unit: NDArray[np.float32] = l2_normalise(vector[np.newaxis].astype(np.float32))[0]
        return unit


def open_space(
    store: Store,
    folder: Path,
    stored: StoredRecipe,
    choice: ProjectionChoice,
    *,
    notify: Callable[[str], None] = lambda _: None,
) -> SearchSpace:
    """Return the space to search a recipe in, at the store's present state.

    Args:
        store: in a snapshot, so that all reads see one state.
        folder: the gallery's folder, where caches lie.
        stored: the recipe.
        choice: the default projection is cached; another one is fitted anew.
        notify: told in one line when everything must be read, which takes long.
    """
    cached = _newest_cache(folder, stored) if choice == projection_choice.DEFAULT else None
    if cached is None:
        count = store.embedding_count(stored.id)
        if count >= LARGE_COUNT:
            because = (
                "no whole index" if choice == projection_choice.DEFAULT else "no index of this kind"
            )
            advice = "; `imgsearch index` writes one" if choice == projection_choice.DEFAULT else ""
            notify(f"the gallery has {because}: reading all {count:,} embeddings{advice}")
        return _build(store, stored, choice)
    return _bring_up_to_date(store, stored, cached)


def refresh_cache(store: Store, folder: Path, stored: StoredRecipe) -> SearchSpace:
    """Write the index cache of a recipe at its present generation; only for writers.

    The projection is fitted when the gallery has become large enough, and again when it has
    grown or shrunk to twice or half its size since, a small gallery by a quarter. The index is
    the one that the gallery's choice names for its size. Older caches of the recipe are deleted,
    and what a killed write left.

    Raises:
        UsageError: the index that was chosen cannot be made.
    """
    cached = _newest_cache(folder, stored)
    count = store.embedding_count(stored.id)
    choice = index_choice(store)
    if cached is not None and not _is_outgrown(cached, count):
        space = _bring_up_to_date(store, stored, cached)
        if not space.index.fits(choice):
            space = _build(store, stored, projection_choice.DEFAULT, choice)
    else:
        space = _build(store, stored, projection_choice.DEFAULT, choice)
    path = cache_path(folder, stored)
    if space is not cached or not path.is_file():
        _write(space, path, stored)
    base = space.base.split(" ")[0]
    old = [
        cache.path
        for cache in [*cache_files(folder), *lists_files(folder)]
        if cache.recipe == stored.recipe.identifier and cache.path.name not in (path.name, base)
    ]
    for left in [*old, *unfinished_files(folder)]:
        left.unlink(missing_ok=True)
    return space


def index_choice(store: Store) -> IndexChoice:
    """Return what the gallery's owner asked of its index.

    Raises:
        GalleryDamagedError: what is stored is no such choice.
    """
    text = store.setting(INDEX_SETTING)
    return IndexChoice() if text is None else IndexChoice.from_json(text)


def choose_index(
    store: Store, dim: int, *, factory: str | None = None, memory: int | None = None
) -> bool:
    """Remember what is asked of the gallery's index; return whether that is something new.

    Args:
        store: open for writing.
        dim: length of the embeddings that the index will hold, or of longer ones.
        factory: as in `IndexChoice`; None leaves it as it is.
        memory: likewise.

    Raises:
        UsageError: an index that FAISS does not know, or that cannot serve as a cache.
    """
    before = index_choice(store)
    wanted = IndexChoice(
        factory=before.factory if factory is None else factory,
        memory=before.memory if memory is None else memory,
    )
    if wanted == before:
        return False
    if wanted.factory != AUTO:
        kind_of(wanted.factory).check(wanted.factory, min(dim, projection_choice.DEFAULT.dim))
    with store.transaction():
        store.set_setting(INDEX_SETTING, wanted.to_json())
    return True


def read_cache(path: Path, stored: StoredRecipe) -> SearchSpace:
    """Load one index cache, and map the part of the index that never changes.

    Raises:
        DamagedCacheError: it fails its checksum, is another recipe's, or that part is not the one
            that it was written for.
        OSError: a file is not there, or can't be read.
    """
    cached = index_cache.load(path)
    header = cached.header
    if header.recipe != stored.recipe.identifier:
        raise DamagedCacheError(
            f"{path} holds recipe {header.recipe}, not {stored.recipe.identifier}: "
            "run `imgsearch check --repair`"
        )
    fitted, fitted_at = None, 0
    if header.projection != NO_PROJECTION:
        (fitted_at,) = _FITTED_AT.unpack_from(cached.extra)
        fitted = Projection.from_bytes(cached.extra[_FITTED_AT.size :])
    return SearchSpace(fitted, cached.index, header.generation, fitted_at, stored, header.base)


def _newest_cache(folder: Path, stored: StoredRecipe) -> SearchSpace | None:
    seen: list[CacheFile] = []
    while True:
        caches = [
            cache for cache in cache_files(folder) if cache.recipe == stored.recipe.identifier
        ]
        if caches == seen:
            return None
        for cache in caches:
            try:
                return read_cache(cache.path, stored)
            except (DamagedCacheError, OSError):
                continue  # `check` names it; the rows have everything
        # A writer may have put newer files in their place meanwhile.
        seen = caches


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


def _build(
    store: Store,
    stored: StoredRecipe,
    choice: ProjectionChoice,
    wanted: IndexChoice | None = None,
) -> SearchSpace:
    """Build everything from the rows, exactly unless an index choice names another."""
    count = store.embedding_count(stored.id)
    fitted = fit_projection(store, stored, choice) if choice.applies_to(count) else None
    dim = stored.recipe.dim if fitted is None else fitted.out
    space = SearchSpace(fitted, ExactIndex(dim), stored.generation, count, stored)
    plan = wanted.plan(count, dim) if wanted is not None else IndexPlan(factory=EXACT)
    rows = ProjectedRows(store, stored, dim, space.project)
    space.index = kind_of(plan.factory).build(rows, plan)
    return space


def _is_outgrown(space: SearchSpace, count: int) -> bool:
    if space.projection is None:
        return projection_choice.DEFAULT.applies_to(count)
    growth = SMALL_GROWTH if space.fitted_at < SMALL else LARGE_GROWTH
    return count >= growth * space.fitted_at or growth * count <= space.fitted_at


def _write(space: SearchSpace, path: Path, stored: StoredRecipe) -> None:
    extra = b""
    if space.projection is not None:
        extra = _FITTED_AT.pack(space.fitted_at) + space.projection.to_bytes()
    header = IndexHeader(
        recipe=stored.recipe.identifier,
        projection=NO_PROJECTION if space.projection is None else space.projection.version,
        generation=stored.generation,
        dim=space.index.dim,
        base=space.base,
    )
    lists = lists_path(path.parent, stored)
    space.base = index_cache.save(path, space.index, header, base_path=lists, extra=extra)
