"""Matches and files as CSV. docs/json.md describes the columns."""

from __future__ import annotations

import base64
import csv
import io
import os
from typing import TYPE_CHECKING, Final

from imgsearch.documents.gallery_documents import file_keys
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgsearch.search.matches import GalleryFile, Match

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
FILE_COLUMNS: Final = (
    "path",
    "path_base64",
    "root",
    "content",
    "width",
    "height",
    "format",
    "bytes",
    "taken",
    "camera",
    "lens",
    "latitude",
    "longitude",
    "offline",
    "duplicates",
)
COLUMNS: Final = ("query", "rank", "score", *FILE_COLUMNS, "kind")
COMPARISON_COLUMNS: Final = ("one", "other", "score", "raw_score", "same_content", "projection")


def head(columns: Sequence[str] = COLUMNS) -> bytes:
    """Return the header line."""
    return line(columns)


def rows(query: str, matches: Iterable[Match]) -> bytes:
    """Return one line for each match.

    Control characters and bytes that are not UTF-8 are escaped; `path_base64` then holds the
    path's exact bytes.
    """
    return b"".join(
        line(
            [
                harmless(query),
                match.rank,
                f"{match.score:.6f}",
                *file_values(match),
                match.kind or "",
            ]
        )
        for match in matches
    )


def file_row(file: GalleryFile) -> bytes:
    """Return the line of a file, as `rows` writes a match, without query, rank, score and kind."""
    return line(file_values(file))


def file_values(file: GalleryFile) -> list[object]:
    """Return the cells of a file."""
    values = file_keys(file)
    path = printable(os.fspath(file.path))
    exact = path == os.fspath(file.path)
    values |= {
        "path": harmless(path),
        "path_base64": "" if exact else base64.b64encode(os.fsencode(file.path)).decode("ascii"),
        "root": harmless(printable(os.fspath(file.root))),
        "camera": harmless(printable(file.camera or "")),
        "lens": harmless(printable(file.lens or "")),
        "offline": truth(file.offline),
        "duplicates": len(file.duplicates),
    }
    return [values[column] for column in FILE_COLUMNS]


def harmless(cell: str) -> str:
    """Return text from outside so that no spreadsheet takes it for a formula.

    As the OWASP advises on "CSV injection". Figures are not passed through here.
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def truth(value: bool) -> str:  # noqa: FBT001 - what is written
    """Return "true" or "false"."""
    return "true" if value else "false"


def line(values: Sequence[object]) -> bytes:
    """Return one line of CSV, in UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "backslashreplace")
