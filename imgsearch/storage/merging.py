"""Joining the rows of one gallery with another's: nothing is read again or embedded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import GalleryDamagedError
from imgsearch.images.fingerprints import Fingerprint
from imgsearch.storage.embedding_checks import UNIT_TOLERANCE
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.sqlite_errors import translated_errors
from imgsearch.storage.typed_values import RowTypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import TypeVar

    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Content, Root, StoredRecipe
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRows:
    """What came into a gallery from another one.

    Attributes:
        contents: that it did not hold.
        embeddings: that it did not hold.
        files: at paths that it did not know.
        newer: files at known paths that were modified later in the other gallery, or could be read
            there alone: what that one says of them holds from now on.
        older: files at known paths that the other gallery knew with older bytes: left as they were.
    """

    contents: int = 0
    embeddings: int = 0
    files: int = 0
    newer: int = 0
    older: int = 0


@dataclass(frozen=True, slots=True)
class _FileState:
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

    def fingerprints(self) -> Iterator[tuple[str, Fingerprint]]:
        """Yield hashes of contents and their fingerprints, of this version's."""
        return self._told(self._fingerprints)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield what was decided about pairs of contents."""
        return self._told(self._store.verdicts)

    def files(self, root: Root) -> Iterator[_FileState]:
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

    def _fingerprints(self) -> Iterator[tuple[str, Fingerprint]]:
        ids, hashes = self._store.perceptual_hashes()
        for start in range(0, len(ids), _BLOCK):
            part = ids[start : start + _BLOCK].tolist()
            contents, renderings = self._store.contents(part), self._store.renderings(part)
            for content_id, row in zip(part, hashes[start : start + _BLOCK], strict=True):
                fingerprint = Fingerprint(hash=row.tobytes(), rendering=renderings[content_id])
                yield contents[content_id].hash, fingerprint

    def _files(self, root: Root) -> Iterator[_FileState]:
        identity = "inode, ctime_ns" if self._store.keeps_identity() else "NULL, NULL"
        rows = self._store.connection.execute(
            f"SELECT path, size, mtime_ns, {identity}, hash, reason, decoders FROM file "  # noqa: S608 - names of columns
            "LEFT JOIN content ON content.id = content_id WHERE root_id = ? ORDER BY path",
            (root.id,),
        )
        for row in rows:
            path, size, mtime_ns, inode, ctime_ns, *rest = _FILE_TYPES.checked(row)
            yield _FileState(ScannedRow(root.id, path, size, mtime_ns, inode, ctime_ns), *rest)


def join(store: Store, part: Part) -> JoinedRows:
    """Take in all that another gallery holds; what is there already stays.

    Doing it again changes nothing. Contents are known by their hash, files by their absolute path.
    Contents that no file holds are left behind.

    Args:
        store: in a transaction.
        part: the other gallery.

    Raises:
        DamagedPartError: a row of the other gallery is not as it was written.
    """
    before = store.content_count()
    for content in part.contents():
        store.add_content(content.hash, content.bytes, content.metadata)
    contents = store.content_count() - before
    embeddings = sum(_join_embeddings(store, part, recipe) for recipe in part.recipes())
    files = _join_files(store, part)
    _join_fingerprints(store, part)
    for verdict in part.verdicts():
        store.add_verdict(verdict.one, verdict.other, made=verdict.made)
    return replace(files, contents=contents, embeddings=embeddings)


def _join_embeddings(store: Store, part: Part, theirs: StoredRecipe) -> int:
    ours = store.add_recipe(theirs.recipe)
    added = 0
    for content, vector in part.embeddings(theirs):
        content_id, embedded = store.find_content(content, ours.id)
        if content_id is not None and not embedded:
            added += store.add_embedding(ours.id, content_id, vector)
    if added:
        store.raise_generation(ours.id)
    return added


def _join_fingerprints(store: Store, part: Part) -> None:
    lacking = set(store.contents_without_fingerprint())
    for content, fingerprint in part.fingerprints() if lacking else ():
        content_id, _ = store.find_content(content, 0)
        if content_id in lacking:
            store.put_fingerprint(content_id, fingerprint)


def _join_files(store: Store, part: Part) -> JoinedRows:
    found = newer = older = 0
    for theirs in part.roots():
        root, below = place_of(store, theirs)
        for state in part.files(theirs):
            path = below + b"/" + state.row.path if below else state.row.path
            row = replace(state.row, root_id=root.id, path=path)
            known = _known(store, row)
            if known is None:
                found += 1
                _put(store, None, replace(state, row=row))
                continue
            file_id, content, mtime_ns = known
            if state.content in (None, content):
                continue
            if content is None or row.mtime_ns > mtime_ns:
                newer += 1
                _put(store, file_id, replace(state, row=row))
            else:
                older += 1
    return JoinedRows(files=found, newer=newer, older=older)


def place_of(store: Store, theirs: Root) -> tuple[Root, bytes]:
    """Return the root that takes another gallery's root in, by its path alone, and the part of it.

    The folder need not be there: it may be another machine's.
    """
    roots = {root.path: root for root in store.roots()}
    root = roots.get(theirs.path)
    if root is None:
        for folder in theirs.path.parents:
            outer = roots.get(folder)
            if outer is not None and outer.recursive:
                return outer, paths.relative_to(theirs.path, folder) or b""
        root = replace(theirs, id=store.add_root(theirs.path, recursive=False).id, recursive=False)
    if theirs.recursive and not root.recursive:
        root = replace(root, recursive=True)
        for inner in roots.values():
            # Its files would be there twice, under two paths that are one.
            if inner.id != root.id and inner.path.is_relative_to(root.path):
                store.absorb_root(inner, root, paths.relative_to(inner.path, root.path) or b"")
    store.update_root(root)
    return root, b""


def _known(store: Store, row: ScannedRow) -> tuple[int, str | None, int] | None:
    """Return row id, content hash and modification time of a file that the gallery has."""
    found: tuple[int, str | None, int] | None = store.connection.execute(
        "SELECT file.id, hash, mtime_ns FROM file LEFT JOIN content ON content.id = content_id "
        "WHERE root_id = ? AND path = ?",
        (row.root_id, row.path),
    ).fetchone()
    return found


def _put(store: Store, file_id: int | None, state: _FileState) -> None:
    content_id = None if state.content is None else store.find_content(state.content, 0)[0]
    store.put_file(
        file_id,
        state.row,
        content_id=content_id,
        reason=state.reason,
        decoders=state.decoders,
    )
