"""Search spaces as cache files: opened, brought up to date, written.

`gallery.db` is the truth. A writer that finishes leaves `index-<recipe>-<generation>.faiss`
beside it; a reader loads the newest, adds what is newer, and builds everything in memory when
no cache is fit. Readers never write.

The cache of a large gallery has two files: inverted lists in `….lists`, which stay as they are
until much has changed, and the first, with what was added and removed since.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import (
    cache_files,
    cache_path,
    lists_files,
    lists_path,
    recipe_caches,
    unfinished_files,
)
from imgsearch.search.cache_owner import contents_digest, refuse_foreign, verify_lists
from imgsearch.search.kept_projection import NO_PROJECTION, projection_bytes, projection_of
from imgsearch.search.search_space import SearchSpace
from imgsearch.search.space_building import ProjectedRows, fit_projection
from imgsearch.vectors import index_cache, projection_choice
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_header import IndexHeader
from imgsearch.vectors.index_kinds import kind_of
from imgsearch.vectors.index_plan import AUTO, EXACT, IVF, IndexChoice, IndexPlan

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.search.cache_files import CacheFile
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.projection_choice import ProjectionChoice

LOG: Final = logging.getLogger(__name__)
# A projection fitted on half of a small gallery can lose what one fitted on all of it gains
# (benchmarks/results/projection_study.md), and fitting a small one anew costs next to nothing.
SMALL: Final = 2_000
SMALL_GROWTH: Final = 1.25
LARGE_GROWTH: Final = 2
# Reading so many embeddings takes seconds.
LARGE_COUNT: Final = 50_000
INDEX_SETTING: Final = "index"


def open_space(embeddings: Embeddings, choice: ProjectionChoice) -> SearchSpace:
    """Return the space to search a recipe in, at the present state of the rows.

    Args:
        embeddings: in a snapshot, so that all reads see one state.
        choice: the default projection is cached; another one is fitted anew.
    """
    cached, refused = None, None
    if choice == projection_choice.DEFAULT:
        cached, refused = _newest_cache(embeddings)
    if cached is None:
        count = embeddings.count()
        if refused is not None:
            LOG.warning("%s; until then, queries read all %s embeddings", refused, f"{count:,}")
        elif count >= LARGE_COUNT:
            because = (
                "no whole index" if choice == projection_choice.DEFAULT else "no index of this kind"
            )
            advice = "; `imgsearch index` writes one" if choice == projection_choice.DEFAULT else ""
            LOG.info(
                "the gallery has %s: reading all %s embeddings%s", because, f"{count:,}", advice
            )
        return _build(embeddings, choice)
    return _bring_up_to_date(embeddings, cached)


def refresh_cache(embeddings: Embeddings) -> SearchSpace:
    """Write the index cache of a recipe at its present generation; only for writers.

    The projection is fitted when the gallery has become large enough, and again when it has
    grown or shrunk to twice or half its size since, a small gallery by a quarter. The index is
    the one that the gallery's choice names for its size. Older caches of the recipe are deleted,
    and what a killed write left.

    Raises:
        UsageError: the index that was chosen cannot be made.
    """
    cached, _ = _newest_cache(embeddings, thorough=True)
    is_stale = cached is not None and cached.generation != embeddings.generation
    choice = index_choice(embeddings.store)
    if cached is not None and not _is_outgrown(cached, embeddings.count()):
        space = _bring_up_to_date(embeddings, cached)
        if not space.index.fits(choice):
            # Scores stay as they are: the projection is that of before.
            space = _with_index(embeddings, space, choice)
    else:
        space = _build(embeddings, projection_choice.DEFAULT, choice)
    if cached is not None and (cached.projection is None) != (space.projection is None):
        LOG.info(
            "scores change: with %s contents the gallery is searched %s a projection, and scores "
            "from before, such as a --min-score, no longer compare",
            f"{len(space.index):,}",
            "without" if space.projection is None else "through",
        )
    path = cache_path(embeddings)
    if space is not cached or is_stale or not path.is_file():
        _write(space, path, embeddings)
    base = space.base.split(" ")[0]
    folder = embeddings.folder
    old = [
        cache.path
        for cache in [*cache_files(folder), *lists_files(folder)]
        if cache.recipe == embeddings.identifier and cache.path.name not in (path.name, base)
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
    embeddings: Embeddings, *, factory: str | None = None, memory: int | None = None
) -> bool:
    """Remember what is asked of the gallery's index; return whether that is something new.

    Args:
        embeddings: open for writing.
        factory: as in `IndexChoice`; None leaves it as it is.
        memory: likewise.

    Raises:
        UsageError: an index that FAISS does not know, or that cannot serve as a cache.
    """
    store = embeddings.store
    before = index_choice(store)
    wanted = IndexChoice(
        factory=before.factory if factory is None else factory,
        memory=before.memory if memory is None else memory,
    )
    if wanted == before:
        return False
    if wanted.factory != AUTO:
        kind_of(wanted.factory).check(
            wanted.factory, min(embeddings.recipe.dim, projection_choice.DEFAULT.dim)
        )
    with store.transaction():
        store.set_setting(INDEX_SETTING, wanted.to_json())
        # Until the index that was chosen is there, no cache is of this state.
        store.raise_generation(embeddings.stored.id)
    return True


def read_cache(path: Path, embeddings: Embeddings) -> SearchSpace:
    """Load one index cache, and map the part of the index that never changes.

    Raises:
        DamagedCacheError: it fails its checksum, is not of the recipe's present state nor of one
            before it, or that part is not the one that it was written for.
        OSError: a file is not there, or can't be read.
    """
    cached = index_cache.load(path, accept=lambda header: refuse_foreign(path, header, embeddings))
    header = cached.header
    fitted, fitted_at = projection_of(header, cached.extra)
    return SearchSpace(fitted, cached.index, header.generation, fitted_at, header.base)


def _newest_cache(
    embeddings: Embeddings, *, thorough: bool = False
) -> tuple[SearchSpace | None, str | None]:
    """Return the newest cache that is fit, and why the last one that is not was refused.

    Args:
        embeddings: of a recipe.
        thorough: verify the lists too, as far as `index` does.
    """
    seen: list[CacheFile] = []
    refused = None
    while True:
        caches = recipe_caches(embeddings)
        if caches == seen:
            return None, refused
        for cache in caches:
            try:
                space = read_cache(cache.path, embeddings)
                if thorough and space.index.kind == IVF:
                    verify_lists(cache.path, space.base)
            except DamagedCacheError as error:
                refused = str(error)
            except OSError as error:
                refused = (
                    f"{error.filename or cache.path}: {error.strerror}; the next `imgsearch index` "
                    "writes it"
                )
            else:
                return space, None
        # A writer may have put newer files in their place meanwhile.
        seen = caches


def _bring_up_to_date(embeddings: Embeddings, space: SearchSpace) -> SearchSpace:
    if space.generation == embeddings.generation:
        return space
    wanted = embeddings.ids()
    have = space.index.ids
    gone = np.setdiff1d(have, wanted)
    if len(gone):
        space.index.remove(gone)
    for identifiers, vectors in embeddings.blocks(np.setdiff1d(wanted, have).tolist()):
        space.index.add(identifiers, space.project(vectors))
    space.generation = embeddings.generation
    return space


def _build(
    embeddings: Embeddings, choice: ProjectionChoice, wanted: IndexChoice | None = None
) -> SearchSpace:
    """Build everything from the rows, exactly unless an index choice names another."""
    count = embeddings.count()
    fitted = fit_projection(embeddings, choice) if choice.applies_to(count) else None
    dim = embeddings.recipe.dim if fitted is None else fitted.out
    space = SearchSpace(fitted, ExactIndex(dim), embeddings.generation, count)
    return _with_index(embeddings, space, wanted)


def _with_index(
    embeddings: Embeddings, space: SearchSpace, wanted: IndexChoice | None
) -> SearchSpace:
    """Return a space of the same projection, with a new index of all embeddings."""
    dim = space.index.dim
    plan = wanted.plan(embeddings.count(), dim) if wanted is not None else IndexPlan(factory=EXACT)
    before = space.index if len(space.index) else None
    rows = ProjectedRows(embeddings, dim, space.project, before)
    index = kind_of(plan.factory).build(rows, plan)
    return SearchSpace(space.projection, index, embeddings.generation, space.fitted_at)


def _is_outgrown(space: SearchSpace, count: int) -> bool:
    if space.projection is None:
        return projection_choice.DEFAULT.applies_to(count)
    growth = SMALL_GROWTH if space.fitted_at < SMALL else LARGE_GROWTH
    return count >= growth * space.fitted_at or growth * count <= space.fitted_at


def _write(space: SearchSpace, path: Path, embeddings: Embeddings) -> None:
    header = IndexHeader(
        recipe=embeddings.identifier,
        projection=NO_PROJECTION if space.projection is None else space.projection.version,
        generation=embeddings.generation,
        dim=space.index.dim,
        base=space.base,
        gallery=embeddings.stored.gallery,
        contents=contents_digest(embeddings),
    )
    lists = lists_path(embeddings)
    extra = projection_bytes(space.projection, space.fitted_at)
    space.base = index_cache.save(path, space.index, header, base_path=lists, extra=extra)
