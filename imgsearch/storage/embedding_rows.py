"""Rows of recipes and of the embeddings made under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.recipe import Recipe
from imgsearch.storage.records import StoredRecipe

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

UNIT_TOLERANCE: Final = 1e-3


class EmbeddingRows:
    """The tables *recipe* and *embedding*, over one connection."""

    connection: sqlite3.Connection

    def recipes(self) -> list[StoredRecipe]:
        """Return the gallery's recipes, the primary one first."""
        rows = self.connection.execute(
            "SELECT id, recipe, is_primary, generation FROM recipe ORDER BY is_primary DESC, id"
        )
        return [
            StoredRecipe(identifier, Recipe.from_json(text), bool(primary), generation)
            for identifier, text, primary, generation in rows
        ]

    def add_recipe(self, recipe: Recipe) -> StoredRecipe:
        """Add a recipe, or find it; the first one becomes the primary."""
        self.connection.execute(
            "INSERT INTO recipe (identifier, recipe, is_primary, generation) "
            "VALUES (?, ?, NOT EXISTS (SELECT 1 FROM recipe), 0) "
            "ON CONFLICT (identifier) DO UPDATE SET recipe = excluded.recipe",
            (recipe.identifier, recipe.to_json()),
        )
        return next(stored for stored in self.recipes() if stored.recipe == recipe)

    def make_primary(self, recipe_id: int) -> None:
        """Make this the recipe of queries that name none."""
        self.connection.execute("UPDATE recipe SET is_primary = (id = ?)", (recipe_id,))

    def raise_generation(self, recipe_id: int) -> None:
        """Mark the caches of a recipe as out of date."""
        self.connection.execute(
            "UPDATE recipe SET generation = generation + 1 WHERE id = ?", (recipe_id,)
        )

    def add_embedding(self, recipe_id: int, content_id: int, vector: NDArray[np.float32]) -> bool:
        """Add a content's embedding `(dim,)` under a recipe, as little-endian float32.

        Returns:
            False if it has one already, which stays.
        """
        cursor = self.connection.execute(
            "INSERT INTO embedding (recipe_id, content_id, vector) VALUES (?, ?, ?) "
            "ON CONFLICT (recipe_id, content_id) DO NOTHING",
            (recipe_id, content_id, vector.astype("<f4").tobytes()),
        )
        return cursor.rowcount > 0

    def remove_embedding(self, recipe_id: int, content_id: int) -> None:
        """Delete one embedding."""
        self.connection.execute(
            "DELETE FROM embedding WHERE recipe_id = ? AND content_id = ?", (recipe_id, content_id)
        )

    def embedding(self, recipe: StoredRecipe, content_id: int) -> NDArray[np.float32] | None:
        """Return a content's embedding `(dim,)` under a recipe, or None."""
        row = self.connection.execute(
            "SELECT vector FROM embedding WHERE recipe_id = ? AND content_id = ?",
            (recipe.id, content_id),
        ).fetchone()
        return _vectors(row, recipe)[0] if row else None

    def embedding_count(self, recipe_id: int) -> int:
        """Return how many contents have an embedding of a recipe."""
        (count,) = self.connection.execute(
            "SELECT COUNT(*) FROM embedding WHERE recipe_id = ?", (recipe_id,)
        ).fetchone()
        return int(count)

    def embedded_ids(self, recipe_id: int) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents that have an embedding, ascending."""
        rows = self.connection.execute(
            "SELECT content_id FROM embedding WHERE recipe_id = ? ORDER BY content_id",
            (recipe_id,),
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def held_ids(self, recipe_id: int) -> list[int]:
        """Return the ids of the contents that have an embedding and a file, by hash."""
        rows = self.connection.execute(
            "SELECT content.id FROM content JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "WHERE content.id NOT IN (SELECT id FROM orphan) ORDER BY content.hash",
            (recipe_id,),
        )
        return [row[0] for row in rows]

    def sample_ids(self, recipe_id: int, size: int) -> list[int]:
        """Return the ids of the embedded contents with the smallest hashes, `size` at most.

        They are a uniform sample that depends only on what the gallery holds, not on the order
        in which it was added.
        """
        rows = self.connection.execute(
            "SELECT content.id FROM content JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "ORDER BY content.hash LIMIT ?",
            (recipe_id, size),
        )
        return [row[0] for row in rows]

    def embeddings(
        self, recipe: StoredRecipe, content_ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield blocks of content ids `(m,)` and embeddings `(m, dim)`, ids ascending.

        Args:
            recipe: the recipe of the embeddings.
            content_ids: only these, in any order; None for all.

        Raises:
            GalleryDamagedError: a stored vector is not of the recipe's dim.
        """
        last = -1
        wanted = None if content_ids is None else sorted(content_ids)
        block = 4096
        while True:
            if wanted is None:
                rows = self.connection.execute(
                    "SELECT content_id, vector FROM embedding WHERE recipe_id = ? "
                    "AND content_id > ? ORDER BY content_id LIMIT ?",
                    (recipe.id, last, block),
                ).fetchall()
            else:
                part, wanted = wanted[:512], wanted[512:]
                marks = ",".join("?" * len(part))
                rows = self.connection.execute(
                    "SELECT content_id, vector FROM embedding WHERE recipe_id = ? "  # noqa: S608 - only question marks are put in
                    f"AND content_id IN ({marks}) ORDER BY content_id",
                    (recipe.id, *(int(value) for value in part)),
                ).fetchall()
            if rows:
                last = rows[-1][0]
                identifiers = np.array([row[0] for row in rows], dtype=np.int64)
                yield identifiers, _vectors([row[1] for row in rows], recipe)
            if (not rows and wanted is None) or (wanted is not None and not wanted):
                return

    def bad_embeddings(self, recipe: StoredRecipe) -> list[int]:
        """Return the ids of the contents whose embedding is not a unit vector of the right dim."""
        bad = []
        rows = self.connection.execute(
            "SELECT content_id, vector FROM embedding WHERE recipe_id = ?", (recipe.id,)
        )
        for content_id, blob in rows:
            if len(blob) != 4 * recipe.recipe.dim:
                bad.append(content_id)
                continue
            vector = np.frombuffer(blob, dtype="<f4").astype(np.float64)
            # An image whose activations are all zero has the zero vector as its embedding.
            length = float(np.dot(vector, vector))
            if not (abs(length - 1) < UNIT_TOLERANCE or length == 0):
                bad.append(content_id)
        return bad


def _vectors(blobs: Sequence[bytes], recipe: StoredRecipe) -> NDArray[np.float32]:
    dim = recipe.recipe.dim
    if any(len(blob) != 4 * dim for blob in blobs):
        raise GalleryDamagedError(
            f"an embedding of recipe {recipe.recipe.identifier} is not of dim {dim}: "
            "run `imgsearch check --repair`"
        )
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dim).astype(np.float32)
