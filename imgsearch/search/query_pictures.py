"""The embedding of a query's picture, from the gallery where that knows it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgsearch import paths
from imgsearch.errors import UnreadableImageError
from imgsearch.storage.records import ScannedRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe

    QueryImage = str | Path | bytes


@dataclass(frozen=True, eq=False)
class QueryEmbedding:
    """A query's picture, embedded.

    Attributes:
        embedding: shape (dim,), float32, of unit length.
        content_id: of the content that the picture is, where the gallery holds it.
    """

    embedding: NDArray[np.float32]
    content_id: int | None


def embed_query(
    picture: QueryImage,
    crop: CropBox | None,
    *,
    store: Store,
    stored: StoredRecipe,
    embedder: Callable[[], EmbedsImages],
) -> QueryEmbedding:
    """Return a picture's embedding; what the gallery holds is neither decoded nor embedded again.

    Args:
        picture: path of an image, or the bytes of an image file.
        crop: the part of it that is asked about.
        store: the gallery.
        stored: the recipe to embed under.
        embedder: called for what embeds, when that is needed.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    content_id = None if isinstance(picture, bytes) else _indexed(store, Path(picture))
    if content_id is not None and crop is None:
        known = store.embedding(stored, content_id)
        if known is not None:
            return QueryEmbedding(known, content_id)
    # Decoders take a fifth of a query's start, and what is stored needs none.
    from imgsearch.images import loading

    name = None if isinstance(picture, bytes) else str(picture)
    try:
        data = picture if isinstance(picture, bytes) else loading.read_file(paths.absolute(picture))
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, name=name) from error
    if content_id is None:
        content_hash = hashlib.sha256(data).hexdigest()
        content_id, _ = store.find_content(content_hash, stored.id)
        known = store.embedding(stored, content_id) if content_id is not None else None
        if known is not None and crop is None:
            return QueryEmbedding(known, content_id)
    try:
        loaded = loading.load(data, size=stored.recipe.size, resize=stored.recipe.resize, crop=crop)
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, name=name) from error
    return QueryEmbedding(embedder().embed(loaded.pixels[np.newaxis])[0], content_id)


def _indexed(store: Store, picture: Path) -> int | None:
    """Return the content of a path that is in the gallery and has not changed since."""
    for path in {paths.absolute(picture), Path(os.path.realpath(picture))}:
        for root in store.roots():
            below = paths.relative_to(path, root.path)
            try:
                seen = paths.look_up(root.path, below) if below else None
            except OSError:
                seen = None  # reading it says why
            if seen:
                row = ScannedRow(root.id, seen.path, seen.size, seen.mtime_ns)
                content_id = store.content_of_file(root.id, row)
                if content_id is not None:
                    return content_id
    return None
