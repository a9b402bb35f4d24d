"""Contents beside the files that hold them, in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from imgsearch.storage.id_lists import in_parts
from imgsearch.storage.typed_values import RowTypes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_NONE: Final = type(None)
_TYPES: Final = RowTypes(
    "a content",
    *((int,), (str,), (int,), (int,), (str,), (int,)),
    *((str, _NONE), (str, _NONE), (str, _NONE), (float, _NONE), (float, _NONE)),
    *((int,), (bytes,)),
)
_WIDTH: Final = 11


class KnownContent(NamedTuple):
    """What an answer says of a content; a tuple, since an answer makes one for each match.

    Attributes:
        id: row id.
        hash: SHA-256 of the bytes, 64 hexadecimal digits.
        width: as in `imgsearch.images.metadata.Metadata`, as is the rest but for the next.
        bytes: how many there are.
    """

    id: int
    hash: str
    width: int
    height: int
    format: str
    bytes: int
    taken: str | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None


class HeldRows:
    """The tables *content* and *file* together, over one connection."""

    connection: sqlite3.Connection

    def contents_with_files(
        self, content_ids: Iterable[int]
    ) -> dict[int, tuple[KnownContent, list[tuple[int, bytes]]]]:
        """Return contents by id, with root ids and stored relative paths of their files.

        Contents without a file, and unknown ids, are left out.
        """
        found: dict[int, tuple[KnownContent, list[tuple[int, bytes]]]] = {}
        for marks, part in in_parts(content_ids):
            rows = self.connection.execute(
                "SELECT content.id, hash, width, height, format, bytes, taken, camera, lens, "  # noqa: S608 - question marks
                "latitude, longitude, root_id, path FROM content "
                f"JOIN file ON content_id = content.id WHERE content.id IN ({marks})",
                part,
            )
            for row in rows:
                _TYPES.checked(row)
                known = found.get(row[0])
                if known is None:
                    found[row[0]] = KnownContent._make(row[:_WIDTH]), [row[_WIDTH:]]
                else:
                    known[1].append(row[_WIDTH:])
        return found
