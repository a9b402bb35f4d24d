"""Whether a cache is that of a gallery's present state, told by what its header says.

Names alone tell nothing: two galleries have caches of equal names, and so has a gallery whose
database was restored from a copy. Nothing here loads FAISS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import cache_path, recipe_caches
from imgsearch.vectors.approximate_front import read_front, verify_rest
from imgsearch.vectors.index_header import read_header

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.storage.embeddings import Embeddings

# Lists of so many bytes are read and verified whole by every run of `index`: it takes as long as
# starting Python. Of larger ones the front is, as at every opening.
SMALL_LISTS: Final = 32 * 2**20
REMEDY: Final = "the next `imgsearch index` writes another"


class CacheHeader(Protocol):
    """What the headers of all caches of a recipe say about whose they are."""

    @property
    def recipe(self) -> str:
        """Identifier of the recipe."""

    @property
    def generation(self) -> int:
        """The recipe's, that the file reflects."""

    @property
    def gallery(self) -> str:
        """Random id of the gallery, "" in files of earlier versions."""

    @property
    def contents(self) -> str:
        """Digest of the contents, 16 hexadecimal digits; likewise."""


def refuse_foreign(
    path: Path, header: CacheHeader, embeddings: Embeddings, *, remedy: str = REMEDY
) -> None:
    """Refuse a cache that is not of the recipe's present state, nor of one before it.

    Caches of earlier versions name neither gallery nor contents. They are believed up to the
    generation that the recipe had when it got its first digest.

    Args:
        path: the file.
        header: what it says about itself.
        embeddings: of the recipe.
        remedy: what the message advises.

    Raises:
        DamagedCacheError: says why.
    """
    stored = embeddings.stored
    if header.recipe != embeddings.identifier:
        raise DamagedCacheError(
            f"{path} holds recipe {header.recipe}, not {embeddings.identifier}; {remedy}"
        )
    if header.generation > stored.generation:
        raise DamagedCacheError(
            f"{path} is newer (generation {header.generation}) than the database "
            f"({stored.generation}), which was restored from a copy; {remedy}"
        )
    if not header.gallery and header.generation <= stored.undigested:
        return
    if header.gallery != stored.gallery:
        raise DamagedCacheError(f"{path} belongs to another gallery; {remedy}")
    if header.generation == stored.generation and header.contents != contents_digest(embeddings):
        raise DamagedCacheError(
            f"{path} holds other contents than the database, which was restored from a copy; "
            f"{remedy}"
        )


def contents_digest(embeddings: Embeddings) -> str:
    """Return the digest of the embedded contents as headers have it."""
    return f"{embeddings.stored.digest:016x}"


def is_current(embeddings: Embeddings) -> bool:
    """Tell whether the one cache of the recipe is of its present state, and whole.

    The whole file is read, as every query reads it. Of inverted lists the front is, and all where
    they are small.
    """
    mine = [cache.path for cache in recipe_caches(embeddings)]
    path = cache_path(embeddings)
    if mine != [path]:
        return False
    try:
        header = read_header(path)
        refuse_foreign(path, header, embeddings)
        if header.generation != embeddings.generation:
            return False
        if header.base and header.kind:
            return path.with_name(header.base.partition(" ")[0]).is_file()
        verify_lists(path, header.base)
    except (DamagedCacheError, OSError):
        return False
    return True


def verify_lists(path: Path, base: str) -> None:
    """Verify the front of the inverted lists that a cache goes on from, and all of small ones.

    Args:
        path: of the cache.
        base: name and checksum of the file of lists; "" for none.

    Raises:
        DamagedCacheError: they are damaged, or not those that the cache was written for.
        OSError: the file is not there or cannot be read.
    """
    if not base:
        return
    name, _, checksum = base.partition(" ")
    lists = path.with_name(name)
    front = read_front(lists)
    if front.checksum != checksum:
        raise DamagedCacheError(f"{lists} is not the index that {path} goes on from")
    if front.length <= SMALL_LISTS:
        verify_rest(lists, front)
