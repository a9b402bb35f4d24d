"""Embeddings on disk by recipe, so that a stopped run continues and none is computed twice.

It may be deleted at any time. Every recipe has a folder, and every run that computes
embeddings under it appends to a file of its own there, so that concurrent runs never write the
same file, and a file only ever grows. A file is a header and blocks:

    header  magic, dim (uint32), recipe (12 hexadecimal digits)
    block   count (uint32); count keys of 16 bytes; count × dim little-endian float32; the first
            16 bytes of the SHA-256 of the header and of all that the block holds before

Nothing is read from the first truncated or corrupt block on; the embeddings lost are computed
again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from imgsearch.networks.runtimes import graphs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import Item
    from imgsearch.recipe import Recipe

MAGIC: Final = b"ISEMBED\x01"
SUFFIX: Final = ".embeddings"
KEY_BYTES: Final = 16
# Increased when an edit of the same name gives other pixels.
EDITS_VERSION: Final = 1

_HEAD: Final = struct.Struct("<8sI12s")
_COUNT: Final = struct.Struct("<I")
_DIGEST_BYTES: Final = 16
_FLOAT: Final = np.dtype("<f4")


def default_folder() -> Path:
    """Return where evaluations keep embeddings: beside the exported graphs."""
    return graphs.folder().parent / "evaluation"


def item_key(item: Item) -> bytes:
    """Return 16 bytes that differ whenever an item's pixels may: another file, crop or edit.

    A file is identified by its path, size and modification time, so that it need not be read. A
    missing file has a key too; loading it raises the error.
    """
    try:
        status = item.path.stat()
        state = (status.st_size, status.st_mtime_ns)
    except OSError:
        state = (-1, -1)
    described = repr(
        (os.fsencode(item.path.absolute()), state, item.crop, item.edit, EDITS_VERSION)
    )
    return hashlib.blake2b(described.encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class EmbeddingCache:
    """A folder of embeddings.

    Attributes:
        folder: need not exist.
    """

    folder: Path

    def read(
        self, recipe: Recipe, keys: Sequence[bytes]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the cached embeddings of items under a recipe.

        Args:
            recipe: of the embeddings.
            keys: of the items.

        Returns:
            Embeddings, shape (n, dim), float32, rows of zeros where none is known; and whether
            each is known, shape (n,).
        """
        rows = np.zeros((len(keys), recipe.dim), dtype=np.float32)
        known = np.zeros(len(keys), dtype=np.bool_)
        places: dict[bytes, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)
        for path in sorted(self._folder(recipe).glob(f"*{SUFFIX}")):
            for found, vectors in _blocks(path, recipe):
                for key, vector in zip(found, vectors, strict=True):
                    for place in places.get(key, ()):
                        rows[place], known[place] = vector, True
        return rows, known

    @contextmanager
    def writer(self, recipe: Recipe) -> Iterator[EmbeddingWriter]:
        """Open a new file for embeddings of a recipe; it is deleted if nothing is written.

        Raises:
            OSError: the folder cannot be made or written.
        """
        folder = self._folder(recipe)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
        with path.open("xb") as file:
            writer = EmbeddingWriter(file, _head(recipe))
            try:
                yield writer
            finally:
                if not writer.count:
                    with suppress(OSError):
                        path.unlink()

    def _folder(self, recipe: Recipe) -> Path:
        return self.folder / f"{recipe.backbone.replace(':', '_')}-{recipe.identifier}"


class EmbeddingWriter:
    """Appends blocks to a file.

    Attributes:
        count: embeddings written so far.
    """

    def __init__(self, file: IO[bytes], head: bytes) -> None:
        self.count = 0
        self._file = file
        self._head = head

    def append(self, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Append a block of embeddings (n, dim) that survives a crash of the process.

        Raises:
            OSError: the file cannot be written.
        """
        body = _COUNT.pack(len(keys)) + b"".join(keys) + rows.astype(_FLOAT).tobytes()
        if not self.count:
            self._file.write(self._head)
        self._file.write(body + _digest(self._head, body))
        # To the operating system, not to the disk: after a power cut the checksum fails.
        self._file.flush()
        self.count += len(keys)


def _head(recipe: Recipe) -> bytes:
    return _HEAD.pack(MAGIC, recipe.dim, recipe.identifier.encode("ascii"))


def _digest(head: bytes, body: bytes) -> bytes:
    return hashlib.sha256(head + body).digest()[:_DIGEST_BYTES]


def _blocks(path: Path, recipe: Recipe) -> Iterator[tuple[list[bytes], NDArray[np.float32]]]:
    """Yield keys and embeddings of every block up to the first that is not whole."""
    head = _head(recipe)
    try:
        with path.open("rb") as file:
            if file.read(len(head)) != head:
                return
            size = os.fstat(file.fileno()).st_size
            while len(lead := file.read(_COUNT.size)) == _COUNT.size:
                (count,) = _COUNT.unpack(lead)
                length = count * (KEY_BYTES + recipe.dim * _FLOAT.itemsize)
                # A corrupt count could exceed the memory.
                if length + _DIGEST_BYTES > size - file.tell():
                    return
                body = file.read(length)
                if file.read(_DIGEST_BYTES) != _digest(head, lead + body):
                    return
                split = count * KEY_BYTES
                keys = [body[at : at + KEY_BYTES] for at in range(0, split, KEY_BYTES)]
                vectors = np.frombuffer(body, dtype=_FLOAT, offset=split)
                yield keys, vectors.reshape(count, recipe.dim)
    except OSError:
        return
