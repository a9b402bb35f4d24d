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
from imgsearch.storage.records import ScannedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings

    QueryImage = str | Path | bytes


@dataclass(frozen=True, eq=False)
class QueryEmbedding:
    """An image that is asked about, embedded.

    Attributes:
        embedding: shape (dim,), float32, of unit length.
        content: SHA-256 of the bytes, 64 hexadecimal digits; the gallery may hold it or not.
    """

    embedding: NDArray[np.float32]
    content: str


def embed_query(
    image: QueryImage,
    crop: CropBox | None,
    *,
    embeddings: Embeddings,
    network: Callable[[], EmbedsImages],
) -> QueryEmbedding:
    """Return an image's embedding; what the gallery holds is neither decoded nor embedded again.

    Files are read, decoded and embedded outside any snapshot, so that several threads do so side
    by side; the gallery is looked into between, in snapshots as short as a statement or two.

    Args:
        image: path of a file, or a file's bytes.
        crop: the part that is asked about.
        embeddings: what the gallery holds under the recipe.
        network: called for what embeds, when that is needed.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    store = embeddings.store
    content, known = None, None
    if not isinstance(image, bytes):
        with store.snapshot():
            content = _indexed(store, Path(image))
            if content is not None and crop is None:
                _, known = embeddings.find(content)
        if content is not None and known is not None:
            return QueryEmbedding(known, content)
    # Decoders take a fifth of a query's start, and what is stored needs none.
    from imgsearch.images import loading

    name = None if isinstance(image, bytes) else str(image)
    try:
        data = image if isinstance(image, bytes) else loading.read_file(paths.absolute(image))
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, name=name) from error
    if content is None:
        content = hashlib.sha256(data).hexdigest()
        if crop is None:
            with store.snapshot():
                _, known = embeddings.find(content)
            if known is not None:
                return QueryEmbedding(known, content)
    recipe = embeddings.recipe
    try:
        loaded = loading.load(data, size=recipe.size, resize=recipe.resize, crop=crop)
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, name=name) from error
    return QueryEmbedding(network().embed(loaded.pixels[np.newaxis])[0], content)


def query_vector(
    space: SearchSpace, asked: Sequence[QueryEmbedding], avoided: Sequence[QueryEmbedding]
) -> NDArray[np.float32]:
    """Return the unit query vector `(out,)` of what is asked about less what is avoided.

    Raises:
        UsageError: the two cancel out.
    """
    vector = space.combine(
        np.stack([image.embedding for image in asked]),
        np.stack([image.embedding for image in avoided]) if avoided else None,
    )
    if not vector.any():
        raise UsageError("query: the pictures asked about and those to stay away from cancel out")
    return vector


def ids_held(embeddings: Embeddings, images: Sequence[QueryEmbedding]) -> tuple[int, ...]:
    """Return the ids, ascending, of those images whose contents the gallery holds."""
    found = {
        embeddings.store.find_content(image.content, embeddings.stored.id)[0] for image in images
    }
    return tuple(sorted(content_id for content_id in found if content_id is not None))


def _indexed(store: Store, picture: Path) -> str | None:
    """Return the hash of a file that is in the gallery and has not changed since."""
    for path in {paths.absolute(picture), Path(os.path.realpath(picture))}:
        for root in store.roots():
            below = paths.relative_to(path, root.path)
            try:
                seen = paths.look_up(root.path, below) if below else None
            except OSError:
                seen = None  # reading it says why
            if seen:
                row = ScannedRow(
                    root.id, seen.path, seen.size, seen.mtime_ns, seen.inode, seen.ctime_ns
                )
                content_id = store.content_of_file(root.id, row)
                if content_id is not None:
                    return store.contents([content_id])[content_id].hash
    return None
