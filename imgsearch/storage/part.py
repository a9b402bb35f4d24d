"""Another gallery, whose rows are read to be taken in: a part, of those that are merged."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.images.fingerprints import Fingerprint
from imgsearch.storage.database import Store
from imgsearch.storage.embedding_checks import UNIT_TOLERANCE
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.sqlite_errors import translated_errors
from imgsearch.storage.typed_values import RowTypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TypeVar

    from numpy.typing import NDArray

    from imgsearch.storage.records import Content, Root, StoredRecipe
    from imgsearch.storage.region_rows import RegionBlock, StoredRegions
    from imgsearch.storage.verdict_rows import Verdict

    T = TypeVar("T")

_BLOCK: Final = 512
_NONE: Final = type(None)
_FILE_TYPES: Final = RowTypes(
    "a file",
    *((bytes,), (int,), (int,), (int, _NONE), (int, _NONE)),
    *((str, _NONE), (str, _NONE), (str, _NONE)),
)


class DamagedPartError(GalleryDamagedError):
    """The other gallery is not as it was written; this one is."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file, and what is known of it.

    Attributes:
        row: as it was scanned, in its own gallery's root.
        content: hash of what it holds, or None.
        reason: why it could not be read, or None.
        decoders: that had a try at it, or None.
    """

    row: ScannedRow
    content: str | None
    reason: str | None
    decoders: str | None


class Part:
    """Another gallery's rows, for reading; its faults are told from those of the one that joins."""

    def __init__(self, store: Store, folder: Path) -> None:
        """Name it; the store is in a snapshot, the folder is for messages."""
        self._store = store
        self._folder = folder

    def recipes(self) -> list[StoredRecipe]:
        """Return its recipes, the primary one first."""
        return list(self._told(self._store.recipes))

    def roots(self) -> list[Root]:
        """Return its roots."""
        return list(self._told(self._store.roots))

    def contents(self) -> Iterator[Content]:
        """Yield the contents that a file holds, by hash."""
        return self._told(self._contents)

    def embeddings(self, recipe: StoredRecipe) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield hashes of contents and their embeddings `(dim,)`, unit vectors or zero."""
        return self._told(lambda: self._embeddings(recipe))

    def regions_of(self, recipe: StoredRecipe) -> StoredRegions | None:
        """Return how the regions under one of its recipes were made, or None."""
        return next(self._told(lambda: [self._store.regions_of(recipe.id)]))

    def contents_with_regions(self, recipe: StoredRecipe) -> Iterator[tuple[int, str]]:
        """Yield its row ids and the hashes of the contents that have regions."""
        return self._told(lambda: self._contents_with_regions(recipe))

    def regions(
        self, recipe: StoredRecipe, shape: tuple[int, int], content_ids: Sequence[int]
    ) -> Iterator[RegionBlock]:
        """Yield the codes of contents, by its own row ids; those that are damaged are left out."""
        return self._told(
            lambda: self._store.regions(recipe.id, shape, content_ids, damaged="left out")
        )

    def fingerprints(self) -> Iterator[tuple[str, Fingerprint]]:
        """Yield hashes of contents and their fingerprints, of this version's."""
        return self._told(self._fingerprints)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield what was decided about pairs of contents."""
        return self._told(self._store.verdicts)

    def files(self, root: Root) -> Iterator[FileState]:
        """Yield the files of a root, by path."""
        return self._told(lambda: self._files(root))

    def _told(self, rows: Callable[[], Iterable[T]]) -> Iterator[T]:
        """Yield rows; what goes wrong as they are read is this gallery's."""
        read: Iterator[T] | None = None
        while True:
            try:
                with translated_errors(self._folder):
                    read = iter(rows()) if read is None else read
                    row = next(read)
            except StopIteration:
                return
            except GalleryDamagedError as error:
                raise DamagedPartError(str(error)) from error
            yield row

    def _contents(self) -> Iterator[Content]:
        held = (
            row[0]
            for row in self._store.connection.execute(
                "SELECT id FROM content WHERE id NOT IN (SELECT id FROM orphan) ORDER BY hash"
            )
        )
        while ids := list(islice(held, _BLOCK)):
            yield from self._store.contents(ids).values()

    def _embeddings(self, recipe: StoredRecipe) -> Iterator[tuple[str, NDArray[np.float32]]]:
        for ids, vectors in self._store.embeddings(recipe):
            lengths = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
            # The embedding of an image whose activations are all zero is the zero vector.
            if not np.all((np.abs(lengths - 1) < UNIT_TOLERANCE) | (lengths == 0)):
                raise GalleryDamagedError(
                    f"an embedding of recipe {recipe.recipe.identifier} is no unit vector: run "
                    "`imgsearch check --repair`"
                )
            contents = self._store.contents(ids.tolist())
            for content_id, vector in zip(ids.tolist(), vectors, strict=True):
                if content_id in contents:
                    yield contents[content_id].hash, vector

    def _contents_with_regions(self, recipe: StoredRecipe) -> Iterator[tuple[int, str]]:
        ids = self._store.ids_with_regions(recipe.id).tolist()
        for start in range(0, len(ids), _BLOCK):
            for content in self._store.contents(ids[start : start + _BLOCK]).values():
                yield content.id, content.hash

    def _fingerprints(self) -> Iterator[tuple[str, Fingerprint]]:
        ids, hashes = self._store.perceptual_hashes()
        for start in range(0, len(ids), _BLOCK):
            part = ids[start : start + _BLOCK].tolist()
            contents, renderings = self._store.contents(part), self._store.renderings(part)
            for content_id, row in zip(part, hashes[start : start + _BLOCK], strict=True):
                fingerprint = Fingerprint(hash=row.tobytes(), rendering=renderings[content_id])
                yield contents[content_id].hash, fingerprint

    def _files(self, root: Root) -> Iterator[FileState]:
        identity = "inode, ctime_ns" if self._store.keeps_identity() else "NULL, NULL"
        rows = self._store.connection.execute(
            f"SELECT path, size, mtime_ns, {identity}, hash, reason, decoders FROM file "  # noqa: S608 - names of columns
            "LEFT JOIN content ON content.id = content_id WHERE root_id = ? ORDER BY path",
            (root.id,),
        )
        for row in rows:
            path, size, mtime_ns, inode, ctime_ns, *rest = _FILE_TYPES.checked(row)
            yield FileState(ScannedRow(root.id, path, size, mtime_ns, inode, ctime_ns), *rest)


@contextmanager
def opened(folder: Path) -> Iterator[Part]:
    """Open another gallery for reading, in one snapshot.

    Raises:
        NoGalleryError: the folder holds none.
        DamagedPartError: its database cannot be opened.
    """
    try:
        store = Store.open(folder)
    except GalleryDamagedError as error:
        raise DamagedPartError(str(error)) from error
    with closing(store), store.snapshot():
        yield Part(store, folder)
