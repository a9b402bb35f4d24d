"""Whose each row of embeddings is: read from CSV, JSON Lines, plain lines or Parquet."""

from __future__ import annotations

import base64
import csv
import json
import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import UsageError
from imgsearch.exchange.layouts import (
    CONTENT_COLUMNS,
    EMBEDDING_COLUMNS,
    NUMBER_COLUMNS,
    PATH_COLUMNS,
    ROOTS,
    TEXT_COLUMNS,
    WHOLE_COLUMNS,
)
from imgsearch.exchange.parquet import Table
from imgsearch.images.metadata import TEXT_LIMIT, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUFFIXES: Final = (".jsonl", ".csv", ".tsv", ".parquet", ".txt")
UNKNOWN_FORMAT: Final = "unknown"

_HASH: Final = re.compile("[0-9a-f]{64}")
_TAKEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_BASE64: Final = "_base64"  # after a column's name: the exact bytes of its paths
_KNOWN: Final = frozenset(
    (
        *(*PATH_COLUMNS, *CONTENT_COLUMNS, *WHOLE_COLUMNS, *TEXT_COLUMNS, *NUMBER_COLUMNS, ROOTS),
        *(f"{name}{_BASE64}" for name in ("paths", ROOTS)),
    )
)
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """What a listing says of one row.

    Attributes:
        paths: of the files, in stored form, absolute or relative; one at least.
        roots: of an export, that of each file, in stored form; else none.
        content: SHA-256 of their bytes, 64 hexadecimal digits; None if it is not said.
        bytes: their number; 0 if it is not said.
        metadata: a width and height of 1 and a format of "unknown" where they are not said.
    """

    paths: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    content: str | None
    bytes: int
    metadata: Metadata


class Listing:
    """A file that says whose each row is.

    Attributes:
        path: the file.
        ignored: the names of columns that mean nothing here.
    """

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            UsageError: it is of no known kind, or no column holds paths.
            MissingExtraError: Parquet without the extra.
        """
        self.path = path
        self._table: Table | None = None
        if path.suffix not in SUFFIXES:
            raise UsageError(f"{path}: expected a listing whose name ends in {', '.join(SUFFIXES)}")
        try:
            columns = self._columns()
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{path}: can't be read ({error})") from error
        self._place = next((name for name in PATH_COLUMNS if name in columns), None)
        if self._place is None:
            raise UsageError(
                f"{path}: no column of paths among {', '.join(map(repr, columns)) or 'none'}; "
                f"expected one of {', '.join(PATH_COLUMNS)}"
            )
        self.ignored = tuple(
            name for name in columns if name not in _KNOWN and name not in EMBEDDING_COLUMNS
        )
        self._wanted = [name for name in columns if name in _KNOWN]

    def __iter__(self) -> Iterator[ListedPicture]:
        """Yield what is said of each row.

        Raises:
            UsageError: a row that makes no sense, with its number.
        """
        done = 0
        try:
            for record in self._records():
                yield self._picture(record)
                done += 1
        except (ValueError, TypeError, KeyError, OSError, csv.Error, RecursionError) as error:
            raise UsageError(f"{self.path}: row {done + 1}: {error}") from error

    def _columns(self) -> list[str]:
        match self.path.suffix:
            case ".parquet":
                self._table = Table(self.path)
                return list(self._table.columns)
            case ".txt":
                return ["path"]
            case ".jsonl":
                with self.path.open(encoding="utf-8") as lines:
                    first = json.loads(next(lines, "{}"))
                return list(first) if isinstance(first, dict) and first else ["path"]
            case _:
                with self.path.open(encoding="utf-8-sig", newline="") as lines:
                    return next(csv.reader(lines, delimiter=self._delimiter), [])

    @property
    def _delimiter(self) -> str:
        return "\t" if self.path.suffix == ".tsv" else ","

    def _records(self) -> Iterator[Mapping[str, Any]]:
        if self._table is not None:
            yield from self._table.records(self._wanted)
        elif self.path.suffix == ".txt":
            with self.path.open("rb") as lines:
                for raw in lines:
                    yield {"path": os.fsdecode(raw.rstrip(b"\r\n"))}
        elif self.path.suffix == ".jsonl":
            with self.path.open(encoding="utf-8") as lines:
                for line in lines:
                    record = json.loads(line)
                    if not isinstance(record, dict):
                        raise TypeError("expected one JSON object on each line")
                    yield record
        else:
            with self.path.open(encoding="utf-8-sig", newline="") as lines:
                for row in csv.DictReader(lines, delimiter=self._delimiter):
                    # An empty cell says nothing.
                    yield {name: value for name, value in row.items() if name and value}

    def _picture(self, record: Mapping[str, Any]) -> ListedPicture:
        content = next((record[name] for name in CONTENT_COLUMNS if record.get(name)), None)
        if content is not None:
            content = str(content).lower()
            if not _HASH.fullmatch(content):
                raise ValueError(f"content: {content!r} is no SHA-256, 64 hexadecimal digits")
        whole = {name: _whole(record, name) for name in WHOLE_COLUMNS}
        orientation = whole["orientation"] or 1
        return ListedPicture(
            paths=self._paths(record),
            roots=_roots(record),
            content=content,
            bytes=whole["bytes"] or 0,
            metadata=Metadata(
                width=whole["width"] or 1,
                height=whole["height"] or 1,
                format=_text(record, "format") or UNKNOWN_FORMAT,
                taken=_taken(record),
                camera=_text(record, "camera"),
                lens=_text(record, "lens"),
                latitude=_degrees(record, "latitude", 90),
                longitude=_degrees(record, "longitude", 180),
                orientation=orientation if orientation <= 8 else 1,  # noqa: PLR2004 - EXIF has eight
            ),
        )

    def _paths(self, record: Mapping[str, Any]) -> tuple[bytes, ...]:
        exact = record.get(f"paths{_BASE64}")
        if exact:
            return tuple(base64.b64decode(path, validate=True) for path in exact)
        named = record.get(self._place or "")
        if isinstance(named, str):
            named = [named]
        if not isinstance(named, list) or not named:
            raise ValueError(f"{self._place}: no path")
        if not all(isinstance(path, str) and path and "\0" not in path for path in named):
            raise ValueError(
                f"{self._place}: {named[0] if len(named) == 1 else named!r:.80} is no path"
            )
        return tuple(os.fsencode(path) for path in named)


def _roots(record: Mapping[str, Any]) -> tuple[bytes, ...]:
    exact = record.get(f"{ROOTS}{_BASE64}")
    if exact:
        return tuple(base64.b64decode(path, validate=True) for path in exact)
    named = record.get(ROOTS) or ()
    return tuple(os.fsencode(path) for path in named if isinstance(path, str))


def _whole(record: Mapping[str, Any], name: str) -> int | None:
    value = record.get(name)
    if value is None:
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        number = -1
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"{name}: {value!r:.40} is no whole number of 0 or more")
    return number


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    return None if value is None else str(value)[:TEXT_LIMIT] or None


def _taken(record: Mapping[str, Any]) -> str | None:
    value = _text(record, "taken")
    if value is not None and not _TAKEN.fullmatch(value):
        raise ValueError(f"taken: {value!r} is no time such as 2024-05-01T12:00:00")
    return value


def _degrees(record: Mapping[str, Any], name: str, most: int) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    degrees = float(value)
    if not math.isfinite(degrees) or abs(degrees) > most:
        raise ValueError(f"{name}: {value!r:.40} is not within {most} degrees")
    return degrees
