"""The values that say what is in a gallery, without what takes reading its caches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.recipe import Recipe


@dataclass(frozen=True, slots=True)
class HeldRecipe:
    """A recipe of a gallery.

    Attributes:
        recipe: the recipe.
        primary: whether queries use it when none is named.
        embeddings: how many contents have one.
        regions: how many contents have parts that can be searched.
    """

    recipe: Recipe
    primary: bool
    embeddings: int
    regions: int


@dataclass(frozen=True, slots=True)
class HeldRoot:
    """A photo folder of a gallery, and how many files it has in it."""

    path: Path
    online: bool
    files: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What is in a gallery, without what takes reading its caches.

    Attributes:
        files: how many files it knows, unreadable ones too.
        contents: how many different contents they hold.
        unreadable: how many files could not be read.
        roots: the photo folders, by path.
        recipes: the primary one first.
    """

    files: int
    contents: int
    unreadable: int
    roots: tuple[HeldRoot, ...]
    recipes: tuple[HeldRecipe, ...]


@dataclass(frozen=True, slots=True)
class FileNotRead:
    """A file that could not be read.

    Attributes:
        path: absolute path.
        root: the photo folder that it belongs to.
        reason: why.
        offline: whether that folder is absent now.
    """

    path: Path
    root: Path
    reason: str
    offline: bool


@dataclass(frozen=True, slots=True)
class FilesNotRead:
    """Some of the files that could not be read, and how many there are."""

    total: int
    files: tuple[FileNotRead, ...]
