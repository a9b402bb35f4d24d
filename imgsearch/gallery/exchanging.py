"""The part of the façade that gives embeddings to other programs, and takes theirs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.gallery.asking import Asking
from imgsearch.gallery.recipe_choice import stored_to_index
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from imgsearch.exchange.exporting import ExportReport
    from imgsearch.exchange.importing import ImportReport
    from imgsearch.exchange.layouts import Layout
    from imgsearch.exchange.parts import FoundEmbeddings
    from imgsearch.gallery.publishing import PublishReport
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.storage.records import StoredRecipe

DEFAULT_NAME: Final = "imported"


class Exchanging(Asking):
    """What `Gallery` can do with other programs' embeddings; not used by itself."""

    _offline: bool

    def export(
        self, folder: str | Path, *, layout: Layout = "npy", overwrite: bool = False
    ) -> ExportReport:
        """Write the raw embeddings and what is known of each picture, for other programs.

        Args:
            folder: made when it is not there.
            layout: "npy" (an array, and a JSON Lines file), "parquet" (one table) or
                "clip-retrieval" (an array and a table, as that program lays them out).
            overwrite: replace an earlier export.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the folder holds an export already, or no such layout.
            MissingExtraError: a table in Parquet without the extra.
        """
        from imgsearch.exchange import exporting

        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            return exporting.export(
                held, paths.absolute(folder), layout=layout, overwrite=overwrite
            )

    def publish(
        self,
        address: str,
        *,
        replacing: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> PublishReport:
        """Send what queries search to a search service; of what is there, only what has changed.

        Readers see the collection as it was until all has been sent, and then as it is; a publish
        that was killed is run again, and sends the rest. `PublishedGallery` asks the collection.

        Args:
            address: such as "postgresql://host:5432/DATABASE/COLLECTION". Credentials come from
                the environment or a file.
            replacing: also where the collection is of another gallery or recipe.
            progress: told how many contents of how many have been looked at.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: no address of a search service, one that holds a password, or a collection
                of another gallery or recipe.
            MissingExtraError: the package that talks to the service is not installed.
            GalleryLockedError: another publish to the collection is running.
            ServiceError: the server does not answer or refuses.
        """
        from imgsearch.gallery.publishing import publish
        from imgsearch.services.finding import open_service

        with (
            closing(open_service(address)) as service,
            self._connections.own_snapshot() as store,
        ):
            held = self._embeddings_to_query(store)
            space = self._open_space(held)
            return publish(held, space, service, replacing=replacing, progress=progress)

    def import_embeddings(
        self,
        embeddings: str | Path,
        *,
        listing: str | Path | None = None,
        folder: str | Path | None = None,
        name: str | None = None,
        dry_run: bool = False,
    ) -> ImportReport:
        """Take embeddings in that were made elsewhere; nothing is embedded.

        They are searched under a recipe of their own: that of the network which the gallery was
        opened with (`Gallery(path, recipe=...)`) and which then embeds new pictures, too; else the
        one that an export of imgsearch's names; else one of the given name, under which only
        pictures of the gallery can be asked about.

        Pictures that are there are read once, for what is known of them. The gallery is made if
        there is none. Doing it again changes nothing.

        Args:
            embeddings: a `.npy` or `.parquet` file, or a folder that `export` or clip-retrieval
                wrote.
            listing: says whose each row is: `.csv`, `.tsv`, `.jsonl`, `.parquet`, or `.txt` with a
                path on each line; None looks for it beside the embeddings.
            folder: what relative paths are relative to; None for the folder of the embeddings.
            name: of the embeddings; equal names say that they are comparable.
            dry_run: only look what would come in.

        Raises:
            UsageError: files that are not there, or whose rows make no sense.
            RecipeMismatchError: embeddings that the network named did not make.
            MissingExtraError: Parquet without the extra.
            GalleryLockedError: another process is writing this gallery.
        """
        from imgsearch.exchange import parts
        from imgsearch.exchange.importing import Importer

        if name is not None and self._wanted is not None:
            raise UsageError("import: either the name of the embeddings, or their network")
        found = parts.find(
            paths.absolute(embeddings), None if listing is None else paths.absolute(listing)
        )
        importer = Importer(found, folder=None if folder is None else paths.absolute(folder))
        with self._connections.indexing(dry_run=dry_run) as store:
            with store.transaction():
                recipe, network = self._recipe_of(found, store.recipes(), name, dim=importer.dim)
                report = importer.put(store, recipe, network=network)
            if not dry_run:
                self._refresh_all(store)
        return replace(report, dry_run=dry_run)

    def _recipe_of(
        self, found: FoundEmbeddings, stored: Sequence[StoredRecipe], name: str | None, *, dim: int
    ) -> tuple[Recipe, Callable[[], EmbedsImages] | None]:
        """Return the recipe of what was found, and the network if that was named by a person."""
        if self._wanted is not None:
            chosen = stored_to_index(stored, self._wanted)
            recipe = chosen.known or self._networks.source.resolve(
                chosen.request, offline=self._offline
            )
            return recipe, lambda: self._networks.of(recipe)
        if name is None and found.recipe is not None:
            return found.recipe, None
        return Recipe.imported(name or DEFAULT_NAME, dim), None
