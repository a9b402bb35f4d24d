"""What is in a gallery: folders, recipes and the state of their caches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import cache_files
from imgsearch.storage import schema
from imgsearch.storage.roots import is_absent
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.recipe import Recipe
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe


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
        index: "exact", or the approximate index's factory string; "" without a cache.
        lists_visited: how many inverted lists a query probes on average, or None without any.
        recall: its ANN recall@10, measured on the gallery's embeddings when it was built, or None.
        recall_queries: how many of them asked, or None.
        added: vectors that were added since it was built and are searched exactly.
        removed: vectors that were removed since it was built and are masked.
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
    from imgsearch.search.search_space import read_cache
    from imgsearch.vectors.index_cache import base_file

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
    index = space.index.describe()
    files = [newest.path, base_file(newest.path, space.base)]
    about = replace(
        about,
        cache="fresh" if newest.generation == stored.generation else "stale",
        cache_bytes=sum(path.stat().st_size for path in files if path is not None),
        index=index.factory,
        lists_visited=None if index.lists_probed is None else round(index.lists_probed),
        recall=index.recall,
        recall_queries=index.recall_queries,
        added=index.added,
        removed=index.removed,
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
