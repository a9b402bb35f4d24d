"""Look after a gallery: say what is in it, remove, prune, relocate, export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from imgsearch import paths, schema
from imgsearch.caches import cache_files, lists_files, named_lists, unfinished_files
from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.index_choice import EXACT
from imgsearch.roots import is_absent
from imgsearch.store import DATABASE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.recipe import Recipe
    from imgsearch.rows import Root, StoredRecipe
    from imgsearch.search_space import SearchSpace
    from imgsearch.store import Store

CacheState = Literal["fresh", "stale", "absent", "damaged"]
NO_PROJECTION: Final = "none"


@dataclass(frozen=True, slots=True)
class RootInformation:
    """A registered photo folder, as `information` tells of it."""

    path: Path
    online: bool
    files: int
    exclude: tuple[str, ...]
    follow_symlinks: bool


@dataclass(frozen=True, slots=True)
class RecipeInformation:
    """A recipe with what is stored and cached under it.

    Attributes:
        recipe: the recipe.
        primary: whether queries use it when none is named.
        embeddings: how many contents have one.
        generation: raised by every commit that added or removed embeddings.
        cache: state of the index cache.
        cache_bytes: its size.
        projection: version of the projection in it, or "none".
        projection_dim: length of the vectors that are searched, or None.
        projection_power: its power, or None.
        fitted_count: how many embeddings it was fitted on, or None.
        index: "exact", or FAISS's words for the approximate index; "" without a cache.
        lists_visited: how many of its lists a query visits on average, or None for an exact one.
        recall: its ANN recall@10, measured on the gallery's embeddings when it was built, or None.
        recall_queries: how many of them asked, or None.
        added: vectors that were added since it was built and are searched exactly.
        removed: vectors that are in it and were removed since.
    """

    recipe: Recipe
    primary: bool
    embeddings: int
    generation: int
    cache: CacheState
    cache_bytes: int = 0
    projection: str = NO_PROJECTION
    projection_dim: int | None = None
    projection_power: float | None = None
    fitted_count: int | None = None
    index: str = ""
    lists_visited: int | None = None
    recall: float | None = None
    recall_queries: int | None = None
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class GalleryInformation:
    """What is in a gallery.

    Attributes:
        path: its folder.
        schema: version of the database's shape.
        roots: the photo folders.
        files: how many files it knows.
        contents: how many different contents they hold.
        unreadable: how many files could not be decoded.
        orphans: contents that no file holds any more; `prune` drops them.
        bytes: size of the database.
        recipes: the recipes, the primary one first.
    """

    path: Path
    schema: int
    roots: tuple[RootInformation, ...]
    files: int
    contents: int
    unreadable: int
    orphans: int
    bytes: int
    recipes: tuple[RecipeInformation, ...]


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """How many files, and contents that no other file holds, were taken out."""

    files: int
    contents: int


@dataclass(frozen=True, slots=True)
class PruneReport:
    """How many contents and cache files were dropped, and the bytes that this freed."""

    contents: int
    caches: int
    bytes_freed: int


@dataclass(frozen=True, slots=True)
class RelocationReport:
    """The root's new place, how many files it has, and how many of them are there."""

    root: Path
    files: int
    found: int


def information(store: Store, folder: Path) -> GalleryInformation:
    """Say what is in a gallery; caches are read to see whether they are whole.

    Args:
        store: in a snapshot.
        folder: the gallery's folder.
    """
    counts = store.counts()
    return GalleryInformation(
        path=folder,
        schema=len(schema.STEPS),
        roots=tuple(
            RootInformation(
                root.path,
                not is_absent(store, root),
                store.file_count(root.id),
                root.exclude,
                root.follow_symlinks,
            )
            for root in store.roots()
        ),
        files=counts.files,
        contents=counts.contents - counts.orphans,
        unreadable=counts.unreadable,
        orphans=counts.orphans,
        bytes=sum(path.stat().st_size for path in folder.glob(f"{DATABASE}*")),
        recipes=tuple(_recipe_information(store, folder, stored) for stored in store.recipes()),
    )


def _recipe_information(store: Store, folder: Path, stored: StoredRecipe) -> RecipeInformation:
    from imgsearch.search_space import read_cache
    from imgsearch.segments import SegmentedIndex

    about = RecipeInformation(
        recipe=stored.recipe,
        primary=stored.primary,
        embeddings=store.embedding_count(stored.id),
        generation=stored.generation,
        cache="absent",
    )
    caches = [cache for cache in cache_files(folder) if cache.recipe == stored.recipe.identifier]
    if not caches:
        return about
    newest = caches[0]
    try:
        space = read_cache(newest.path, stored)
    except (DamagedCacheError, OSError):
        return replace(about, cache="damaged")
    about = replace(
        about,
        cache="fresh" if newest.generation == stored.generation else "stale",
        cache_bytes=newest.path.stat().st_size,
        index=EXACT,
    )
    if isinstance(space.index, SegmentedIndex):
        base = space.index.base
        about = replace(
            about,
            cache_bytes=about.cache_bytes + _lists_bytes(newest.path, space),
            index=base.plan.factory,
            lists_visited=round(base.measured.visited),
            recall=base.measured.recall,
            recall_queries=base.measured.queries,
            added=len(space.index.tail),
            removed=len(space.index.removed),
        )
    if space.projection is None:
        return about
    return replace(
        about,
        projection=space.projection.version,
        projection_dim=space.projection.out,
        projection_power=space.projection.power,
        fitted_count=space.projection.fitted_count,
    )


def _lists_bytes(cache: Path, space: SearchSpace) -> int:
    return cache.with_name(space.base.partition(" ")[0]).stat().st_size


def remove(store: Store, wanted: Sequence[Path]) -> RemovalReport:
    """Take files, folders or whole roots out of the gallery, with the contents only they hold.

    The pictures on disk are not touched.

    Args:
        store: open for writing.
        wanted: absolute paths.

    Raises:
        UsageError: a path under which the gallery has nothing; then nothing is removed.
    """
    files = contents = 0
    with store.transaction():
        orphans = store.orphan_ids()
        for path in wanted:
            removed, inner_roots = 0, 0
            for root in store.roots():
                below = paths.relative_to(path, root.path)
                if below is None and not root.path.is_relative_to(path):
                    continue
                removed += store.remove_files(root.id, below or b"")
                if not below:
                    store.remove_root(root.id)
                    inner_roots += 1
            if not removed and not inner_roots:
                known = ", ".join(str(root.path) for root in store.roots()) or "none"
                raise UsageError(f"{path}: the gallery has nothing there; its folders are {known}")
            files += removed
        contents = store.remove_orphans(keep=orphans)
    return RemovalReport(files, contents)


def prune(store: Store, folder: Path) -> PruneReport:
    """Drop contents that no file holds any more and caches that nobody needs; compact.

    The newest cache of every recipe stays: it holds the projection, and is brought up to date.

    Args:
        store: open for writing.
        folder: the gallery's folder.
    """
    before = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    with store.transaction():
        contents = store.remove_orphans()
    recipes = {stored.recipe.identifier for stored in store.recipes()}
    newest = {cache.recipe: cache.path for cache in reversed(cache_files(folder))}
    needed = {named_lists(path) for path in newest.values()}
    old = [
        cache.path
        for cache in cache_files(folder)
        if cache.recipe not in recipes or cache.path != newest[cache.recipe]
    ]
    old += [
        cache.path
        for cache in lists_files(folder)
        if cache.recipe not in recipes or cache.path.name not in needed
    ]
    old += unfinished_files(folder)
    for path in old:
        path.unlink(missing_ok=True)
    store.compact()
    after = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return PruneReport(contents, len(old), max(0, before - after))


def relocate(store: Store, old: Path, new: Path) -> RelocationReport:
    """Tell the gallery that a photo folder lies elsewhere now. Nothing is read or embedded.

    Args:
        store: open for writing.
        old: absolute path of a root, or of a folder above several.
        new: where it lies now; it need not be there at the moment.

    Raises:
        UsageError: no root lies there, or the new place belongs to another root.
    """
    with store.transaction():
        roots = store.roots()
        moving = [root for root in roots if root.path.is_relative_to(old)]
        if not moving:
            known = ", ".join(str(root.path) for root in roots) or "none"
            raise UsageError(f"{old}: no folder of the gallery; its folders are {known}")
        # The longest first: where `new` lies in `old`, one's new place may be another's old one.
        moving.sort(key=lambda root: len(root.path.parts), reverse=True)
        moved = [replace(root, path=new / root.path.relative_to(old)) for root in moving]
        staying = [root for root in roots if root not in moving]
        for root in moved:
            _refuse_overlap(root, staying)
            store.update_root(root)
        files = found = 0
        for root in moved:
            for path in store.file_paths(root.id):
                files += 1
                found += paths.join(paths.encode(root.path), path).exists()
    return RelocationReport(new, files, found)


def _refuse_overlap(root: Root, others: Sequence[Root]) -> None:
    for other in others:
        if (
            other.path == root.path
            or (root.recursive and other.path.is_relative_to(root.path))
            or (other.recursive and root.path.is_relative_to(other.path))
        ):
            raise UsageError(
                f"{root.path}: overlaps {other.path}, which is a folder of the gallery; "
                f"remove that first with `imgsearch remove`, or index {root.path} instead"
            )
