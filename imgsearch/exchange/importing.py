"""Taking embeddings in that were made elsewhere, under a recipe of their own."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import addresses, paths
from imgsearch.errors import RecipeMismatchError, UsageError
from imgsearch.exchange.arrays import EmbeddingArray
from imgsearch.exchange.listings import Listing
from imgsearch.exchange.places import Places
from imgsearch.exchange.seeing import see
from imgsearch.images import loading
from imgsearch.storage.merging import place_of
from imgsearch.storage.records import Root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.exchange.listings import ListedPicture
    from imgsearch.exchange.parts import FoundEmbeddings
    from imgsearch.exchange.seeing import SeenFile, SeenPicture
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe
    from imgsearch.storage.database import Store

# Embeddings of one picture by one network, decoded and resized by two programs, are as near as
# that; those of two networks are not.
AGREEMENT: Final = 0.9
_SAMPLES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes:
        recipe: of the embeddings.
        rows: how many there were.
        embeddings: of them, those that the gallery did not hold.
        contents: pictures that it did not hold.
        files: at paths that it did not know.
        read: files that were there.
        changed: of them, those whose bytes are not the ones that were said to be embedded.
        ignored: columns of the listings that mean nothing here.
        dry_run: whether nothing was written.
    """

    recipe: Recipe
    rows: int = 0
    embeddings: int = 0
    contents: int = 0
    files: int = 0
    read: int = 0
    changed: int = 0
    ignored: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(slots=True)
class _Counts:
    rows: int = 0
    embeddings: int = 0
    files: int = 0
    read: int = 0
    changed: int = 0
    samples: list[tuple[bytes, NDArray[np.float32]]] = field(default_factory=list)


class Importer:
    """Embeddings that were found, opened; nothing is written before `put`.

    Attributes:
        dim: of all of them.
    """

    def __init__(self, found: FoundEmbeddings, *, folder: Path | None) -> None:
        """Open what was found.

        Args:
            found: the files.
            folder: what relative paths are relative to; None for the folder of the files.

        Raises:
            UsageError: a file that can't be read, or several of different dims.
            MissingExtraError: Parquet without the extra.
        """
        self._found = found
        self._folder = os.fsencode(folder or found.folder)
        self._parts = [(EmbeddingArray(part.array), Listing(part.listing)) for part in found.parts]
        dims = sorted({array.dim for array, _ in self._parts if array.rows})
        if len(dims) > 1:
            raise UsageError(
                f"{found.folder}: embeddings of several dims, {', '.join(map(str, dims))}"
            )
        self.dim = dims[0] if dims else self._parts[0][0].dim
        self._roots = self._checked()

    def _checked(self) -> set[bytes]:
        """Read the listings once, before anything is written; return the roots of all files."""
        named: set[bytes] = set()
        common: bytes | None = None
        for array, listing in self._parts:
            rows = 0
            for picture in listing:
                rows += 1
                if picture.roots:
                    named.update(picture.roots)
                    continue
                places = [self._absolute(path) for path in picture.paths]
                named.update(filter(None, map(addresses.top_of, places)))
                folders = {os.path.dirname(path) for path in places if path.startswith(b"/")}  # noqa: PTH120 - bytes
                if not folders:
                    continue
                common = os.path.commonpath(folders if common is None else {common, *folders})
            if rows != array.rows:
                raise UsageError(
                    f"{array.path} has {array.rows} rows, and {listing.path} has {rows}: row n of "
                    "one has to belong to row n of the other"
                )
        return named if common is None else {*named, common}

    def put(
        self, store: Store, recipe: Recipe, *, network: Callable[[], EmbedsImages] | None
    ) -> ImportReport:
        """Write all into a gallery.

        Args:
            store: in a transaction.
            recipe: of the embeddings.
            network: gives the one that is said to have made them; a few pictures that are there are
                embedded by it, too.

        Raises:
            UsageError: rows that make no sense.
            RecipeMismatchError: the network makes other embeddings.
        """
        if self.dim != recipe.dim and any(array.rows for array, _ in self._parts):
            raise UsageError(
                f"{self._parts[0][0].path}: embeddings of dim {self.dim}, and {recipe.name} makes "
                f"those of dim {recipe.dim}"
            )
        before, stored = store.content_count(), store.add_recipe(recipe)
        counts = _Counts()
        places = self._places(store)
        without_inodes = paths.devices_without_inodes()

        def look(picture: ListedPicture) -> SeenPicture:
            found = [places[self._absolute(path)] for path in picture.paths]
            wanted = network is not None and len(counts.samples) < _SAMPLES
            return see(found, without_inodes=without_inodes, keep=wanted)

        with ThreadPoolExecutor(thread_name_prefix="imgsearch-decode") as pool:
            for pictures, vectors in self._blocks():
                for picture, seen, vector in zip(
                    pictures, pool.map(look, pictures), vectors, strict=True
                ):
                    content = _content_of(store, picture, seen)
                    content_id = _put_picture(store, content, picture, seen)
                    counts.embeddings += store.add_embedding(stored.id, content_id, vector)
                    _put_files(store, content_id, content, seen, counts)
                    counts.rows += 1
                    if seen.data is not None and seen.content == content:
                        counts.samples.append((seen.data, vector))
        if counts.embeddings:
            store.raise_generation(stored.id)
        for verdict in self._found.verdicts:
            store.add_verdict(verdict.one, verdict.other, made=verdict.made)
        if network is not None and counts.samples:
            _compare(recipe, network(), counts.samples)
        return ImportReport(
            recipe=recipe,
            rows=counts.rows,
            embeddings=counts.embeddings,
            contents=store.content_count() - before,
            files=counts.files,
            read=counts.read,
            changed=counts.changed,
            ignored=tuple(dict.fromkeys(chain(*(listing.ignored for _, listing in self._parts)))),
        )

    def _blocks(self) -> Iterator[tuple[list[ListedPicture], NDArray[np.float32]]]:
        for array, listing in self._parts:
            listed = iter(listing)
            for vectors in array:
                yield list(islice(listed, len(vectors))), vectors

    def _absolute(self, path: bytes) -> bytes:
        if addresses.is_address(os.fsdecode(path)):
            return paths.encode(addresses.address_of(os.fsdecode(path)))
        return os.path.normpath(os.path.join(self._folder, path))  # noqa: PTH118 - bytes

    def _places(self, store: Store) -> Places:
        """Return the places of all listed paths, in roots that now are the gallery's."""
        for path in sorted(self._roots):
            # Only what is listed belongs to it: `index` does not search it for more.
            place_of(store, Root(id=0, path=paths.decode(path), recursive=False))
        return Places({paths.encode(root.path): root for root in store.roots()})


def _content_of(store: Store, picture: ListedPicture, seen: SeenPicture) -> str:
    """Return what the picture is known by: what is said, what is there, or what the gallery knows.

    Where none of these tells, a hash of its path stands in, until a run of `index` reads it.
    """
    content = picture.content or seen.content
    if content is not None:
        return content
    for file in seen.files:
        known = store.content_hash_at(file.row.root_id, file.row.path)
        if known is not None:
            return known
    return hashlib.sha256(b"imgsearch import\0" + picture.paths[0]).hexdigest()


def _put_picture(store: Store, content: str, picture: ListedPicture, seen: SeenPicture) -> int:
    known = store.content_id(content)
    if known is not None:
        return known
    if seen.content != content:
        return store.add_content(content, picture.bytes, picture.metadata)
    content_id = store.add_content(content, seen.size, seen.metadata or picture.metadata)
    if seen.fingerprint is not None:
        store.put_fingerprint(content_id, seen.fingerprint)
    return content_id


def _put_files(
    store: Store, content_id: int, content: str, seen: SeenPicture, counts: _Counts
) -> None:
    for file in seen.files:
        counts.read += file.content is not None
        row = file.row
        if file.content not in (None, content):
            counts.changed += 1
            # No file has such a size: the next run of `index` reads it.
            row = replace(row, size=-1)
        known = store.file_id(row.root_id, row.path)
        counts.files += known is None
        if known is None or _says_more(store, file, content):
            store.put_file(known, row, content_id=content_id)


def _says_more(store: Store, file: SeenFile, content: str) -> bool:
    """Whether a known file's row is to be written: it was read, or is another picture's by now."""
    known = store.content_hash_at(file.row.root_id, file.row.path)
    return file.content == content or known != content


def _compare(
    recipe: Recipe, network: EmbedsImages, samples: list[tuple[bytes, NDArray[np.float32]]]
) -> None:
    """Embed a few pictures.

    Raises:
        RecipeMismatchError: most of them have other embeddings.
    """
    del samples[_SAMPLES:]
    images = [
        loading.load(data, size=recipe.size, resize=recipe.resize, decoder=recipe.decoder)
        for data, _ in samples
    ]
    made = network.embed(np.stack([image.pixels for image in images])).astype(np.float64)
    given = np.stack([vector for _, vector in samples]).astype(np.float64)
    cosine = float(np.median(np.einsum("ij,ij->i", made, given)))
    if cosine < AGREEMENT:
        raise RecipeMismatchError(
            f"these embeddings were not made with {recipe.name}: of {len(samples)} pictures that "
            f"it embedded for comparison, the cosine to the ones given is {cosine:.3f} (median), "
            f"expected {AGREEMENT} or more; import them under a name with --name"
        )
