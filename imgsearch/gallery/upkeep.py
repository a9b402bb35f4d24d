"""The half of the façade that looks after what a gallery holds."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import ImgsearchError, NoGalleryError
from imgsearch.gallery.recipe_choice import stored_to_query
from imgsearch.storage.embeddings import Embeddings, embeddings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch.gallery.checking import CheckReport
    from imgsearch.gallery.connections import Connections
    from imgsearch.gallery.information import GalleryInformation
    from imgsearch.gallery.maintenance import PruneReport, RelocationReport, RemovalReport
    from imgsearch.gallery.merging import MergeReport
    from imgsearch.indexing.report import UnreadableFile
    from imgsearch.recipe import RecipeRequest
    from imgsearch.search.engine import SearchEngine
    from imgsearch.storage.database import Store

NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


class Upkeep:
    """What `Gallery` is besides indexing and querying; not used by itself."""

    path: Path
    _connections: Connections
    _engine: SearchEngine
    _wanted: str | RecipeRequest | None
    _indexed_under: str | None

    def information(self) -> GalleryInformation:
        """Say what is in the gallery.

        Raises:
            NoGalleryError: there is none.
        """
        from imgsearch.gallery import information

        with self._connections.snapshot() as store:
            return information.information(store, self.path, self._engine)

    def unreadable(self) -> Iterator[UnreadableFile]:
        """Yield the files that could not be decoded, with the reasons, by path.

        Raises:
            NoGalleryError: there is no gallery.
        """
        from imgsearch.indexing.report import UnreadableFile

        # A connection of its own: whoever reads on slowly may query meanwhile.
        with self._connections.own_snapshot() as store:
            for root in store.roots():
                for path, reason in store.unreadable(root):
                    yield UnreadableFile(path, reason)

    def remove(self, *wanted: str | Path, dry_run: bool = False) -> RemovalReport:
        """Take files, folders or whole roots out of the gallery; the photos are not touched.

        Args:
            wanted: their paths.
            dry_run: only count what would go.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            UsageError: a path under which the gallery has nothing.
        """
        from imgsearch.gallery import maintenance

        with self._connections.changing() as store:
            absolute = [paths.absolute(path) for path in wanted]
            report = maintenance.remove(store, absolute, dry_run=dry_run)
            if not dry_run:
                self._refresh_all(store)
            return report

    def prune(self) -> PruneReport:
        """Drop contents that no file holds any more, and old caches; compact the database.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
        """
        from imgsearch.gallery import maintenance

        with self._connections.changing() as store:
            report = maintenance.prune(store, self.path, self._engine)
            self._refresh_all(store)
            return report

    def check(
        self, *, repair: bool = False, drop: bool = False, files: bool = False
    ) -> CheckReport:
        """Name any damage; with `repair`, mend what can be made again.

        Args:
            repair: mend. If more than a few embeddings would be dropped, nothing is changed.
            drop: drop them even so.
            files: read a sample of the files, too, and compare their bytes with what is known.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: a repair while another process is writing.
            GalleryDamagedError: the database cannot even be opened.
        """
        from imgsearch.gallery import checking, file_sampling

        if not repair:
            with self._connections.snapshot() as store:
                findings = checking.check(store, self.path, self._engine)
                sample = file_sampling.draw(store) if files else []
            findings += file_sampling.findings(sample, file_sampling.altered(sample))
            return checking.CheckReport(tuple(findings))
        with self._connections.changing() as store:
            findings = checking.check(store, self.path, self._engine)
            mended = checking.repair(store, self.path, self._engine, findings=findings, drop=drop)
            if files:
                sample = file_sampling.draw(store)
                altered = file_sampling.altered(sample)
                file_sampling.forget(store, altered)
                mended += file_sampling.findings(sample, altered, repaired=True)
            return checking.CheckReport(tuple(mended))

    def relocate(
        self, old: str | Path, new: str | Path, *, dry_run: bool = False
    ) -> RelocationReport:
        """Tell the gallery that a photo folder lies elsewhere now; nothing is embedded again.

        Args:
            old: where it lay.
            new: where it lies now, or will once it is there.
            dry_run: only look which of its files are there.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            UsageError: no folder of the gallery lies at `old`, or `new` overlaps another.
        """
        from imgsearch.gallery import maintenance

        with self._connections.changing() as store:
            places = paths.absolute(old), paths.absolute(new)
            return maintenance.relocate(store, *places, dry_run=dry_run)

    def merge(
        self, *parts: str | Path, any_recipe: bool = False, dry_run: bool = False
    ) -> MergeReport:
        """Take other galleries in: their files, contents, embeddings, regions; nothing is embedded.

        Each is taken in as a whole or not at all, and is only read. Doing it again changes nothing,
        so a merge that was killed is started again. The gallery is made if there is none. One that
        has no regions takes those of the first that has some, with their projection; of the others
        come those of the same projection.

        Args:
            parts: folders of the galleries.
            any_recipe: also those without a recipe in common with this one.
            dry_run: only look what would come in.

        Raises:
            UsageError: none, one twice, or this gallery itself.
            NoGalleryError: one of the folders holds none.
            GalleryLockedError: another process is writing this gallery.
        """
        from imgsearch.gallery import merging
        from imgsearch.regions import joining

        folders = [paths.absolute(part) for part in parts]
        merging.refuse_nonsense(self.path, folders)
        with self._connections.indexing(dry_run=dry_run) as store:
            merged = tuple(
                merging.merge_part(store, folder, any_recipe=any_recipe) for folder in folders
            )
            if not dry_run:
                self._refresh_all(store)
            return merging.MergeReport(merged, dry_run, joining.to_make(store))

    def _refresh_all(self, store: Store) -> None:
        for held in embeddings_of(store, self.path):
            self._refresh(held)

    def _embeddings_to_query(self, store: Store) -> Embeddings:
        stored = store.recipes()
        if not stored:
            raise NoGalleryError(
                f"the gallery in {self.path} is empty: fill it with `imgsearch index FOLDER`"
            )
        wanted = self._wanted if self._wanted is None else self._indexed_under or self._wanted
        return Embeddings(store, self.path, stored_to_query(stored, wanted))

    def _refresh(self, held: Embeddings, *, anyway: bool = False) -> None:
        held = held.renewed()
        if anyway or not self._engine.is_current(held):
            with space_named():
                self._engine.refresh(held)
        self._refresh_regions(held)

    def _refresh_regions(self, held: Embeddings) -> None:
        from imgsearch.regions import cache_files

        stored = held.store.regions_of(held.stored.id)
        if stored is None and not cache_files.caches(held):
            return
        if stored is None or not cache_files.is_current(held, stored):
            from imgsearch.regions import space

            with space_named():
                space.refresh(held)


@contextmanager
def space_named() -> Iterator[None]:
    """Say of a full disk, while a cache is written, that nothing is lost.

    Raises:
        ImgsearchError: in place of an OSError about a full disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise ImgsearchError(
            f"{error.filename or 'the index cache'}: no space left on the disk; all embeddings are "
            "stored, only the index cache is not: free space and run again"
        ) from error
