"""The embedding of a query's picture, from the gallery where that knows it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgsearch import paths
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.search.known_files import indexed, places_of
from imgsearch.search.query_inputs import HeldContent, Part, Weighted, Words, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox, Size
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.storage.embeddings import Embeddings


@dataclass(slots=True, eq=False)
class GivenImage:
    """What a query was given as an image.

    Attributes:
        weight: how much it counts beside others.
        crop: the part that is asked about; None for all.
        path: of a file, as it was named; None for what is no file.
        places: where the file lies, itself and what it is a link to.
        data: the bytes of a file, as far as they have been read.
        content: their SHA-256, 64 hexadecimal digits, likewise.
        vector: an embedding that stands for an image.
        text: words that stand for an image.
        named: whether the content itself was asked about, rather than bytes or a file.
        files: of the gallery, which hold the content that was named.
    """

    weight: float
    crop: CropBox | None
    path: Path | None = None
    places: frozenset[Path] = frozenset()
    data: bytes | None = None
    content: str | None = None
    vector: NDArray[np.float32] | None = None
    text: str | None = None
    named: bool = False
    files: Sequence[Path] = ()


@dataclass(frozen=True, slots=True, eq=False)
class QueryEmbedding:
    """An image that is asked about, embedded: here, or in the gallery.

    Attributes:
        content: SHA-256 of the bytes, 64 hexadecimal digits; the gallery may hold it or not. ""
            for a vector and for words.
        paths: where the file lies, itself and what it is a link to; none for what is no file.
        weight: how much it counts beside others.
        embedding: shape (dim,), float32, of unit length; None where the gallery has it.
        content_id: the gallery's id, in the present snapshot; None where it was not looked for.
        named: whether the content itself was asked about, rather than bytes or a file.
        is_text: whether it is of words.
    """

    content: str
    paths: frozenset[Path] = frozenset()
    weight: float = 1.0
    embedding: NDArray[np.float32] | None = None
    content_id: int | None = None
    named: bool = False
    is_text: bool = False


@dataclass(frozen=True, eq=False)
class QueryPixels:
    """An image that is asked about, before it is embedded.

    Attributes:
        pixels: uint8 (size, size, 3), as the recipe's network takes them.
        content: as in `QueryEmbedding`, as are the next three.
        size: width and height of the upright image, in pixels.
    """

    pixels: NDArray[np.uint8]
    content: str
    paths: frozenset[Path]
    weight: float
    named: bool
    size: Size


def given(image: QueryImage, crop: CropBox | None) -> GivenImage:
    """Return what a query was given, with the bytes of what is no file.

    Args:
        image: what `imgsearch.search.query_inputs.readable` takes, a content, a part of either,
            or words, weighted or not.
        crop: the part that is asked about; words have none.

    Raises:
        UnreadableImageError: an image of Pillow's that cannot be read.
        UsageError: it is no image, or a vector, which has no parts.
    """
    weight = 1.0
    if isinstance(image, Weighted):
        weight, image = float(image.weight), image.image
    whole: object = image
    if isinstance(image, Part):
        whole, crop = image.image, image.crop
    if isinstance(whole, Words):
        return GivenImage(weight, None, text=whole.text)
    if isinstance(whole, HeldContent):
        return GivenImage(weight, crop, content=whole.content, named=True)
    taken = readable(whole)
    if isinstance(taken, np.ndarray):
        if crop is not None:
            raise UsageError("crop: a vector has no parts; ask without a crop")
        return GivenImage(weight, crop, vector=taken)
    if isinstance(taken, Path):
        places = frozenset(places_of(taken))
        return GivenImage(weight, crop, path=taken, places=places)
    return GivenImage(weight, crop, data=taken, content=hashlib.sha256(taken).hexdigest())


def stored(image: GivenImage, embeddings: Embeddings) -> QueryEmbedding | None:
    """Return an image as the gallery has it; None if it has to be decoded.

    Args:
        image: as `given` returned it. Its content is filled in where the gallery knows that of
            the file.
        embeddings: in a snapshot.

    Raises:
        UsageError: a vector does not fit the recipe, or a content that was named is not there.
    """
    if image.named and image.content is not None:
        image.files = embeddings.store.files_holding(image.content)
    if image.vector is not None:
        _check_vector(image.vector, embeddings.recipe)
        return QueryEmbedding("", image.places, image.weight, embedding=image.vector)
    if image.text is not None:
        return None
    content_id = None
    if image.content is None:
        content_id, image.content = indexed(embeddings.store, image.places)
    if image.content is None or image.crop is not None:
        return None
    if content_id is None:
        content_id, _ = embeddings.store.find_content(image.content, embeddings.stored.id)
    if content_id is None or not embeddings.holds(content_id):
        return None
    return QueryEmbedding(
        image.content, image.places, image.weight, content_id=content_id, named=image.named
    )


def decoded(image: GivenImage, recipe: Recipe) -> QueryPixels:
    """Return the pixels of an image that the gallery has not; files are read.

    It is done outside any snapshot, so that several threads do so side by side.

    Args:
        image: of which `stored` gave nothing.
        recipe: of the embeddings.

    Raises:
        UnreadableImageError: it cannot be read.
        UsageError: the crop does not lie within it.
    """
    # Decoders take a fifth of a query's start, and what is stored needs none.
    from imgsearch.images import loading

    data = _data(image)
    try:
        loaded = loading.load(
            data,
            size=recipe.size,
            resize=recipe.resize,
            decoder=recipe.decoder,
            crop=image.crop,
        )
    except UnreadableImageError as error:
        name = None if image.path is None else str(image.path)
        if image.named and image.content is not None:
            name = f"content {image.content[:12]}"
        raise UnreadableImageError(error.reason, name=name) from error
    content = image.content or hashlib.sha256(data).hexdigest()
    size = loaded.metadata.width, loaded.metadata.height
    return QueryPixels(loaded.pixels, content, image.places, image.weight, image.named, size)


def read_content(image: GivenImage) -> None:
    """Read a file and fill in its content, if that is not known, so that `stored` can find it.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    if image.content is None:
        image.data = _data(image)
        image.content = hashlib.sha256(image.data).hexdigest()


def _check_vector(vector: NDArray[np.float32], recipe: Recipe) -> None:
    if vector.shape != (recipe.dim,):
        raise UsageError(
            f"query: a vector of {len(vector)} dimensions; recipe {recipe.name} has {recipe.dim}"
        )


def _data(image: GivenImage) -> bytes:
    from imgsearch.images import loading
    from imgsearch.search import originals

    if image.data is not None:
        return image.data
    if image.named and image.content is not None:
        return originals.read_content(image.content, image.files)
    assert image.path is not None  # noqa: S101  # who has neither has a vector
    try:
        return loading.read_file(paths.absolute(image.path))
    except UnreadableImageError as error:
        reason = error.reason
        known = image.content is not None
        if known and not any(os.path.lexists(place) for place in image.places):
            why = "a part of it" if image.crop is not None else "an embedding under this recipe"
            reason = f"offline, and {why} takes the file itself"
        raise UnreadableImageError(reason, name=str(image.path)) from error


def embed_all(images: Sequence[QueryPixels], network: EmbedsImages) -> list[QueryEmbedding]:
    """Return images embedded, in their order; they go through the network at once.

    Args:
        images: one at least.
        network: what embeds.
    """
    rows = network.embed(np.stack([image.pixels for image in images]))
    return [
        QueryEmbedding(image.content, image.paths, image.weight, embedding=row, named=image.named)
        for row, image in zip(rows, images, strict=True)
    ]
