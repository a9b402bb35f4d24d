"""What a gallery says of its rows when they are published."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgsearch.storage.id_lists import in_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Content


@dataclass(frozen=True, slots=True)
class NamesInFiles:
    """What there is among the embedded contents that files hold.

    Attributes:
        contents: how many contents.
        files: how many files hold them.
        cameras: their names, sorted.
        lenses: likewise.
        formats: likewise.
    """

    contents: int
    files: int
    cameras: tuple[str, ...]
    lenses: tuple[str, ...]
    formats: tuple[str, ...]


def names_in_files(store: Store, recipe_id: int) -> NamesInFiles:
    """Look at the contents that have an embedding of a recipe and a file."""
    rows = store.connection.execute(
        "SELECT camera, lens, format, COUNT(*), SUM(files) FROM (SELECT camera, lens, format, "
        "(SELECT COUNT(*) FROM file WHERE content_id = content.id) AS files FROM content "
        "WHERE id IN (SELECT content_id FROM embedding WHERE recipe_id = ?)) WHERE files > 0 "
        "GROUP BY camera, lens, format",
        (recipe_id,),
    ).fetchall()
    cameras, lenses, formats = (
        tuple(sorted({row[column] for row in rows} - {None})) for column in range(3)
    )
    return NamesInFiles(
        sum(row[3] for row in rows), sum(row[4] for row in rows), cameras, lenses, formats
    )


def embedding_checksums(store: Store, recipe_id: int, content_ids: Iterable[int]) -> dict[int, int]:
    """Return a checksum of each content's embedding; contents without one are left out."""
    column = store.checksum_column
    found: dict[int, int] = {}
    for marks, part in in_parts(content_ids):
        rows = store.connection.execute(
            f"SELECT content_id, {column}, CASE WHEN {column} IS NULL THEN vector END "  # noqa: S608 - a column and question marks
            f"FROM embedding WHERE content_id IN ({marks}) AND recipe_id = ?",
            [*part, recipe_id],
        )
        for content_id, checksum, vector in rows:
            found[content_id] = zlib.crc32(vector) if checksum is None else checksum
    return found


def row_mark(content: Content, files: Sequence[tuple[int, bytes]], checksum: int) -> int:
    """Return a signed number of 64 bits that differs whenever something of a content does.

    Args:
        content: with what is known of it.
        files: root ids and stored relative paths of the files that hold it, in a fixed order.
        checksum: of its embedding.
    """
    said = repr((content.hash, content.bytes, content.metadata, tuple(files), checksum))
    digest = hashlib.blake2b(said.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
