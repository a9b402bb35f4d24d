"""The pictures of queries, on their way from what was given to embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.errors import UnreadableImageError
from imgsearch.search.query_pictures import (
    GivenImage,
    QueryEmbedding,
    QueryPixels,
    decoded,
    embed_all,
    given,
    read_content,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.images.geometry import CropBox
    from imgsearch.networks.loaded import LoadedNetworks
    from imgsearch.recipe import Recipe
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.storage.embeddings import Embeddings


class AskedPictures:
    """Pictures that are asked about, some of which the gallery may know.

    The gallery is looked into in snapshots as short as a few statements. Between these, files are
    read, decoded and embedded, so that several threads do so side by side. Until all pictures are
    embedded, a writer may remove one that was found: `look` looks again every time.

    Attributes:
        found: what became of each picture, in their order: its embedding, why it cannot be read,
            or None as long as neither is known.
    """

    def __init__(self, images: Iterable[tuple[QueryImage, CropBox | None]]) -> None:
        """Take the pictures, with the part of each that is asked about.

        Raises:
            UsageError: one is no image.
        """
        self.found: list[QueryEmbedding | UnreadableImageError | None] = []
        self._given: list[GivenImage | None] = []
        for image, crop in images:
            try:
                self._given.append(given(image, crop))
                self.found.append(None)
            except UnreadableImageError as error:
                self._given.append(None)
                self.found.append(error)

    def look(self, embeddings: Embeddings) -> bool:
        """Look for the pictures in the gallery; return whether nothing is left to be read.

        Args:
            embeddings: in a snapshot, in which the answer is given if nothing is left.

        Raises:
            UsageError: a vector does not fit the recipe.
        """
        for number, image in enumerate(self._given):
            known = self.found[number]
            if image is not None and (known is None or _is_stored(known)):
                self.found[number] = stored(image, embeddings)
        return None not in self.found

    def read(self, recipe: Recipe, networks: LoadedNetworks) -> None:
        """Read what `look` did not find: words, which content it is, then the pixels.

        Args:
            recipe: of the embeddings.
            networks: asked for what embeds under the recipe, when that is needed.

        Raises:
            UsageError: a crop does not lie within its picture, or words are asked of a recipe
                that has no text encoder.
        """
        self._read_words(recipe, networks)
        waiting: dict[int, QueryPixels] = {}
        for number, image in enumerate(self._given):
            if image is None or self.found[number] is not None:
                continue
            try:
                if image.content is None and image.crop is None:
                    read_content(image)
                else:
                    waiting[number] = decoded(image, recipe)
            except UnreadableImageError as error:
                self.found[number] = error
        embedded = embed_all(list(waiting.values()), networks.of(recipe)) if waiting else []
        for number, embedding in zip(waiting, embedded, strict=True):
            self.found[number] = embedding

    def _read_words(self, recipe: Recipe, networks: LoadedNetworks) -> None:
        said = {
            number: (image.text, image.weight)
            for number, image in enumerate(self._given)
            if image is not None and image.text is not None and self.found[number] is None
        }
        if said:
            rows = networks.text_of(recipe).embed_text([text for text, _ in said.values()])
            for (number, (_, weight)), row in zip(said.items(), rows, strict=True):
                self.found[number] = QueryEmbedding("", weight=weight, embedding=row, is_text=True)


def _is_stored(found: QueryEmbedding | UnreadableImageError) -> bool:
    return isinstance(found, QueryEmbedding) and found.embedding is None
