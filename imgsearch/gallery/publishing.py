"""Sending what is searched to a search service, and later only what has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.search.space_building import ProjectedRows
from imgsearch.services.description_text import to_text
from imgsearch.services.entries import Description, Entry, EntryFile, EntryRoot
from imgsearch.storage.rows_to_publish import embedding_checksums, names_in_files, row_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from imgsearch.search.search_space import SearchSpace
    from imgsearch.services.protocol import Draft, SearchService
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.records import Content

_BLOCK: Final = 4096
_SENT_AT_ONCE: Final = 1024


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What `publish` did.

    Attributes:
        address: of the collection, without credentials.
        recipe: identifier of the recipe.
        projection: version of the projection, or "none".
        contents: how many the collection holds now.
        sent: how many were sent, new or changed.
        removed: how many were removed.
        anew: whether readers now see another collection than before, and not the same brought up
            to date.
    """

    address: str
    recipe: str
    projection: str
    contents: int
    sent: int
    removed: int
    anew: bool


def publish(
    held: Embeddings,
    space: SearchSpace,
    service: SearchService,
    *,
    replacing: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PublishReport:
    """Make a collection what the gallery is now.

    Args:
        held: the gallery's embeddings under one recipe, in a snapshot.
        space: where they are searched.
        service: that holds the collection.
        replacing: also where the collection is of another gallery or recipe.
        progress: told how many contents of how many have been looked at.

    Raises:
        UsageError: the collection is of another gallery or recipe.
        GalleryLockedError: another writer is at it.
        ServiceError: the server does not answer or refuses.
    """
    live = _live(service)
    description = _described(held, space)
    if live is not None and not replacing:
        _refuse_another(live, description, service.address)
    anew = live is None or live.space != description.space
    with service.writing(description.space, description.dim) as draft:
        sent, removed = _bring_up_to_date(held, space, draft, progress or (lambda *_: None))
        if anew or sent or removed or not _says_the_same(live, description):
            draft.publish(description)
    return PublishReport(
        address=service.address,
        recipe=held.identifier,
        projection="none" if space.projection is None else space.projection.version,
        contents=description.count,
        sent=sent,
        removed=removed,
        anew=anew,
    )


def _live(service: SearchService) -> Description | None:
    try:
        with service.reading() as collection:
            return collection.description
    except NoGalleryError:
        return None


def _refuse_another(live: Description, ours: Description, address: str) -> None:
    remedy = "name another collection, or replace it with --replace"
    if live.recipe != ours.recipe:
        raise UsageError(
            f"{address}: holds recipe {live.recipe.identifier} ({live.recipe.name}), not "
            f"{ours.recipe.identifier} ({ours.recipe.name}); {remedy}"
        )
    if live.gallery != ours.gallery:
        raise UsageError(f"{address}: was published from another gallery; {remedy}")


def _says_the_same(live: Description | None, ours: Description) -> bool:
    return live is not None and to_text(replace(live, published="")) == to_text(
        replace(ours, published="")
    )


def _described(held: Embeddings, space: SearchSpace) -> Description:
    store = held.store
    names = names_in_files(store, held.stored.id)
    return Description(
        gallery=held.stored.gallery,
        recipe=replace(held.recipe, weights_path=None),
        projection=space.projection,
        dim=space.dim,
        generation=held.generation,
        published=datetime.now(UTC).isoformat(timespec="seconds"),
        count=names.contents,
        files=names.files,
        roots=tuple(EntryRoot(root.id, paths.encode(root.path)) for root in store.roots()),
        cameras=names.cameras,
        lenses=names.lenses,
        formats=names.formats,
    )


def _bring_up_to_date(
    held: Embeddings, space: SearchSpace, draft: Draft, progress: Callable[[int, int], None]
) -> tuple[int, int]:
    """Send what is new or changed, and remove what is gone; return how many of both."""
    wanted = np.array(sorted(held.store.held_ids(held.stored.id)), dtype=np.int64)
    there, marks = _all_marks(draft)
    # What is gone goes first: another content may have come by its hash under another id.
    gone = np.setdiff1d(there, wanted, assume_unique=True)
    for start in range(0, len(gone), _BLOCK):
        draft.remove(gone[start : start + _BLOCK].tolist())
    sent = 0
    for start in range(0, len(wanted), _BLOCK):
        progress(start, len(wanted))
        block = wanted[start : start + _BLOCK]
        changed = _Changed(held, block, there, marks)
        for entries in changed.entries(space):
            draft.put(entries)
            sent += len(entries)
    progress(len(wanted), len(wanted))
    return sent, len(gone)


def _all_marks(draft: Draft) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids (n,), ascending, and marks (n,) of a draft."""
    blocks = list(draft.marks())
    if not blocks:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ids = np.concatenate([ids for ids, _ in blocks])
    marks = np.concatenate([marks for _, marks in blocks])
    order = np.argsort(ids)
    return ids[order], marks[order]


class _Changed:
    """Those of some contents that a draft has not, or has otherwise."""

    def __init__(
        self,
        held: Embeddings,
        ids: NDArray[np.int64],
        there: NDArray[np.int64],
        marks: NDArray[np.int64],
    ) -> None:
        listed = ids.tolist()
        self._held = held
        self._contents = held.store.contents(listed)
        self._files = {
            content_id: tuple(sorted(files))
            for content_id, files in held.store.files_of_contents(listed).items()
        }
        checksums = embedding_checksums(held.store, held.stored.id, listed)
        self._marks = {
            content_id: row_mark(self._contents[content_id], files, checksums[content_id])
            for content_id, files in self._files.items()
        }
        at = np.searchsorted(there, ids)
        at[at == len(there)] = 0
        known = there[at] == ids if len(there) else np.zeros(len(ids), np.bool_)
        ours = np.array([self._marks[content_id] for content_id in listed], dtype=np.int64)
        same = known & (marks[at] == ours) if len(there) else known
        self._ids = ids[~same].tolist()

    def entries(self, space: SearchSpace) -> Iterator[list[Entry]]:
        """Yield them as they are searched."""
        rows = ProjectedRows(self._held, space.dim, space.project, space.index)
        for start in range(0, len(self._ids), _SENT_AT_ONCE):
            for ids, vectors in rows.blocks(self._ids[start : start + _SENT_AT_ONCE]):
                yield [
                    self._entry(self._contents[content_id], vector)
                    for content_id, vector in zip(ids.tolist(), vectors, strict=True)
                ]

    def _entry(self, content: Content, vector: NDArray[np.float32]) -> Entry:
        known = content.metadata
        return Entry(
            id=content.id,
            content=content.hash,
            mark=self._marks[content.id],
            vector=vector,
            files=tuple(EntryFile(root, path) for root, path in self._files[content.id]),
            bytes=content.bytes,
            width=known.width,
            height=known.height,
            format=known.format,
            taken=known.taken,
            camera=known.camera,
            lens=known.lens,
            latitude=known.latitude,
            longitude=None if known.latitude is None else known.longitude,
        )
