"""Rows of recipes and of the embeddings made under them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.recipe import Recipe
from imgsearch.storage.content_digest import content_digest, digest_of, digest_of_rows
from imgsearch.storage.reading import Reading
from imgsearch.storage.records import StoredRecipe
from imgsearch.storage.typed_values import RowTypes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_RECIPE_TYPES: Final = RowTypes("a recipe", (int,), (str,), (str,), (int,), (int,), (int,), (int,))


class EmbeddingRows(Reading):
    """The tables *recipe* and *embedding*, over one connection."""

    def recipes(self) -> list[StoredRecipe]:
        """Return the gallery's recipes, the primary one first.

        Raises:
            GalleryDamagedError: a row cannot be read, or is not that of its identifier.
        """
        return list(self.once("recipes", self._read_recipes))

    def _read_recipes(self) -> list[StoredRecipe]:
        identified = self._has_column("recipe", "digest")
        gallery, state = "", "0, generation"
        if identified:
            (gallery,) = self.connection.execute(
                "SELECT value FROM setting WHERE name = 'gallery'"
            ).fetchone() or ("",)
            state = "digest, undigested"
        found = []
        for row in self.connection.execute(
            f"SELECT id, identifier, recipe, is_primary, generation, {state} "  # noqa: S608 - columns
            "FROM recipe ORDER BY is_primary DESC, id"
        ):
            recipe_id, identifier, text, primary, generation, digest, undigested = (
                _RECIPE_TYPES.checked(row)
            )
            recipe = Recipe.from_json(text)
            if recipe.identifier != identifier:
                raise GalleryDamagedError(
                    f"the row of recipe {identifier} is damaged (it describes "
                    f"{recipe.identifier}): `imgsearch check --repair` mends it if a single "
                    "character is wrong"
                )
            found.append(
                StoredRecipe(
                    recipe_id,
                    recipe,
                    bool(primary),
                    generation,
                    gallery=str(gallery),
                    digest=digest,
                    undigested=undigested,
                )
            )
        return found

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
        blob = vector.astype("<f4").tobytes()
        cursor = self.connection.execute(
            "INSERT INTO embedding (recipe_id, content_id, vector, checksum) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (recipe_id, content_id) DO NOTHING",
            (recipe_id, content_id, blob, checksum_of(recipe_id, content_id, blob)),
        )
        if cursor.rowcount > 0:
            self._toggle(recipe_id, content_id)
        return cursor.rowcount > 0

    def remove_embedding(self, recipe_id: int, content_id: int) -> None:
        """Delete one embedding."""
        cursor = self.connection.execute(
            "DELETE FROM embedding WHERE recipe_id = ? AND content_id = ?", (recipe_id, content_id)
        )
        if cursor.rowcount > 0:
            self._toggle(recipe_id, content_id)

    def remove_doomed_embeddings(self) -> list[int]:
        """Delete the embeddings of the contents in `temp.doomed`; return the recipes they were of.

        The contents are still there.
        """
        recipes = [row[0] for row in self.connection.execute("SELECT id FROM recipe").fetchall()]
        touched = []
        for recipe_id in recipes:
            gone = self.connection.execute(
                "SELECT content.id, content.hash FROM temp.doomed "
                "CROSS JOIN embedding ON embedding.content_id = doomed.id "
                "AND embedding.recipe_id = ? JOIN content ON content.id = doomed.id",
                (recipe_id,),
            ).fetchall()
            if gone:
                self._toggle_share(recipe_id, digest_of(gone))
                touched.append(recipe_id)
        self.connection.execute(
            "DELETE FROM embedding WHERE content_id IN (SELECT id FROM temp.doomed)"
        )
        return touched

    def _toggle(self, recipe_id: int, content_id: int) -> None:
        """Bring the digest of a recipe up to date with an embedding that came or went."""
        row = self.connection.execute(
            "SELECT hash FROM content WHERE id = ?", (content_id,)
        ).fetchone()
        if row is None:
            self.recount_digest(recipe_id)
            return
        self._toggle_share(recipe_id, content_digest(content_id, row[0]))

    def _toggle_share(self, recipe_id: int, share: int) -> None:
        # SQLite has no XOR.
        self.connection.execute(
            "UPDATE recipe SET digest = (digest | :share) - (digest & :share) WHERE id = :id",
            {"share": share, "id": recipe_id},
        )

    def recount_digest(self, recipe_id: int) -> bool:
        """Set the digest of a recipe to that of its rows; return whether it was another."""
        digest = digest_of_rows(self.connection, recipe_id)
        cursor = self.connection.execute(
            "UPDATE recipe SET digest = ? WHERE id = ? AND digest <> ?", (digest, recipe_id, digest)
        )
        return cursor.rowcount > 0

    def digest_fits(self, recipe: StoredRecipe) -> bool:
        """Tell whether the digest of a recipe is that of its rows, reading all of them."""
        return (
            not self._has_column("recipe", "digest")
            or digest_of_rows(self.connection, recipe.id) == recipe.digest
        )

    def embedding(self, recipe: StoredRecipe, content_id: int) -> NDArray[np.float32] | None:
        """Return a content's embedding `(dim,)` under a recipe, or None."""
        row = self.connection.execute(
            f"SELECT content_id, vector, {self.checksum_column} FROM embedding "  # noqa: S608 - a column
            "WHERE recipe_id = ? AND content_id = ?",
            (recipe.id, content_id),
        ).fetchone()
        return _vectors([row], recipe)[0] if row else None

    def has_embedding(self, recipe_id: int, content_id: int) -> bool:
        """Say whether a content has an embedding under a recipe."""
        row = self.connection.execute(
            "SELECT 1 FROM embedding WHERE recipe_id = ? AND content_id = ?",
            (recipe_id, content_id),
        ).fetchone()
        return row is not None

    def embedding_count(self, recipe_id: int) -> int:
        """Return how many contents have an embedding of a recipe."""
        # Of an only recipe these are all, which SQLite counts by the page rather than the row.
        (count,) = self.connection.execute(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM recipe WHERE id <> ?1) "
            "THEN (SELECT COUNT(*) FROM embedding WHERE recipe_id = ?1) "
            "ELSE (SELECT COUNT(*) FROM embedding) END",
            (recipe_id,),
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
        return [content_id for content_id, _ in self.held_contents(recipe_id)]

    def held_contents(self, recipe_id: int) -> list[tuple[int, str]]:
        """Return ids and hashes of the contents that have an embedding and a file, by hash."""
        rows = self.connection.execute(
            "SELECT content.id, content.hash FROM content JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "WHERE content.id NOT IN (SELECT id FROM orphan) ORDER BY content.hash",
            (recipe_id,),
        )
        return rows.fetchall()

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
            GalleryDamagedError: a stored vector is not of the recipe's dim, or does not fit its
                checksum.
        """
        last = -1
        wanted = None if content_ids is None else sorted(content_ids)
        block = 4096
        while True:
            if wanted is None:
                rows = self.connection.execute(
                    f"SELECT content_id, vector, {self.checksum_column} FROM embedding "  # noqa: S608 - a column
                    "WHERE recipe_id = ? AND content_id > ? ORDER BY content_id LIMIT ?",
                    (recipe.id, last, block),
                ).fetchall()
            else:
                part, wanted = wanted[:512], wanted[512:]
                marks = ",".join("?" * len(part))
                rows = self.connection.execute(
                    f"SELECT content_id, vector, {self.checksum_column} FROM embedding "  # noqa: S608 - a column and question marks
                    f"WHERE recipe_id = ? AND content_id IN ({marks}) ORDER BY content_id",
                    (recipe.id, *(int(value) for value in part)),
                ).fetchall()
            if rows:
                last = rows[-1][0]
                identifiers = np.array([row[0] for row in rows], dtype=np.int64)
                yield identifiers, _vectors(rows, recipe)
            if (not rows and wanted is None) or (wanted is not None and not wanted):
                return

    @property
    def checksum_column(self) -> str:
        """The column of checksums in SQL, or NULL while the database has none."""
        return "checksum" if self._has_column("embedding", "checksum") else "NULL"


def checksum_of(recipe_id: int, content_id: int, blob: bytes) -> int:
    """Return CRC-32 of an embedding and of whose it is."""
    return zlib.crc32(blob, zlib.crc32(b"%d %d" % (recipe_id, content_id)))


def _vectors(
    rows: Sequence[tuple[int, bytes, int | None]], recipe: StoredRecipe
) -> NDArray[np.float32]:
    dim = recipe.recipe.dim
    for content_id, blob, checksum in rows:
        if type(blob) is not bytes or len(blob) != 4 * dim:
            raise GalleryDamagedError(
                f"an embedding of recipe {recipe.recipe.identifier} is not of dim {dim}: "
                "run `imgsearch check --repair`"
            )
        if checksum is not None and checksum != checksum_of(recipe.id, content_id, blob):
            raise GalleryDamagedError(
                f"an embedding of recipe {recipe.recipe.identifier} does not fit its checksum: "
                "run `imgsearch check --repair`"
            )
    joined = b"".join([blob for _, blob, _ in rows])
    return np.frombuffer(joined, dtype="<f4").reshape(len(rows), dim).astype(np.float32)
