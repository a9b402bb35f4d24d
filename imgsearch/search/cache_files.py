"""Where the index caches of a gallery lie; what they hold is `search_space`'s business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.storage.embeddings import Embeddings

_NAME: Final = re.compile(r"index-([0-9a-f]{12})-(\d+)\.faiss")
_LISTS_NAME: Final = re.compile(r"index-([0-9a-f]{12})-(\d+)\.lists")
_NAMED_LISTS: Final = re.compile(rb'"base": "(index-[0-9a-f]{12}-\d+\.lists) ')
# The header, in which the name stands, begins at byte 32 and has a few hundred.
_START_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class CacheFile:
    """An index cache on disk, by what its name says.

    Attributes:
        path: the file.
        recipe: identifier of the recipe.
        generation: of the recipe, when the cache was written.
    """

    path: Path
    recipe: str
    generation: int


def cache_path(embeddings: Embeddings) -> Path:
    """Return where the index cache of a recipe at its present generation lies."""
    return embeddings.folder / f"index-{embeddings.identifier}-{embeddings.generation}.faiss"


def lists_path(embeddings: Embeddings) -> Path:
    """Return where an approximate index that is built at this generation lies."""
    return embeddings.folder / f"index-{embeddings.identifier}-{embeddings.generation}.lists"


def lists_files(folder: Path) -> list[CacheFile]:
    """Return the approximate indexes in a gallery's folder, the newest of each recipe first."""
    return _named(folder, "index-*.lists", _LISTS_NAME)


def cache_files(folder: Path) -> list[CacheFile]:
    """Return the index caches in a gallery's folder, the newest of each recipe first."""
    return _named(folder, "index-*.faiss", _NAME)


def recipe_caches(embeddings: Embeddings) -> list[CacheFile]:
    """Return the caches of a recipe, the newest first."""
    return [
        cache for cache in cache_files(embeddings.folder) if cache.recipe == embeddings.identifier
    ]


def named_lists(path: Path) -> str | None:
    """Return the file name of the approximate index that a cache goes on from, or None.

    The cache is not verified here: this tells, without FAISS, what belongs together.
    """
    try:
        with path.open("rb") as file:
            named = _NAMED_LISTS.search(file.read(_START_BYTES))
    except OSError:
        return None
    return named[1].decode("ascii") if named else None


def unfinished_files(folder: Path) -> list[Path]:
    """Return the temporary files that writes of an index left when they were cut off."""
    return sorted(folder.glob(".index-*.tmp"))


def _named(folder: Path, pattern: str, rule: re.Pattern[str]) -> list[CacheFile]:
    found = []
    for path in folder.glob(pattern):
        name = rule.fullmatch(path.name)
        if name:
            found.append(CacheFile(path, name[1], int(name[2])))
    return sorted(found, key=lambda cache: (cache.recipe, -cache.generation))
