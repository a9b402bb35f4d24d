"""The part of the façade that a page is shown from: windows of long lists, and what they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.holdings import Holdings
from imgsearch.gallery.overview import (
    FileNotRead,
    FilesNotRead,
    HeldRecipe,
    HeldRoot,
    Overview,
)
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.recipe import Recipe
    from imgsearch.search.matches import GalleryFile
    from imgsearch.storage.facets import Facets
    from imgsearch.storage.folder_tree import Folder
    from imgsearch.storage.timelines import Order, Timeline


class Browsing(Holdings):
    """What `Gallery` is besides indexing and querying; not used by itself.

    Threads may share it; what takes long reads over a connection of its own.
    """

    def state(self) -> str:
        """Return a text that is another one once a process has changed the gallery.

        It costs next to nothing. Texts of two `Gallery` objects do not compare.

        Raises:
            NoGalleryError: there is no gallery.
        """
        with self._connections.snapshot() as store:
            return f"{self._connections.openings}.{store.data_version()}"

    def overview(self) -> Overview:
        """Say what is in the gallery.

        Raises:
            NoGalleryError: there is no gallery.
        """
        from imgsearch.storage.embeddings import embeddings_of
        from imgsearch.storage.roots import is_absent

        with self._connections.own_snapshot() as store:
            counts = store.counts()
            return Overview(
                files=counts.files,
                contents=counts.contents - counts.orphans,
                unreadable=counts.unreadable,
                roots=tuple(
                    HeldRoot(root.path, not is_absent(store, root), store.file_count(root.id))
                    for root in store.roots()
                ),
                recipes=tuple(
                    HeldRecipe(
                        held.recipe,
                        held.stored.primary,
                        embeddings=held.count(),
                        regions=0 if regions is None else regions.count,
                    )
                    for held in embeddings_of(store, self.path)
                    for regions in [store.regions_of(held.stored.id)]
                ),
            )

    def recipe_to_query(self) -> Recipe:
        """Return the recipe that queries use.

        Raises:
            NoGalleryError: there is no gallery, or it is empty.
            UnknownRecipeError: a recipe that the gallery does not hold.
        """
        with self._connections.snapshot() as store:
            return self._embeddings_to_query(store).recipe

    def timeline(self, where: Filters | None = None, *, order: Order = "taken") -> Timeline:
        """Return all contents in files that pass the filters, in order, as compact arrays.

        Args:
            where: what they must be.
            order: "taken": those taken last first, those without a capture time last, then by
                path; "path": by the path of their first file.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a filter that makes no sense.
        """
        from imgsearch.storage.timelines import timeline

        with self._connections.own_snapshot() as store:
            return timeline(store, _absolute(where), order)

    def files_of(
        self, ids: Iterable[int], where: Filters | None = None
    ) -> list[GalleryFile | None]:
        """Return contents of a timeline with what is known of them, in their order.

        Args:
            ids: some of `Timeline.ids`.
            where: as for the timeline; of each content, files outside its folders are left out.

        Returns:
            None for a content that the gallery has in no such file any more.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a folder that is not in the gallery.
        """
        from imgsearch.search.held_files import HeldFiles

        wanted = [int(identifier) for identifier in ids]
        with self._connections.snapshot() as store:
            found = dict(HeldFiles.of(store, _absolute(where)).find(wanted))
        return [found.get(identifier) for identifier in wanted]

    def ids_of(self, contents: Sequence[str]) -> list[int | None]:
        """Return the ids, as in `Timeline.ids`, of contents by their hashes; None for unknown ones.

        Raises:
            NoGalleryError: there is no gallery.
        """
        with self._connections.snapshot() as store:
            return [store.content_id(content) for content in contents]

    def file_of(self, content: str) -> GalleryFile:
        """Return a content's first file with what is known of it, the others as its duplicates.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery holds no such content in a file.
        """
        from imgsearch.search.same_file import other_files

        (identifier,) = self.ids_of([content])
        found = None if identifier is None else self.files_of([identifier])[0]
        if found is None:
            raise UsageError(f"content: the gallery holds none of hash {content!r}")
        return replace(found, duplicates=other_files(found))

    def facets(self, where: Filters | None = None) -> Facets:
        """Count dates, cameras, lenses, formats and places among the contents that pass filters.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a filter that makes no sense.
        """
        from imgsearch.storage.facets import facets

        with self._connections.own_snapshot() as store:
            return facets(store, _absolute(where))

    def folders(self, under: str | Path | None = None) -> tuple[Folder, ...]:
        """Return the folders with pictures that lie directly in one; None for the photo folders.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery has nothing there.
        """
        from imgsearch.storage.folder_tree import folders

        with self._connections.own_snapshot() as store:
            return folders(store, None if under is None else paths.absolute(under))

    def not_read(
        self, under: Sequence[Path] = (), *, offset: int = 0, limit: int = 100
    ) -> FilesNotRead:
        """Return some of the files that could not be read, by path.

        Args:
            under: only what lies under one of these folders, if there are any.
            offset: how many to leave out.
            limit: how many at most.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery has nothing under one of the folders.
        """
        from imgsearch.storage.under import Under

        where = _absolute(Filters(under=tuple(under)))
        with self._connections.own_snapshot() as store:
            roots = store.roots()
            within = Under(where.under, store)
            found = [
                (path, root, reason)
                for root in roots
                for path, reason in store.unreadable(root)
                if within.holds(root.id, paths.relative_to(path, root.path) or b"")
            ]
        online = {root.id: root.online for root in roots}
        return FilesNotRead(
            total=len(found),
            files=tuple(
                FileNotRead(path, root.path, reason, offline=not online[root.id])
                for path, root, reason in found[offset : offset + limit]
            ),
        )

    def remarks(self, where: Filters | None = None) -> list[str]:
        """Say what an answer under these filters passes over for want of a value, a line each.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a filter that makes no sense.
        """
        from imgsearch.storage import remarks

        with self._connections.own_snapshot() as store:
            held = self._embeddings_to_query(store)
            lines = remarks.about_filters(store, _absolute(where))
            missing = remarks.about_missing_embeddings(held, held.count())
        return lines if missing is None else [*lines, missing]


def _absolute(where: Filters | None) -> Filters:
    checked = arguments.checked_filters(where)
    return replace(checked, under=tuple(map(paths.absolute, checked.under)))
