"""Which embeddings are not as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.storage.embedding_rows import checksum_of
from imgsearch.storage.records import DamagedEmbeddings

if TYPE_CHECKING:
    from imgsearch.storage.embedding_rows import EmbeddingRows
    from imgsearch.storage.records import StoredRecipe

UNIT_TOLERANCE: Final = 1e-3


def damaged_embeddings(rows: EmbeddingRows, recipe: StoredRecipe) -> DamagedEmbeddings:
    """Read every embedding of a recipe, and return which are not as they were written."""
    no_unit, changed = [], []
    for content_id, blob, checksum in rows.connection.execute(
        f"SELECT content_id, vector, {rows.checksum_column} FROM embedding "  # noqa: S608 - a column
        "WHERE recipe_id = ?",
        (recipe.id,),
    ):
        if not _is_unit_or_zero(blob, recipe.recipe.dim):
            no_unit.append(content_id)
        elif checksum is not None and checksum != checksum_of(recipe.id, content_id, blob):
            changed.append(content_id)
    return DamagedEmbeddings(tuple(no_unit), tuple(changed))


def unchecked_ids(rows: EmbeddingRows, recipe_id: int) -> set[int]:
    """Return the ids of the contents whose embedding, of an earlier version, has no checksum."""
    found = rows.connection.execute(
        "SELECT content_id FROM embedding "  # noqa: S608 - a column
        f"WHERE recipe_id = ? AND {rows.checksum_column} IS NULL",
        (recipe_id,),
    )
    return {row[0] for row in found}


def add_checksums(rows: EmbeddingRows, recipe: StoredRecipe) -> None:
    """Give checksums to the embeddings that have none; in a transaction."""
    for content_id in unchecked_ids(rows, recipe.id):
        (blob,) = rows.connection.execute(
            "SELECT vector FROM embedding WHERE recipe_id = ? AND content_id = ?",
            (recipe.id, content_id),
        ).fetchone()
        rows.connection.execute(
            "UPDATE embedding SET checksum = ? WHERE recipe_id = ? AND content_id = ?",
            (checksum_of(recipe.id, content_id, blob), recipe.id, content_id),
        )


def _is_unit_or_zero(blob: object, dim: int) -> bool:
    if not isinstance(blob, bytes) or len(blob) != 4 * dim:
        return False
    vector = np.frombuffer(blob, dtype="<f4").astype(np.float64)
    # An image whose activations are all zero has the zero vector as its embedding.
    length = float(np.dot(vector, vector))
    return abs(length - 1) < UNIT_TOLERANCE or length == 0
