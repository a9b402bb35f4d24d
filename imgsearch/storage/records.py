"""Rows of the gallery's database, as values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.addresses import Address
from imgsearch.paths import GONE, encode, join
from imgsearch.storage.online import is_online

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.images.metadata import Metadata
    from imgsearch.recipe import Recipe


# The size of a file that an import told of and nobody has seen here. No scan finds it missing.
NEVER_SEEN: Final = -2


@dataclass(frozen=True, slots=True)
class Root:
    """A registered folder, which stored paths are relative to.

    Attributes:
        id: row id.
        path: absolute path.
        recursive: False if only files that were named one by one belong to it.
        exclude: glob patterns of what scans leave out.
        follow_symlinks: whether symbolic links are followed.
    """

    id: int
    path: Path
    recursive: bool
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False

    def at(self, path: bytes) -> Path:
        """Return where something lies by its stored relative path, b"" for the root itself."""
        return join(encode(self.path), path) if path else self.path

    @property
    def is_address(self) -> bool:
        """Whether its files are not files of this machine."""
        return isinstance(self.path, Address)

    @property
    def online(self) -> bool:
        """Whether the folder exists now and is not empty.

        An unplugged drive leaves an empty folder at its mount point. An address is taken to be
        there until it is asked for something.
        """
        return self.is_address or is_online(self.path)

    @property
    def refusal(self) -> str | None:
        """Why the folder, which exists, can't be listed; None if it can, or is not there."""
        if self.is_address:
            return None
        try:
            os.scandir(self.path).close()
        except OSError as error:
            return None if error.errno in GONE else error.strerror or str(error)
        except ValueError:  # a null byte in the path, behind which there is nothing
            return None
        return None


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """A recipe with its row id, its rank and its generation.

    Attributes:
        id: row id.
        primary: whether queries that name no recipe use it.
        generation: raised by every commit that adds or removes embeddings of this recipe.
        gallery: random id of the gallery, "" until a writer has given it one.
        digest: of the contents that are embedded (`imgsearch.storage.content_digest`).
        undigested: the last generation whose cache may lack both.
    """

    id: int
    recipe: Recipe
    primary: bool
    generation: int
    gallery: str = ""
    digest: int = 0
    undigested: int = -1


@dataclass(frozen=True, slots=True)
class DamagedRecipe:
    """A recipe whose row contradicts itself.

    Attributes:
        id: row id.
        identifier: as it is stored, made printable.
        mended: what the row was, or None where that can't be told.
    """

    id: int
    identifier: str
    mended: Recipe | None


@dataclass(frozen=True, slots=True)
class DamagedEmbeddings:
    """Embeddings of one recipe that are not as they were written, by content id.

    Attributes:
        no_unit: not a unit vector of the recipe's dim.
        changed: such a one, but not that of its checksum.
    """

    no_unit: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes that one or many files hold.

    Attributes:
        id: row id.
        hash: SHA-256 of the bytes, 64 hexadecimal digits.
        bytes: their number.
        metadata: of the image.
    """

    id: int
    hash: str
    bytes: int
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Counts:
    """Sizes of a gallery.

    Attributes:
        unreadable: files with a reason why they could not be read, decoded or embedded.
        orphans: contents that no file holds.
    """

    files: int
    contents: int
    unreadable: int
    orphans: int


@dataclass(frozen=True, slots=True)
class ScannedRow:
    """A file as it was scanned.

    Attributes:
        path: stored form, relative to the root.
        size: bytes.
        mtime_ns: modification time in nanoseconds.
        inode: number on its device; None where the file system has none.
        ctime_ns: time of the last change of any kind in nanoseconds; None if not known.
    """

    root_id: int
    path: bytes
    size: int
    mtime_ns: int
    inode: int | None = None
    ctime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class SampledFile:
    """A file that is read to see whether it is as it was.

    Attributes:
        id: its row id.
        path: absolute path.
        size: bytes, when it was indexed.
        mtime_ns: modification time in nanoseconds, when it was indexed.
        hash: SHA-256 of its content then, 64 hexadecimal digits.
    """

    id: int
    path: Path
    size: int
    mtime_ns: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What SQLite's own checks find.

    Attributes:
        problems: SQLite's messages; none if the file is sound.
        indexes_only: whether all of them are about indexes, which `REINDEX` rebuilds.
        dangling_rows: how many rows have a foreign key that points nowhere.
        dangling_tables: the tables of these rows.
        dangling_embeddings: how many of these rows are embeddings.
    """

    problems: tuple[str, ...] = ()
    indexes_only: bool = False
    dangling_rows: int = 0
    dangling_tables: tuple[str, ...] = ()
    dangling_embeddings: int = 0
