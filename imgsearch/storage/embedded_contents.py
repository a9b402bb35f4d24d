"""Which contents a gallery has embedded, asked beside its writer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.storage.database import Store

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray


class EmbeddedContents:
    """The hashes of the contents that have an embedding under a recipe.

    They are asked over a read-only connection of their own, opened when first needed, so that
    threads never see, and never wait for, the transaction that the writer has open. Picklable:
    another process on this machine opens a connection of its own.
    """

    def __init__(self, folder: Path, recipe_id: int) -> None:
        """Name the gallery's folder and the recipe's row."""
        self._folder = folder
        self._recipe_id = recipe_id
        self._reader: Store | None = None
        self._in_turn = threading.Lock()
        self._by_size: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def __reduce__(self) -> tuple[type[EmbeddedContents], tuple[Path, int]]:
        return EmbeddedContents, (self._folder, self._recipe_id)

    def __contains__(self, content_hash: object) -> bool:
        with self._in_turn:
            return self._opened().find_content(str(content_hash), self._recipe_id)[1]

    def of_sizes(self, sizes: Collection[int]) -> frozenset[str]:
        """Return the hashes of all contents of so many bytes that have an embedding.

        The sizes of all contents are listed when this is first asked, 16 bytes for each: what is
        committed later may be lacking.
        """
        with self._in_turn:
            store = self._opened()
            if self._by_size is None:
                self._by_size = store.content_sizes()
            held, ids = self._by_size
            wanted = np.unique(np.fromiter(sizes, np.int64, len(sizes)))
            first, last = (np.searchsorted(held, wanted, side) for side in ("left", "right"))
            candidates = [
                int(content_id)
                for begin, end in zip(first, last, strict=True)
                for content_id in ids[begin:end]
            ]
            return frozenset(store.embedded_hashes(candidates, self._recipe_id))

    def _opened(self) -> Store:
        if self._reader is None:
            self._reader = Store.open(self._folder)
        return self._reader

    def __del__(self) -> None:
        # A copy in a worker has no other owner than the job that it came with.
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._in_turn:
            if self._reader is not None:
                self._reader.close()
            self._reader = None
