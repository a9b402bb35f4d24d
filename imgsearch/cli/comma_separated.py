"""A query's matches as CSV. docs/json.md describes the columns."""

from __future__ import annotations

import base64
import csv
import io
import os
from typing import TYPE_CHECKING, Final

from imgsearch.documents.gallery_documents import match_keys
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgsearch.search.matches import Match

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Final = (
    "query",
    "rank",
    "score",
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


def head() -> bytes:
    """Return the header line."""
    return _line(COLUMNS)


def rows(query: str, matches: Iterable[Match]) -> bytes:
    """Return one line for each match.

    Control characters and bytes that are not UTF-8 are escaped; `path_base64` then holds the
    path's exact bytes.
    """
    return b"".join(_row(query, match) for match in matches)


def _row(query: str, match: Match) -> bytes:
    values = match_keys(match)
    path = printable(os.fspath(match.path))
    exact = path == os.fspath(match.path)
    values |= {
        "query": _harmless(query),
        "path": _harmless(path),
        "path_base64": "" if exact else base64.b64encode(os.fsencode(match.path)).decode("ascii"),
        "root": _harmless(printable(os.fspath(match.root))),
        "score": f"{match.score:.6f}",
        "camera": _harmless(printable(match.camera or "")),
        "lens": _harmless(printable(match.lens or "")),
        "offline": "true" if match.offline else "false",
        "duplicates": len(match.duplicates),
    }
    return _line([values[column] for column in COLUMNS])


def _harmless(cell: str) -> str:
    """Return text from outside so that no spreadsheet takes it for a formula.

    As the OWASP advises on "CSV injection". Figures are not passed through here.
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _line(values: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace")
