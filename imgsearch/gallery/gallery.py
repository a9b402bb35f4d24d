"""The gallery: index photos, find similar ones, look after both. The one façade."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from imgsearch import paths
from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.gallery.connections import Connections
from imgsearch.gallery.location import default_gallery_path
from imgsearch.gallery.recipe_choice import stored_to_index
from imgsearch.gallery.upkeep import Upkeep
from imgsearch.networks import source as networks
from imgsearch.networks.loaded import LoadedNetworks
from imgsearch.recipe import AUTO, RecipeRequest
from imgsearch.search.local_engine import LocalEngine
from imgsearch.search.query_pictures import embed_query, ids_held, query_vector
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.filters import Filters
from imgsearch.storage.sqlite_errors import translated_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox
    from imgsearch.indexing.executor import Executor
    from imgsearch.indexing.report import IndexOptions, IndexProgress, IndexReport
    from imgsearch.networks.source import EmbedderSource
    from imgsearch.recipe import Recipe
    from imgsearch.search.engine import SearchEngine
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.query_pictures import QueryEmbedding, QueryImage
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.records import StoredRecipe


class Gallery(Upkeep):
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
            engine: what searches them; None for cache files beside the database.
            executor: what reads and embeds files for `index`; None for threads of this process.
        """
        self.path = paths.absolute(path if path is not None else default_gallery_path())
        self._wanted = None if recipe == AUTO else recipe
        self._indexed_under: str | None = None
        self._projection = projection
        self._offline = offline
        self._networks = LoadedNetworks(source or networks.PretrainedNetworks())
        self._engine: SearchEngine = engine or LocalEngine()
        self._executor = executor
        self._connections = Connections(self.path)
        self._space: tuple[str, SearchSpace] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Gallery({str(self.path)!r})"

    def close(self) -> None:
        """Close the database and forget loaded networks and indexes."""
        self._connections.close()
        self._space = None
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
        # A query needs none of these.
        from imgsearch.indexing.advice import hints
        from imgsearch.indexing.local_executor import LocalExecutor
        from imgsearch.indexing.report import IndexOptions
        from imgsearch.indexing.run import IndexRun
        from imgsearch.storage.roots import register

        options = options or IndexOptions()
        wanted = [paths.absolute(folder) for folder in folders]
        first = not self._connections.exists
        recipe = None
        if first:
            self._check_new(wanted)
            recipe = self._recipe_to_index([], dry_run=options.dry_run)
        with self._connections.indexing(dry_run=options.dry_run) as store:
            if recipe is None:
                recipe = self._recipe_to_index(store.recipes(), dry_run=options.dry_run)
            run = IndexRun(
                store,
                self.path,
                options=options,
                progress=progress,
                stop=stop,
                executor=self._executor or LocalExecutor(self._networks.of),
            )
            with store.transaction():
                stored = store.add_recipe(recipe) if recipe else None
                targets = register(
                    store,
                    wanted,
                    exclude=options.exclude,
                    follow_symlinks=options.follow_symlinks,
                )
            held = Embeddings(store, self.path, stored) if stored and not options.dry_run else None
            anew = held is not None and self._engine.choose(
                held, factory=options.index, memory=options.memory
            )
            run.scan(targets)
            total = run.compare(stored.id if stored else None)
            if held is not None:
                self._indexed_under = held.identifier
                if total:
                    run.read(held.stored, self._networks.source, total=total)
                run.forget_missing()
                run.promote(held.stored)
                self._refresh(held, anyway=anew)
            report = run.report(recipe, targets, first=first)
            return replace(report, hints=tuple(hints(store, report, wanted=self._wanted)))

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
        chosen = stored_to_index(stored, self._wanted)
        if chosen.known is not None or dry_run:
            return chosen.known
        recipe = self._networks.source.resolve(chosen.request, offline=self._offline)
        if all(item.recipe != recipe for item in stored):
            # A network that cannot be loaded must not become a gallery's recipe.
            self._networks.of(recipe)
        return recipe

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
        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)

        def embed(picture: QueryImage, part: CropBox | None = None) -> QueryEmbedding:
            with translated_errors(self.path):
                return embed_query(
                    picture, part, embeddings=held, network=lambda: self._networks.of(held.recipe)
                )

        asked = [embed(picture, crop) for picture in pictures]
        avoided = [embed(picture) for picture in minus]
        with self._connections.snapshot():
            held = held.renewed()
            space = self._open_space(held)
            question = answering.Question(
                vector=query_vector(space, asked, avoided),
                k=k,
                where=_with_absolute_paths(where or Filters()),
                min_score=min_score,
                excluded=ids_held(held, asked + avoided),
            )
            if expand is not None:
                question = answering.expand(held, space, question, expansion=expand)
            if include_self:
                question = replace(question, excluded=())
            return answering.answer(held, space, question)

    def image(self, content: str, *, longest: int = 1024) -> NDArray[np.uint8]:
        """Return an image of the gallery for showing it: upright, in sRGB, alpha over white.

        Args:
            content: SHA-256 of the bytes, 64 hexadecimal digits, as `Match.content` has it.
            longest: of the longer side, in pixels; an image is never enlarged.

        Returns:
            Shape (height, width, 3), uint8, RGB.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery holds no such content.
            UnreadableImageError: no file that holds it is there and as it was.
        """
        from imgsearch.gallery.originals import read_content
        from imgsearch.images.loading import display

        with self._connections.snapshot() as store:
            files = store.files_holding(content)
        return display(read_content(content, files), longest=longest)

    def _open_space(self, held: Embeddings) -> SearchSpace:
        known, space = self._space or ("", None)
        if space is None or known != held.identifier or space.generation != held.generation:
            space = self._engine.open(held, self._projection)
            self._space = (held.identifier, space)
        return space


def _with_absolute_paths(where: Filters) -> Filters:
    return replace(where, under=tuple(paths.absolute(path) for path in where.under))
