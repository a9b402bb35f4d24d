"""A gallery that was published to a search service, and is asked there."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn, Self

from imgsearch import paths
from imgsearch.addresses import Address
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.questioning import Questioning
from imgsearch.gallery.recipe_choice import stored_to_query
from imgsearch.networks import source as networks
from imgsearch.networks.loaded import LoadedNetworks
from imgsearch.search.published_rows import PublishedRows
from imgsearch.search.published_space import PublishedSpace
from imgsearch.search.query_pictures import given, read_content
from imgsearch.services.finding import open_service
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.records import StoredRecipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.networks.source import EmbedderSource
    from imgsearch.recipe import Recipe
    from imgsearch.search.asked_pictures import AskedPictures
    from imgsearch.search.matches import Match
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.search.query_pictures import QueryEmbedding
    from imgsearch.services.protocol import Collection, SearchService
    from imgsearch.storage.filters import Filters

LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedInformation:
    """What is in a collection.

    Attributes:
        address: without credentials.
        engine: such as "PostgreSQL 18.6, pgvector 0.8.6".
        index: such as "exact" or "hnsw".
        bytes: what it takes at the server, or None where the engine does not say.
        recipe: of the embeddings.
        projection: version of what they went through, or "none".
        dim: length of the vectors that are searched.
        generation: of the recipe in the gallery, when it was published.
        published: when, in UTC.
        contents: how many different contents there are.
        files: how many files hold them.
        roots: the photo folders.
    """

    address: str
    engine: str
    index: str
    bytes: int | None
    recipe: Recipe
    projection: str
    dim: int
    generation: int
    published: str
    contents: int
    files: int
    roots: tuple[Path, ...]


class PublishedGallery(Questioning):
    """What `imgsearch publish` has sent to a search service; it answers as the gallery does.

    A query needs the address and the network, not the gallery's folder. Use it as a context
    manager, or close it. Threads may share it, and take turns at the service.

    >>> with PublishedGallery("postgresql://host/db/photos") as published:  # doctest: +SKIP
    ...     for match in published.query("sunset.jpg", k=5):
    ...         print(f"{match.score:.3f}  {match.path}")
    """

    def __init__(
        self,
        address: str,
        *,
        recipe: str | None = None,
        source: EmbedderSource | None = None,
    ) -> None:
        """Name a collection; nothing is asked of the service yet.

        Args:
            address: such as "postgresql://host:5432/DATABASE/COLLECTION". Credentials come from
                the environment or a file.
            recipe: the one that has to be there, by the first digits of its identifier or its
                backbone's name; None for any.
            source: where embeddings of queries come from; None for the pretrained networks.

        Raises:
            UsageError: no address of a search service, or one that holds a password.
            MissingExtraError: the package that talks to it is not installed.
        """
        self._service: SearchService = open_service(address)
        self.path = Address(self._service.address)
        self._wanted = recipe
        self._networks = LoadedNetworks(source or networks.PretrainedNetworks())
        self._remarked: tuple[int, Filters] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PublishedGallery({self._service.address!r})"

    def close(self) -> None:
        """Leave the service and forget loaded networks."""
        self._service.close()
        self._networks.forget()

    def information(self) -> PublishedInformation:
        """Say what is in the collection, and what the server says of itself.

        Raises:
            NoGalleryError: nothing has been published at the address.
            ServiceError: the server does not answer or refuses.
        """
        with self._service.reading() as collection:
            known = collection.description
        health = self._service.health()
        return PublishedInformation(
            address=self._service.address,
            engine=health.engine,
            index=health.index,
            bytes=health.bytes,
            recipe=known.recipe,
            projection="none" if known.projection is None else known.projection.version,
            dim=known.dim,
            generation=known.generation,
            published=known.published,
            contents=known.count,
            files=known.files,
            roots=tuple(paths.decode(root.path) for root in known.roots),
        )

    def takes_words(self) -> bool:
        """Say whether queries may be `Words`: of a recipe with a text encoder, unprojected.

        Raises:
            NoGalleryError: nothing has been published at the address.
            ServiceError: the server does not answer or refuses.
        """
        with self._service.reading() as collection:
            known = collection.description
        return known.recipe.text is not None and known.projection is None

    def with_kinds(self, picture: QueryImage, matches: Iterable[Match]) -> list[Match]:
        """Return a query's matches, those with the same bytes as the picture as "identical".

        Copies and edits are not told: what shows them stays in the gallery.
        """
        asked = given(picture, None)
        try:
            read_content(asked)
        except UnreadableImageError:
            return list(matches)
        return [
            replace(match, kind="identical") if match.content == asked.content else match
            for match in matches
        ]

    def image(self, content: str, *, longest: int = 1024) -> NDArray[np.uint8]:
        """Return an image for showing it, from one of its files, where this machine has that.

        Args:
            content: SHA-256 of the bytes, 64 hexadecimal digits, as `Match.content` has it.
            longest: of the longer side, in pixels; an image is never enlarged.

        Returns:
            Shape (height, width, 3), uint8, RGB.

        Raises:
            UsageError: the collection holds no such content.
            NotThereError: no file that holds it is there and as it was.
            UnreadableImageError: it can no longer be decoded.
        """
        from imgsearch.images.loading import display
        from imgsearch.search.originals import read_content as read_original

        longest = arguments.whole_number("longest", longest)
        with self._service.reading() as collection:
            files = PublishedRows.of(collection).files_holding(content)
        return display(read_original(content, files), longest=longest)

    def _held(self, collection: Collection) -> Embeddings:
        """Return what the collection holds, as the rows of a gallery.

        Raises:
            UnknownRecipeError: a recipe that it is not of.
        """
        known = collection.description
        stored = StoredRecipe(1, known.recipe, primary=True, generation=known.generation)
        stored_to_query([stored], self._wanted)
        return Embeddings(PublishedRows.of(collection), self.path, stored)

    @contextmanager
    def _embedded(self, asked: AskedPictures, where: Filters) -> Iterator[Embeddings]:
        while True:
            with self._service.reading() as collection:
                held = self._held(collection)
                self._remark(collection, where)
                if asked.look(held):
                    yield held
                    return
            asked.read(held.recipe, self._networks)

    def _space_for(self, held: Embeddings, pictures: Iterable[QueryEmbedding]) -> PublishedSpace:
        rows = held.store
        assert isinstance(rows, PublishedRows)  # noqa: S101 - `_held` made them
        known = rows.collection.description
        if known.projection is not None and any(picture.is_text for picture in pictures):
            raise UsageError(
                "text: words are compared with the embeddings themselves, and the collection holds "
                "projected ones; publish to another address with --projection none"
            )
        return PublishedSpace(rows.collection, rows)

    def _parts_of(self, *_: object) -> NoReturn:
        raise UsageError(
            "anywhere: parts of pictures are not published; ask the gallery's folder for them"
        )

    def _remark(self, collection: Collection, where: Filters) -> None:
        """Log what filters leave out, once for as long as neither they nor the state change."""
        from imgsearch.search.published_remarks import about_filters

        asked = (collection.description.generation, where)
        if asked != self._remarked:
            for line in about_filters(collection, where):
                LOG.info(line)
            self._remarked = asked
