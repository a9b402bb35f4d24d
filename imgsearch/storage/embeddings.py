"""The embeddings of one recipe in one gallery, as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe


@dataclass(frozen=True, slots=True)
class Embeddings:
    """What a gallery holds under one recipe.

    Attributes:
        store: the gallery's rows.
        folder: the gallery's folder, where caches lie.
        stored: the recipe's row, as it was when it was read.
    """

    store: Store
    folder: Path
    stored: StoredRecipe

    @property
    def recipe(self) -> Recipe:
        """What makes the embeddings comparable."""
        return self.stored.recipe

    @property
    def identifier(self) -> str:
        """The recipe's identifier, by which caches are named."""
        return self.stored.recipe.identifier

    @property
    def generation(self) -> int:
        """Raised by every commit that added or removed embeddings."""
        return self.stored.generation

    def renewed(self) -> Embeddings:
        """Return the same with the recipe's row as it is now."""
        row = next(item for item in self.store.recipes() if item.id == self.stored.id)
        return replace(self, stored=row)

    def count(self) -> int:
        """Return how many contents have an embedding."""
        return self.store.embedding_count(self.stored.id)

    def ids(self) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents that have an embedding, ascending."""
        return self.store.embedded_ids(self.stored.id)

    def sample(self, size: int) -> list[int]:
        """Return the ids of a uniform sample, as `EmbeddingRows.sample_ids` takes it."""
        return self.store.sample_ids(self.stored.id, size)

    def blocks(
        self, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield blocks of ids `(m,)`, ascending, and embeddings `(m, dim)`; all or those named."""
        return self.store.embeddings(self.stored, ids)

    def holds(self, content_id: int) -> bool:
        """Say whether a content has an embedding."""
        return self.store.has_embedding(self.stored.id, content_id)

    def find(self, content_hash: str) -> tuple[int | None, NDArray[np.float32] | None]:
        """Return a content's id and its embedding `(dim,)`, each None where there is none."""
        content_id, embedded = self.store.find_content(content_hash, self.stored.id)
        if content_id is None or not embedded:
            return content_id, None
        return content_id, self.store.embedding(self.stored, content_id)


def embeddings_of(store: Store, folder: Path) -> list[Embeddings]:
    """Return what a gallery holds under each of its recipes, the primary one first."""
    return [Embeddings(store, folder, stored) for stored in store.recipes()]
