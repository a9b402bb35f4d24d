"""The embedding of a query's picture, from the gallery where that knows it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.search.query_inputs import HeldContent, Part, Weighted, readable
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.roots import is_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings

_HASH: Final = re.compile("[0-9a-fA-F]{64}")


@dataclass(frozen=True, eq=False)
class QueryEmbedding:
    """An image that is asked about, embedded.

    Attributes:
        embedding: shape (dim,), float32, of unit length.
        content: SHA-256 of the bytes, 64 hexadecimal digits; the gallery may hold it or not. ""
            for a vector.
        paths: where the file lies, itself and what it is a link to; none for what is no file.
        weight: how much it counts beside others.
        named: whether the content itself was asked about, rather than bytes or a file.
    """

    embedding: NDArray[np.float32]
    content: str
    paths: frozenset[Path] = frozenset()
    weight: float = 1.0
    named: bool = False


@dataclass(frozen=True, eq=False)
class QueryPixels:
    """An image that is asked about, before it is embedded.

    Attributes:
        pixels: uint8 (size, size, 3), as the recipe's network takes them.
        content: as in `QueryEmbedding`, as are the others.
    """

    pixels: NDArray[np.uint8]
    content: str
    paths: frozenset[Path]
    weight: float
    named: bool = False


def prepare(
    image: QueryImage, crop: CropBox | None, *, embeddings: Embeddings
) -> QueryEmbedding | QueryPixels:
    """Return an image's embedding if the gallery holds it, else its pixels.

    Files are read and decoded outside any snapshot, so that several threads do so side by side;
    the gallery is looked into between, in snapshots as short as a statement or two.

    Args:
        image: what `imgsearch.search.query_inputs.readable` takes, a content or a part of
            either, weighted or not.
        crop: the part that is asked about.
        embeddings: what the gallery holds under the recipe.

    Raises:
        UnreadableImageError: it cannot be read.
        UsageError: it is no image, or the crop does not lie within it.
    """
    weight = 1.0
    if isinstance(image, Weighted):
        weight, image = float(image.weight), image.image
    whole: object = image
    if isinstance(image, Part):
        whole, crop = image.image, image.crop
    if isinstance(whole, HeldContent):
        return _prepare_held(whole.content, crop, weight, embeddings=embeddings)
    return _prepare_given(readable(whole), crop, weight, embeddings=embeddings)


def _prepare_given(
    given: Path | bytes | NDArray[np.float32],
    crop: CropBox | None,
    weight: float,
    *,
    embeddings: Embeddings,
) -> QueryEmbedding | QueryPixels:
    if isinstance(given, np.ndarray):
        _check_vector(given, crop, embeddings.recipe)
        return QueryEmbedding(given, "", weight=weight)
    store = embeddings.store
    content, known = None, None
    places: frozenset[Path] = frozenset()
    if isinstance(given, Path):
        places = frozenset({paths.absolute(given), Path(os.path.realpath(given))})
        with store.snapshot():
            content = _indexed(store, places)
            if content is not None and crop is None:
                _, known = embeddings.find(content)
        if content is not None and known is not None:
            return QueryEmbedding(known, content, places, weight)
    data = given if isinstance(given, bytes) else _read(given, places, content, crop)
    if content is None:
        content = hashlib.sha256(data).hexdigest()
        if crop is None:
            with store.snapshot():
                _, known = embeddings.find(content)
            if known is not None:
                return QueryEmbedding(known, content, places, weight)
    name = str(given) if isinstance(given, Path) else None
    return QueryPixels(_decoded(data, crop, embeddings, name), content, places, weight)


def _prepare_held(
    content: str, crop: CropBox | None, weight: float, *, embeddings: Embeddings
) -> QueryEmbedding | QueryPixels:
    store = embeddings.store
    with store.snapshot():
        files = store.files_holding(content)
        known = None if crop is not None else embeddings.find(content)[1]
    if known is not None:
        return QueryEmbedding(known, content, weight=weight, named=True)
    from imgsearch.search.originals import read_content

    pixels = _decoded(read_content(content, files), crop, embeddings, f"content {content[:12]}")
    return QueryPixels(pixels, content, frozenset(), weight, named=True)


def _decoded(
    data: bytes, crop: CropBox | None, embeddings: Embeddings, name: str | None
) -> NDArray[np.uint8]:
    from imgsearch.images import loading

    recipe = embeddings.recipe
    try:
        return loading.load(data, size=recipe.size, resize=recipe.resize, crop=crop).pixels
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, name=name) from error


def _check_vector(vector: NDArray[np.float32], crop: CropBox | None, recipe: Recipe) -> None:
    if crop is not None:
        raise UsageError("crop: a vector has no parts; ask without a crop")
    if vector.shape != (recipe.dim,):
        raise UsageError(
            f"query: a vector of {len(vector)} dimensions; recipe {recipe.name} has {recipe.dim}"
        )


def _read(path: Path, places: frozenset[Path], content: str | None, crop: CropBox | None) -> bytes:
    # Decoders take a fifth of a query's start, and what is stored needs none.
    from imgsearch.images import loading

    try:
        return loading.read_file(paths.absolute(path))
    except UnreadableImageError as error:
        reason = error.reason
        if content is not None and not any(os.path.lexists(place) for place in places):
            why = "a part of it" if crop is not None else "an embedding under this recipe"
            reason = f"offline, and {why} takes the file itself"
        raise UnreadableImageError(reason, name=str(path)) from error


def embed_all(
    images: Sequence[QueryEmbedding | QueryPixels], network: Callable[[], EmbedsImages]
) -> list[QueryEmbedding]:
    """Return images embedded, in their order; those that are not yet go through at once.

    Args:
        images: as `prepare` gives them.
        network: called for what embeds, when that is needed.
    """
    waiting = [image for image in images if isinstance(image, QueryPixels)]
    rows: Iterable[NDArray[np.float32]] = (
        network().embed(np.stack([image.pixels for image in waiting])) if waiting else []
    )
    embedded = iter(
        [
            QueryEmbedding(row, image.content, image.paths, image.weight, image.named)
            for row, image in zip(rows, waiting, strict=True)
        ]
    )
    return [next(embedded) if isinstance(image, QueryPixels) else image for image in images]


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
        weights=np.array([image.weight for image in (*asked, *avoided)]),
    )
    if not vector.any():
        raise UsageError("query: the pictures asked about and those to stay away from cancel out")
    return vector


def ids_held(embeddings: Embeddings, images: Iterable[QueryEmbedding]) -> tuple[int, ...]:
    """Return the ids, ascending, of those images whose contents the gallery holds."""
    found = {
        embeddings.store.find_content(image.content, embeddings.stored.id)[0] for image in images
    }
    return tuple(sorted(content_id for content_id in found if content_id is not None))


def ids_held_elsewhere(
    embeddings: Embeddings, ids: Sequence[int], places: frozenset[Path]
) -> frozenset[int]:
    """Return which contents some file of the gallery holds that is none of those at `places`."""
    roots = {root.id: paths.encode(root.path) for root in embeddings.store.roots()}
    return frozenset(
        content_id
        for content_id, files in embeddings.store.files_of_contents(ids).items()
        if any(paths.join(roots[root_id], path) not in places for root_id, path in files)
    )


def content_of(store: Store, file: str | Path) -> str:
    """Return the hash of a file of the gallery, or the hash that was given.

    Args:
        store: in a snapshot, or open for writing.
        file: a path, or 64 hexadecimal digits.

    Raises:
        UsageError: the gallery does not hold the file as it is.
    """
    path = paths.absolute(file)
    places = (path, Path(os.path.realpath(path)))
    found = _indexed(store, places)
    if found is None and _HASH.fullmatch(str(file)):
        return str(file).lower()
    if found is None:
        raise UsageError(
            f"{file}: the gallery does not hold this file as it is; run `imgsearch index` first"
        )
    return found


def _indexed(store: Store, places: Iterable[Path]) -> str | None:
    """Return the hash of a file that is in the gallery and has not changed since.

    A file in an absent root counts as unchanged.
    """
    for path in places:
        for root in store.roots():
            below = paths.relative_to(path, root.path)
            try:
                seen = paths.look_up(root.path, below) if below else None
            except OSError:
                seen = None  # reading it says why
            content_id = None
            if seen:
                row = ScannedRow(
                    root.id, seen.path, seen.size, seen.mtime_ns, seen.inode, seen.ctime_ns
                )
                content_id = store.content_of_file(root.id, row)
            elif below and is_absent(store, root):
                content_id = store.content_last_at(root.id, below)
            if content_id is not None:
                return store.contents([content_id])[content_id].hash
    return None
