"""The gallery: index photos, find similar ones, look after both. The one façade."""

from __future__ import annotations

import os
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from imgsearch import paths
from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.gallery.recipe_choice import choose_stored, find_stored, stored_to_query
from imgsearch.indexing.advice import hints
from imgsearch.indexing.report import IndexOptions
from imgsearch.networks import source as networks
from imgsearch.recipe import AUTO, RecipeRequest
from imgsearch.search.cache_files import cache_files, cache_path, lists_are_there
from imgsearch.search.query_pictures import embed_query
from imgsearch.storage.database import Store
from imgsearch.storage.filters import Filters
from imgsearch.storage.roots import register
from imgsearch.storage.sqlite_errors import DATABASE, translated_errors
from imgsearch.storage.writer_lock import writer_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imgsearch.gallery.checking import CheckReport
    from imgsearch.gallery.exporting import ExportFormat, ExportReport
    from imgsearch.gallery.information import GalleryInformation
    from imgsearch.gallery.maintenance import PruneReport, RelocationReport, RemovalReport
    from imgsearch.images.geometry import CropBox
    from imgsearch.indexing.report import IndexProgress, IndexReport, UnreadableFile
    from imgsearch.networks.source import EmbedderSource, EmbedsImages, Notify
    from imgsearch.recipe import Recipe
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.query_pictures import QueryEmbedding, QueryImage
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.records import StoredRecipe


def default_gallery_path() -> Path:
    """Return `IMGSEARCH_GALLERY`, or a folder of the platform's for the user's data."""
    named = os.environ.get("IMGSEARCH_GALLERY")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("imgsearch", appauthor=False) / "gallery"


class Gallery:
    """A collection of photos that can be searched by similarity.

    A gallery is a folder that holds `gallery.db` and disposable caches; the photos stay where
    they are. Use it as a context manager, or close it.

    >>> gallery = Gallery("holidays.gallery", recipe="compact")  # doctest: +SKIP
    >>> gallery.index("~/Photos")  # doctest: +SKIP
    >>> for match in gallery.query("sunset.jpg", k=5):  # doctest: +SKIP
    ...     print(f"{match.score:.3f}  {match.path}")
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        recipe: str | RecipeRequest | None = None,
        projection: str = AUTO,
        offline: bool = False,
        notify: Notify | None = None,
        source: EmbedderSource | None = None,
    ) -> None:
        """Name a gallery; nothing is read or made yet.

        Args:
            path: its folder; None for `default_gallery_path()`.
            recipe: what to index with, or which recipe to query: a backbone's name, the first
                digits of a stored recipe's identifier, or a request with every detail. None
                takes the gallery's primary recipe, and "auto" for a new gallery.
            projection: what queries search: "auto", "none", "centred", "DIM", "DIM:POWER" or
                "DIM:POWER:SHRINKAGE".
            offline: never download weights.
            notify: told in one line each what is worth saying, such as which backbone was
                chosen and why.
            source: where embeddings come from; None for the pretrained networks.
        """
        self.path = paths.absolute(path if path is not None else default_gallery_path())
        self._wanted = None if recipe == AUTO else recipe
        self._indexed_under: str | None = None
        self._projection = projection
        self._offline = offline
        self._notify: Notify = notify or (lambda _: None)
        self._source: EmbedderSource = source or networks.PretrainedNetworks()
        self._reader: Store | None = None
        self._opening = threading.Lock()
        self._space: tuple[str, SearchSpace] | None = None
        self._embedders: dict[str, EmbedsImages] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Gallery({str(self.path)!r})"

    def close(self) -> None:
        """Close the database and forget loaded networks and indexes."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._space = None
        self._embedders.clear()

    # Indexing

    def index(
        self,
        *folders: str | Path,
        options: IndexOptions | None = None,
        progress: Callable[[IndexProgress], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> IndexReport:
        """Bring the gallery up to date with folders and files; make it when there is none.

        Unchanged files (same size and time) are not read. A file that was renamed, moved or
        copied is known by its hash and not embedded again. Files that cannot be decoded are
        recorded with the reason and tried again when they change.

        Args:
            folders: folders, searched recursively, and files; none for every folder that the
                gallery knows.
            options: how to go about it.
            progress: told how far the run has come.
            stop: asked often; True ends the run in good order, with all done so far committed.

        Raises:
            UsageError: a folder that does not exist, or no folder for a new gallery.
            GalleryLockedError: another process is writing the gallery.
            WeightsUnavailableError: the backbone's weights cannot be had.
        """
        from imgsearch.indexing.run import IndexRun

        options = options or IndexOptions()
        wanted = [paths.absolute(folder) for folder in folders]
        first = not (self.path / DATABASE).is_file()
        recipe = None
        if first:
            self._check_new(wanted)
            recipe = self._recipe_to_index([], dry_run=options.dry_run)
        with self._index_store(first=first, dry_run=options.dry_run) as store:
            if recipe is None:
                recipe = self._recipe_to_index(store.recipes(), dry_run=options.dry_run)
            run = IndexRun(store, self.path, options=options, progress=progress, stop=stop)
            with store.transaction():
                stored = store.add_recipe(recipe) if recipe else None
                targets = register(
                    store,
                    wanted,
                    exclude=options.exclude,
                    follow_symlinks=options.follow_symlinks,
                )
            refresh = self._choose_index(store, stored, options)
            run.scan(targets)
            total = run.compare(stored.id if stored else None)
            if not options.dry_run and stored is not None:
                self._indexed_under = stored.recipe.identifier
                if total:
                    run.read(stored, lambda: self._embedder(stored.recipe), total=total)
                run.forget_missing()
                run.promote(stored)
                self._refresh(store, stored.recipe, anyway=refresh)
            report = run.report(recipe, targets, first=first)
            return replace(report, hints=tuple(hints(store, report)))

    @contextmanager
    def _index_store(self, *, first: bool, dry_run: bool) -> Iterator[Store]:
        if first and dry_run:
            store = Store.in_memory()
            yield store
            store.close()
            return
        with self._writing() as store:
            if dry_run:
                with store.transaction(dry_run=True):
                    yield store
            else:
                yield store

    @contextmanager
    def _writing(self) -> Iterator[Store]:
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path}: a gallery is a folder, and this is a file")
        self.path.mkdir(parents=True, exist_ok=True)
        with writer_lock(self.path), translated_errors(self.path):
            store = Store.create(self.path)
            try:
                yield store
            finally:
                store.close()

    def _check_new(self, wanted: Sequence[Path]) -> None:
        if not wanted:
            raise NoGalleryError(
                f"no gallery in {self.path}: make one with `imgsearch index FOLDER`, or name "
                "another with --gallery"
            )
        for path in wanted:
            if not path.exists():
                raise UsageError(f"{path}: no such file or folder")

    def _recipe_to_index(self, stored: Sequence[StoredRecipe], *, dry_run: bool) -> Recipe | None:
        if self._wanted is None and stored:
            return stored[0].recipe
        if isinstance(self._wanted, RecipeRequest):
            request = self._wanted
        else:
            known = find_stored(stored, self._wanted) if self._wanted else None
            if known is not None:
                return known.recipe
            request = RecipeRequest(backbone=self._wanted or AUTO)
        known = choose_stored(stored, request)
        if known is not None or dry_run:
            return known.recipe if known else None
        recipe = self._source.resolve(request, offline=self._offline, notify=self._notify)
        if all(item.recipe != recipe for item in stored):
            # A network that cannot be loaded must not become a gallery's recipe.
            self._embedder(recipe)
        return recipe

    def _choose_index(
        self, store: Store, stored: StoredRecipe | None, options: IndexOptions
    ) -> bool:
        if stored is None or options.dry_run or (options.index, options.memory) == (None, None):
            return False
        from imgsearch.search.search_space import choose_index

        return choose_index(store, stored.recipe.dim, factory=options.index, memory=options.memory)

    def _refresh(self, store: Store, recipe: Recipe, *, anyway: bool = False) -> None:
        stored = next(item for item in store.recipes() if item.recipe == recipe)
        identifier = stored.recipe.identifier
        caches = [cache.path for cache in cache_files(self.path) if cache.recipe == identifier]
        whole = caches == [cache_path(self.path, stored)] and lists_are_there(caches[0])
        if whole and not anyway:
            return  # nothing changed, and FAISS need not be imported to find that out
        from imgsearch.search.search_space import refresh_cache

        refresh_cache(store, self.path, stored)

    def _embedder(self, recipe: Recipe) -> EmbedsImages:
        if recipe.identifier not in self._embedders:
            self._embedders[recipe.identifier] = self._source.load(recipe, notify=self._notify)
        return self._embedders[recipe.identifier]

    # Searching

    def query(
        self,
        *pictures: QueryImage,
        k: int = 10,
        minus: Sequence[QueryImage] = (),
        crop: CropBox | None = None,
        where: Filters | None = None,
        min_score: float | None = None,
        include_self: bool = False,
        expand: Expansion | None = None,
    ) -> list[Match]:
        """Return the pictures that look most like the given ones.

        Several pictures ask for what is near the mean of their embeddings. A picture that the
        gallery holds is neither decoded nor embedded again, and is left out of the answer.

        Args:
            pictures: paths of images, or the bytes of image files; one at least.
            k: how many matches, as far as there are so many.
            minus: images to stay away from.
            crop: the part of the pictures that is asked about.
            where: what matches must be besides similar.
            min_score: the least score of a match.
            include_self: do not leave out the pictures asked about.
            expand: move the question towards its own first matches before it is answered, as
                `imgsearch.search.answering.expand` does; the pictures asked about and filters
                have no say in these. None asks as it is.

        Raises:
            NoGalleryError: there is no gallery.
            UnreadableImageError: a picture that cannot be read.
            UnknownRecipeError: a recipe that the gallery does not hold.
            UsageError: an argument that makes no sense.
        """
        from imgsearch.search import answering

        if not pictures:
            raise UsageError("query: no picture given; name an image file")
        store = self._reading()
        with translated_errors(self.path), store.snapshot():
            stored = self._recipe_to_query(store)
            space = self._open_space(store, stored)

            def embed(picture: QueryImage, part: CropBox | None = None) -> QueryEmbedding:
                return embed_query(
                    picture,
                    part,
                    store=store,
                    stored=stored,
                    embedder=lambda: self._embedder(stored.recipe),
                )

            asked = [embed(picture, crop) for picture in pictures]
            avoided = [embed(picture) for picture in minus]
            vector = space.combine(
                np.stack([picture.embedding for picture in asked]),
                np.stack([picture.embedding for picture in avoided]) if avoided else None,
            )
            if not vector.any():
                raise UsageError(
                    "query: the pictures asked about and those to stay away from cancel out"
                )
            own = {p.content_id for p in asked + avoided if p.content_id is not None}
            question = answering.Question(
                vector=vector,
                k=k,
                where=_with_absolute_paths(where or Filters()),
                min_score=min_score,
                excluded=tuple(sorted(own)),
            )
            if expand is not None:
                question = answering.expand(store, space, question, stored=stored, expansion=expand)
            if include_self:
                question = replace(question, excluded=())
            return answering.answer(store, space, question)

    def _reading(self) -> Store:
        with self._opening:
            if self._reader is None:
                self._reader = Store.open(self.path)
            return self._reader

    def _recipe_to_query(self, store: Store) -> StoredRecipe:
        stored = store.recipes()
        if not stored:
            raise NoGalleryError(
                f"the gallery in {self.path} is empty: fill it with `imgsearch index FOLDER`"
            )
        wanted = self._wanted if self._wanted is None else self._indexed_under or self._wanted
        return stored_to_query(stored, wanted)

    def _open_space(self, store: Store, stored: StoredRecipe) -> SearchSpace:
        from imgsearch.search.search_space import open_space
        from imgsearch.vectors.projection_choice import ProjectionChoice

        key = stored.recipe.identifier
        if self._space and self._space[0] == key:
            space = self._space[1]
            if space.generation == stored.generation:
                return space
        choice = ProjectionChoice.parse(self._projection)
        space = open_space(store, self.path, stored, choice, notify=self._notify)
        self._space = (key, space)
        return space

    # Looking after it

    def information(self) -> GalleryInformation:
        """Say what is in the gallery.

        Raises:
            NoGalleryError: there is none.
        """
        from imgsearch.gallery import information

        store = self._reading()
        with translated_errors(self.path), store.snapshot():
            return information.information(store, self.path)

    def unreadable(self) -> Iterator[UnreadableFile]:
        """Yield the files that could not be decoded, with the reasons, by path.

        Raises:
            NoGalleryError: there is no gallery.
        """
        from imgsearch.indexing.report import UnreadableFile

        # A connection of its own: whoever reads on slowly may query meanwhile.
        with closing(Store.open(self.path)) as store, store.snapshot():
            for root in store.roots():
                for path, reason in store.unreadable(root):
                    yield UnreadableFile(path, reason)

    def remove(self, *wanted: str | Path) -> RemovalReport:
        """Take files, folders or whole roots out of the gallery; the photos are not touched.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            UsageError: a path under which the gallery has nothing.
        """
        from imgsearch.gallery import maintenance

        with self._changing() as store:
            report = maintenance.remove(store, [paths.absolute(path) for path in wanted])
            self._refresh_all(store)
            return report

    def prune(self) -> PruneReport:
        """Drop contents that no file holds any more, and old caches; compact the database.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
        """
        from imgsearch.gallery import maintenance

        with self._changing() as store:
            report = maintenance.prune(store, self.path)
            self._refresh_all(store)
            return report

    def check(self, *, repair: bool = False) -> CheckReport:
        """Name any damage; with `repair`, mend what can be made again.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: a repair while another process is writing.
            GalleryDamagedError: the database cannot even be opened.
        """
        from imgsearch.gallery import checking

        if not repair:
            store = self._reading()
            with translated_errors(self.path), store.snapshot():
                return checking.CheckReport(tuple(checking.check(store, self.path)))
        with self._changing() as store:
            findings = checking.check(store, self.path)
            return checking.CheckReport(tuple(checking.repair(store, self.path, findings)))

    def relocate(self, old: str | Path, new: str | Path) -> RelocationReport:
        """Tell the gallery that a photo folder lies elsewhere now; nothing is embedded again.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            UsageError: no folder of the gallery lies at `old`, or `new` overlaps another.
        """
        from imgsearch.gallery import maintenance

        with self._changing() as store:
            return maintenance.relocate(store, paths.absolute(old), paths.absolute(new))

    def export(
        self,
        folder: str | Path,
        *,
        format: ExportFormat = "npy",  # noqa: A002 - the word that users type
        overwrite: bool = False,
    ) -> ExportReport:
        """Write the raw embeddings and what is known of each picture, for other programs.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the folder holds an export already.
            MissingExtraError: Parquet without the extra.
        """
        from imgsearch.gallery import exporting

        store = self._reading()
        with translated_errors(self.path), store.snapshot():
            stored = self._recipe_to_query(store)
            return exporting.export(
                store, stored, paths.absolute(folder), format=format, overwrite=overwrite
            )

    @contextmanager
    def _changing(self) -> Iterator[Store]:
        if not (self.path / DATABASE).is_file():
            Store.open(self.path)  # raises what a reader would be told
        with self._writing() as store:
            yield store

    def _refresh_all(self, store: Store) -> None:
        for stored in store.recipes():
            self._refresh(store, stored.recipe)


def _with_absolute_paths(where: Filters) -> Filters:
    return replace(where, under=tuple(paths.absolute(path) for path in where.under))
