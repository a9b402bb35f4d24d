"""From the embedded images of queries to the vectors that are searched for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.search.search_space import combined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.search.query_pictures import QueryEmbedding
    from imgsearch.search.search_space import Space
    from imgsearch.storage.embeddings import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class AskedImages:
    """The images of one query, embedded.

    Attributes:
        asked: what it asks about, one image at least.
        avoided: what to stay away from.
    """

    asked: Sequence[QueryEmbedding]
    avoided: Sequence[QueryEmbedding] = ()


def query_vectors(
    space: Space, embeddings: Embeddings, queries: Sequence[AskedImages]
) -> list[NDArray[np.float32]]:
    """Return the unit query vector `(out,)` of each query: what it asks about less what it avoids.

    Raises:
        UsageError: the two cancel out.
    """
    images = [image for query in queries for image in (*query.asked, *query.avoided)]
    rows = projected_each(space, embeddings, images)
    weights = np.array([image.weight for image in images])
    vectors, start = [], 0
    for query in queries:
        end = start + len(query.asked) + len(query.avoided)
        vector = combined(rows[start:end], weights[start:end], asked=len(query.asked))
        if not vector.any():
            raise UsageError(
                "query: the pictures asked about and those to stay away from cancel out"
            )
        vectors.append(vector)
        start = end
    return vectors


def projected_each(
    space: Space, embeddings: Embeddings, images: Sequence[QueryEmbedding]
) -> NDArray[np.float32]:
    """Return the vectors `(n, out)` of images in a search space."""
    rows = np.empty((len(images), space.dim), np.float32)
    here, raw = [], []
    for line, image in enumerate(images):
        if image.embedding is not None:
            here.append(line)
            raw.append(image.embedding)
    if here:
        rows[here] = space.project(np.stack(raw))
    held = {image.content_id: line for line, image in enumerate(images) if image.embedding is None}
    if held:
        wanted = np.array(list(held), dtype=np.int64)
        found, vectors = space.vectors(embeddings, wanted)
        by_id = dict(zip(found.tolist(), vectors, strict=True))
        for line, image in enumerate(images):
            if image.embedding is None:
                rows[line] = by_id[image.content_id]
    return rows


def raw_embedding(embeddings: Embeddings, image: QueryEmbedding) -> NDArray[np.float32]:
    """Return an image's embedding `(dim,)`, before any projection."""
    if image.embedding is not None:
        return image.embedding
    assert image.content_id is not None  # noqa: S101  # it was found in the gallery
    row = embeddings.store.embedding(embeddings.stored, image.content_id)
    assert row is not None  # noqa: S101  # likewise
    return row


def ids_held(embeddings: Embeddings, images: Iterable[QueryEmbedding]) -> tuple[int, ...]:
    """Return the ids, ascending, of those images whose contents the gallery holds."""
    found = {
        image.content_id
        if image.content_id is not None
        else embeddings.store.find_content(image.content, embeddings.stored.id)[0]
        for image in images
    }
    return tuple(sorted(content_id for content_id in found if content_id is not None))


def held_elsewhere(
    embeddings: Embeddings, asked: Sequence[tuple[Sequence[int], frozenset[Path]]]
) -> list[frozenset[int]]:
    """Return which contents files of the gallery hold that are not those asked about.

    Args:
        embeddings: in a snapshot.
        asked: for each query its contents, and the places of its files.

    Returns:
        For each query those of its contents that some file holds at none of its places.
    """
    roots = embeddings.store.root_names()
    files = embeddings.store.files_of_contents({item for ids, _ in asked for item in ids})
    found = []
    for ids, places in asked:
        names = {paths.encode(place) for place in places}
        found.append(
            frozenset(
                content_id
                for content_id in ids
                if any(
                    paths.joined(roots[root_id], path) not in names
                    for root_id, path in files[content_id]
                )
            )
        )
    return found
