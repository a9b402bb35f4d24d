"""The gallery: index photos, find similar ones, look after both. The one façade."""

from __future__ import annotations

import logging
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from imgsearch import paths
from imgsearch.addresses import Address
from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.gallery.connections import Connections
from imgsearch.gallery.exchanging import Exchanging
from imgsearch.gallery.explaining import Explaining
from imgsearch.gallery.location import default_gallery_path
from imgsearch.gallery.mapping import MapMaking
from imgsearch.gallery.picture_sets import PictureSets
from imgsearch.gallery.recipe_choice import stored_to_index, with_stored_decoder
from imgsearch.gallery.taking import Taking, Verified
from imgsearch.gallery.tidying import Tidying
from imgsearch.networks import source as networks
from imgsearch.networks.loaded import LoadedNetworks
from imgsearch.recipe import AUTO, RecipeRequest
from imgsearch.search.local_engine import LocalEngine
from imgsearch.services.finding import is_service
from imgsearch.storage.embeddings import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from imgsearch.indexing.executor import Executor
    from imgsearch.indexing.report import IndexOptions, IndexProgress, IndexReport
    from imgsearch.networks.source import EmbedderSource
    from imgsearch.recipe import Recipe
    from imgsearch.search.engine import SearchEngine
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.storage.roots import ScanTarget

LOG: Final = logging.getLogger(__name__)


class Gallery(Exchanging, Explaining, MapMaking, Taking, Tidying):
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
        source: EmbedderSource | None = None,
        engine: SearchEngine | None = None,
        executor: Executor | None = None,
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
            source: where embeddings come from; None for the pretrained networks.
            engine: what searches them; None for cache files beside the database,
                `imgsearch.search.local_engine.LocalEngine(exact=True)` for these, but with every
                query compared with every picture.
            executor: what reads and embeds files for `index`; None for threads of this process,
                `imgsearch.workers.choosing.executor_on("ray://head:10001")` for other machines.
        """
        if isinstance(path, str) and is_service(path):
            raise UsageError(
                "gallery: the address of a search service is no folder; queries of what was "
                "published there are answered by imgsearch.PublishedGallery"
            )
        self.path = paths.absolute(path if path is not None else default_gallery_path())
        self._wanted = None if recipe == AUTO else recipe
        self._indexed_under: str | None = None
        self._projection = projection
        self._offline = offline
        self._networks = LoadedNetworks(source or networks.PretrainedNetworks())
        self._engine: SearchEngine = engine or LocalEngine()
        self._executor = executor
        self._connections = Connections(self.path)
        self._spaces: dict[str, tuple[tuple[int, str], SearchSpace]] = {}
        self._verified = Verified()
        self._sets = PictureSets(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Gallery({str(self.path)!r})"

    def close(self) -> None:
        """Close the database and forget loaded networks and indexes."""
        self._connections.close()
        self._spaces.clear()
        self._regions = None
        self._networks.forget()

    # Indexing

    def index(
        self,
        *folders: str | Path,
        options: IndexOptions | None = None,
        progress: Callable[[IndexProgress], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> IndexReport:
        """Bring the gallery up to date with folders and files; make it when there is none.

        Unchanged files (same size and time) are not read, renamed, moved and copied ones are known
        by their hash and not embedded again. Files that cannot be decoded are recorded with the
        reason and tried again when they change.

        Args:
            folders: folders, searched recursively, files, tars, and addresses such as
                "s3://bucket/photos"; none for all that the gallery knows.
            options: how to go about it.
            progress: told how far the run has come; None shows a bar in a notebook, and nothing
                elsewhere. `lambda _: None` shows none anywhere.
            stop: asked often; True ends the run in good order, with all done so far committed.

        Raises:
            UsageError: a folder that does not exist, or no folder for a new gallery.
            GalleryLockedError: another process is writing the gallery.
            WeightsUnavailableError: the backbone's weights cannot be had.
        """
        # A query needs none of these.
        from imgsearch.gallery.notebook_bar import notebook_bar
        from imgsearch.indexing import fingerprints
        from imgsearch.indexing.advice import hints
        from imgsearch.indexing.local_executor import LocalExecutor
        from imgsearch.indexing.report import IndexOptions
        from imgsearch.indexing.run import IndexRun
        from imgsearch.sources.finding import entered
        from imgsearch.storage.roots import is_absent

        options = options or IndexOptions()
        progress = progress or notebook_bar()
        wanted = [entered(paths.absolute(folder)) for folder in folders]
        first = not self._connections.exists
        recipe = None
        with ExitStack() as stack:
            if first:
                self._check_new(wanted)
                recipe = self._recipe_to_index([], dry_run=options.dry_run)
                stack.enter_context(self._workers(recipe, options, wanted, stop))
            store = stack.enter_context(self._connections.indexing(dry_run=options.dry_run))
            if recipe is None:
                recipe = self._recipe_to_index(store.recipes(), dry_run=options.dry_run)
            if not first:
                online = wanted or [
                    root.path for root in store.roots() if not is_absent(store, root)
                ]
                stack.enter_context(self._workers(recipe, options, online, stop))
            run = IndexRun(
                store,
                self.path,
                options=options,
                progress=progress,
                stop=stop,
                executor=self._executor or LocalExecutor(self._networks.of),
            )
            stored, targets = self._registered(store, recipe, options, wanted)
            held = Embeddings(store, self.path, stored) if stored and not options.dry_run else None
            anew = held is not None and self._engine.choose(
                held, factory=options.index, memory=options.memory
            )
            made = None
            run.scan(targets)
            total = run.compare(stored.id if stored else None)
            if held is not None:
                self._indexed_under = held.identifier
                if total:
                    run.read(held.stored, self._networks.source, total=total)
                run.forget_missing()
                fingerprints.fill_in(store, jobs=options.jobs, progress=progress, stop=stop)
                made = self._make_regions(held, options, progress, stop)
                if run.promote(held.stored):
                    name, decoder = held.stored.recipe.name, held.stored.recipe.decoder
                    LOG.info("recipe: queries now use %s, decoding rules %d", name, decoder)
                self._refresh(held, anyway=anew)
            elif options.regions:
                self._tell_cost(store, stored, lacking=total)
            report = run.report(recipe, targets, first=first)
            if made is not None:
                report = report.with_regions(made.images, stopped=made.stopped)
            return replace(report, hints=tuple(hints(store, report, wanted=self._wanted)))

    def _registered(
        self,
        store: Store,
        recipe: Recipe | None,
        options: IndexOptions,
        wanted: Sequence[Path],
    ) -> tuple[StoredRecipe | None, list[ScanTarget]]:
        """Note the share, the recipe and the folders; return the recipe's row, and what to scan."""
        from imgsearch.indexing.shards import remembered
        from imgsearch.storage.roots import register

        with store.transaction():
            remembered(store, options.shard)
            stored = store.add_recipe(recipe) if recipe else None
            targets = register(
                store,
                wanted,
                exclude=options.exclude,
                follow_symlinks=options.follow_symlinks,
            )
            if stored is not None and options.regions_like is not None:
                self._follow_regions(store, stored, options.regions_like)
        return stored, targets

    def _workers(
        self,
        recipe: Recipe | None,
        options: IndexOptions,
        folders: Sequence[Path],
        stop: Callable[[], bool] | None,
    ) -> AbstractContextManager[None]:
        """Have the executor's workers, if it needs any, before anything is written."""
        from imgsearch.indexing.executor import EmbeddingJob, HasWorkers

        if recipe is None or options.dry_run or not isinstance(self._executor, HasWorkers):
            return nullcontext()
        job = EmbeddingJob.of(options, recipe, self._networks.source)
        # Of files that were named, the folders: of a list of thousands these are few.
        kept = dict.fromkeys(path.parent if path.is_file() else path for path in folders)
        return self._executor.workers(job, list(kept), stop=stop or (lambda: False))

    def _check_new(self, wanted: Sequence[Path]) -> None:
        if not wanted:
            raise NoGalleryError(
                f"no gallery in {self.path}: make one with `imgsearch index FOLDER`, or name "
                "another with --gallery"
            )
        for path in wanted:
            if not isinstance(path, Address) and not path.exists():
                raise UsageError(f"{path}: no such file or folder")

    def _recipe_to_index(self, stored: Sequence[StoredRecipe], *, dry_run: bool) -> Recipe | None:
        chosen = stored_to_index(stored, self._wanted)
        if chosen.known is not None or dry_run:
            return chosen.known
        resolved = self._networks.source.resolve(chosen.request, offline=self._offline)
        recipe = with_stored_decoder(resolved, stored, chosen.request)
        if all(item.recipe != recipe for item in stored):
            # A network that cannot be loaded must not become a gallery's recipe.
            self._networks.of(recipe)
        return recipe
