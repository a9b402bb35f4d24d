"""Joining the rows of one gallery with another's: nothing is read again or embedded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch import paths

if TYPE_CHECKING:
    from imgsearch.storage.database import Store
    from imgsearch.storage.part import FileState, Part
    from imgsearch.storage.records import Root, ScannedRow, StoredRecipe


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
        regions: contents that had no regions, and have the other gallery's now.
        regions_left: contents that have none yet although the other gallery holds some: these are
            damaged, or of another projection.
    """

    contents: int = 0
    embeddings: int = 0
    files: int = 0
    newer: int = 0
    older: int = 0
    regions: int = 0
    regions_left: int = 0


def join(store: Store, part: Part) -> JoinedRows:
    """Take in all that another gallery holds; what is there already stays.

    Doing it again changes nothing. Contents are known by their hash, files by their absolute path.
    Contents that no file holds are left behind, and so are regions (`imgsearch.regions.joining`).

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


def _put(store: Store, file_id: int | None, state: FileState) -> None:
    content_id = None if state.content is None else store.find_content(state.content, 0)[0]
    store.put_file(
        file_id,
        state.row,
        content_id=content_id,
        reason=state.reason,
        decoders=state.decoders,
    )
