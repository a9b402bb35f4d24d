"""Where the index caches of a gallery lie; what they hold is `search_space`'s business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.rows import StoredRecipe

_NAME: Final = re.compile(r"index-([0-9a-f]{12})-(\d+)\.faiss")


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


def cache_path(folder: Path, stored: StoredRecipe) -> Path:
    """Return where the index cache of a recipe at its present generation lies."""
    return folder / f"index-{stored.recipe.identifier}-{stored.generation}.faiss"


def cache_files(folder: Path) -> list[CacheFile]:
    """Return the index caches in a gallery's folder, the newest of each recipe first."""
    found = []
    for path in folder.glob("index-*.faiss"):
        name = _NAME.fullmatch(path.name)
        if name:
            found.append(CacheFile(path, name[1], int(name[2])))
    return sorted(found, key=lambda cache: (cache.recipe, -cache.generation))


def unfinished_files(folder: Path) -> list[Path]:
    """Return the temporary files that writes of an index left when they were cut off."""
    return sorted(folder.glob(".index-*.tmp"))
