"""Rows of regions: what is searched of the parts of contents, and the recipe that made it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.storage.fingerprint_rows import has_table
from imgsearch.storage.id_lists import in_parts
from imgsearch.storage.reading import Reading
from imgsearch.storage.typed_values import RowTypes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_TYPES: Final = RowTypes("how regions were made", (str,), (bytes,))
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class StoredRegions:
    """How the regions under a recipe were made, and which rows of them there are.

    Attributes:
        recipe_id: row of the recipe of the embeddings.
        layout: JSON of `imgsearch.regions.layout.Layout`.
        projection: bytes of the projection that their vectors went through.
        count: how many contents have regions.
        digest: differs whenever other rows are there.
    """

    recipe_id: int
    layout: str
    projection: bytes
    count: int
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class RegionBlock:
    """The regions of some contents.

    Attributes:
        ids: of the contents, shape (n,), int64, ascending.
        codes: shape (n, regions, bytes), uint8: as `imgsearch.regions.codes` makes them.
    """

    ids: NDArray[np.int64]
    codes: NDArray[np.uint8]


class RegionRows(Reading):
    """The tables *region_recipe* and *region*, over one connection."""

    def regions_of(self, recipe_id: int) -> StoredRegions | None:
        """Return how the regions under a recipe were made, or None where there are none.

        Raises:
            GalleryDamagedError: the row cannot be read.
        """
        return self.once(f"regions {recipe_id}", lambda: self._read_regions_of(recipe_id))

    def _read_regions_of(self, recipe_id: int) -> StoredRegions | None:
        if not has_table(self.connection, "region_recipe"):
            return None
        row = self.connection.execute(
            "SELECT layout, projection FROM region_recipe WHERE recipe_id = ?", (recipe_id,)
        ).fetchone()
        if row is None:
            return None
        layout, projection = _TYPES.checked(row)
        # From an index that covers them: no codes are read.
        count, checksums = self.connection.execute(
            "SELECT COUNT(*), COALESCE(SUM(checksum), 0) FROM region INDEXED BY region_by_content "
            "WHERE recipe_id = ?",
            (recipe_id,),
        ).fetchone()
        state = zlib.crc32(b"%d %d" % (count, checksums), zlib.crc32(projection))
        return StoredRegions(recipe_id, layout, projection, count, f"{state:08x}")

    def put_region_recipe(self, recipe_id: int, layout: str, projection: bytes) -> None:
        """Store how regions are made from now on; those of before are dropped."""
        self.drop_regions(recipe_id)
        self.connection.execute(
            "INSERT INTO region_recipe (recipe_id, layout, projection) VALUES (?, ?, ?)",
            (recipe_id, layout, projection),
        )

    def drop_regions(self, recipe_id: int) -> None:
        """Delete all regions under a recipe, and how they were made."""
        self.connection.execute("DELETE FROM region WHERE recipe_id = ?", (recipe_id,))
        self.connection.execute("DELETE FROM region_recipe WHERE recipe_id = ?", (recipe_id,))

    def contents_without_regions(self, recipe_id: int) -> list[int]:
        """Return the ids of the contents in a file with an embedding and no regions, ascending."""
        rows = self.connection.execute(
            "SELECT content_id FROM embedding WHERE recipe_id = ? "
            "AND EXISTS (SELECT 1 FROM file WHERE file.content_id = embedding.content_id) "
            "AND NOT EXISTS (SELECT 1 FROM region WHERE region.recipe_id = embedding.recipe_id "
            "AND region.content_id = embedding.content_id) ORDER BY content_id",
            (recipe_id,),
        )
        return [row[0] for row in rows]

    def add_regions(self, recipe_id: int, content_id: int, codes: NDArray[np.uint8]) -> None:
        """Add the codes `(regions, bytes)` of a content; those that it has stay."""
        blob = codes.tobytes()
        self.connection.execute(
            "INSERT INTO region (recipe_id, content_id, checksum, codes) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (recipe_id, content_id) DO NOTHING",
            (recipe_id, content_id, _checksum(recipe_id, content_id, blob), blob),
        )

    def remove_regions(self, recipe_id: int, content_ids: Sequence[int]) -> None:
        """Delete the regions of contents; contents without any are ignored."""
        self.connection.executemany(
            "DELETE FROM region WHERE recipe_id = ? AND content_id = ?",
            [(recipe_id, int(content_id)) for content_id in content_ids],
        )

    def ids_with_regions(self, recipe_id: int) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents that have regions, ascending."""
        if not has_table(self.connection, "region"):
            return np.empty(0, np.int64)
        rows = self.connection.execute(
            "SELECT content_id FROM region WHERE recipe_id = ? ORDER BY content_id", (recipe_id,)
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def regions(
        self,
        recipe_id: int,
        shape: tuple[int, int],
        content_ids: Sequence[int],
        *,
        damaged: Literal["refused", "left out"] = "refused",
    ) -> Iterator[RegionBlock]:
        """Yield the regions of contents in blocks, ascending by id.

        Args:
            recipe_id: of the embeddings.
            shape: regions of a content, and bytes of each.
            content_ids: those without regions are left out.
            damaged: what becomes of rows that are not as they were written.

        Raises:
            GalleryDamagedError: a row is not as it was written, and such are refused.
        """
        wanted = sorted(content_ids)
        for start in range(0, len(wanted), _BLOCK):
            for marks, part in in_parts(wanted[start : start + _BLOCK]):
                rows = self.connection.execute(
                    "SELECT content_id, checksum, codes FROM region "  # noqa: S608 - question marks
                    f"WHERE recipe_id = ? AND content_id IN ({marks}) ORDER BY content_id",
                    (recipe_id, *part),
                ).fetchall()
                whole = [row for row in rows if _is_whole(recipe_id, shape, *row)]
                if len(whole) < len(rows) and damaged == "refused":
                    raise GalleryDamagedError(
                        "gallery.db is damaged: regions are not as they were written; run "
                        "`imgsearch check --repair`"
                    )
                joined = b"".join([row[2] for row in whole])
                yield RegionBlock(
                    np.array([row[0] for row in whole], np.int64),
                    np.frombuffer(joined, np.uint8).reshape(len(whole), *shape),
                )

    def damaged_regions(self, recipe_id: int, shape: tuple[int, int]) -> list[int]:
        """Read every region under a recipe; return the ids of the contents of damaged ones."""
        return [
            row[0]
            for row in self.connection.execute(
                "SELECT content_id, checksum, codes FROM region WHERE recipe_id = ?", (recipe_id,)
            )
            if not _is_whole(recipe_id, shape, *row)
        ]


def _is_whole(
    recipe_id: int, shape: tuple[int, int], content_id: int, checksum: object, blob: object
) -> bool:
    return (
        type(blob) is bytes
        and len(blob) == shape[0] * shape[1]
        and checksum == _checksum(recipe_id, content_id, blob)
    )


def _checksum(recipe_id: int, content_id: int, blob: bytes) -> int:
    """Return CRC-32 of codes and of whose they are."""
    return zlib.crc32(blob, zlib.crc32(b"%d %d" % (recipe_id, content_id)))
