"""What a row of the gallery's database says, as values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.images.metadata import Metadata
    from imgsearch.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Root:
    """A registered photo folder.

    Attributes:
        id: row id.
        path: absolute path.
        recursive: False when only files that were named one by one belong to it.
        exclude: glob patterns of what is left out.
        follow_symlinks: whether symbolic links are followed.
    """

    id: int
    path: Path
    recursive: bool
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False

    @property
    def online(self) -> bool:
        """Whether the folder is there now, and holds anything.

        An unplugged drive leaves an empty folder at its mount point.
        """
        try:
            with os.scandir(self.path) as listing:
                return next(listing, None) is not None
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """A recipe with its row id, its rank and its generation.

    Attributes:
        id: row id.
        recipe: the recipe itself.
        primary: whether queries use it when none is named.
        generation: raised by every commit that adds or removes embeddings of this recipe.
    """

    id: int
    recipe: Recipe
    primary: bool
    generation: int


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes that one or many files hold.

    Attributes:
        id: row id.
        hash: SHA-256 of the bytes, 64 hexadecimal digits.
        bytes: how many there are.
        metadata: what the picture says of itself.
    """

    id: int
    hash: str
    bytes: int
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Counts:
    """How many files, contents, files that cannot be read, and contents without a file."""

    files: int
    contents: int
    unreadable: int
    orphans: int


@dataclass(frozen=True, slots=True)
class ScannedRow:
    """A file as it was scanned: root id, stored relative path, bytes, modification time."""

    root_id: int
    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What SQLite finds wrong with the database's file.

    Attributes:
        problems: its own lines, none where the file is sound.
        indexes_only: whether they concern nothing but indexes, which `REINDEX` makes again.
        dangling_rows: how many rows refer to rows that are not there.
        dangling_tables: the tables that hold them.
    """

    problems: tuple[str, ...] = ()
    indexes_only: bool = False
    dangling_rows: int = 0
    dangling_tables: tuple[str, ...] = ()
