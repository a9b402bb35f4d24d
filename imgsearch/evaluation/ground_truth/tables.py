"""Questions and right answers from a table: CSV, or JSON Lines."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.labels import require_answers
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query
from imgsearch.images.geometry import CropBox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from imgsearch.evaluation.ground_truth.image_files import ImageFiles

SEPARATOR: Final = ";"
_COLUMNS: Final = ("query", "relevant", "junk", "group")
_KEYS: Final = (*_COLUMNS, "crop")
_CORNERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line of the table."""

    query: str
    relevant: tuple[str, ...]
    junk: tuple[str, ...]
    group: str | None
    crop: CropBox | None


@dataclass(slots=True)
class _Question:
    """One query, merged from all lines so far: items, each with the line that named it."""

    relevant: dict[int, int] = field(default_factory=dict)
    junk: dict[int, int] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)


def read_table(files: ImageFiles, path: Path) -> tuple[GroundTruth]:
    """Read queries, their relevant images and their junk from a CSV or JSON Lines file.

    All images of the folder are searched, named or not. Paths are relative to the folder, or
    absolute and within it. Rows of the same query (and crop) are taken together. A query is
    never an answer to itself, even if the table says so; the image that a crop is taken from
    is junk unless the table names it. Without a group, each query is a group of its own; with
    several, from as many rows, it counts in each of them, and all queries of groups that share
    one are a cluster.

    CSV has a header with the columns query, relevant and, if wanted, junk and group; a cell of
    relevant or junk holds one path, several separated by ";", or nothing. JSON Lines has an
    object a line: {"query": path, "relevant": [paths], "junk": [paths], "group": text,
    "crop": [left, top, right, bottom]}, the crop in pixels of the image as it is displayed.

    Args:
        files: what is searched.
        path: its suffix says which: .csv, .jsonl or .ndjson.

    Raises:
        UsageError: the file can't be read or has another suffix; or a line, named by its number,
            is not in the form above, names a file that is not there, or calls an image both
            relevant and junk.
    """
    questions: dict[tuple[int, CropBox | None], _Question] = {}
    for line, row in _rows(path):
        try:
            _take_in(questions, row, files, line=line)
        except UsageError as error:
            raise UsageError(f"{path}, line {line}: {error}") from error
    items = list(files.items)
    clusters = _clusters(questions.values())
    queries = []
    for (position, crop), question in questions.items():
        junk = dict(question.junk)
        group, *further = question.groups or (files.names[position],)
        asking = position
        if crop is not None:
            asking = len(items)
            items.append(Item(files.items[position].path, crop=crop))
            if position not in question.relevant:
                junk[position] = 0
        queries.append(
            Query(
                item=asking,
                relevant=_ascending(question.relevant, asking),
                junk=_ascending(junk, asking),
                group=group,
                further_groups=tuple(further),
                cluster=clusters.get(group),
            )
        )
    truth = GroundTruth(
        name="table",
        items=tuple(items),
        gallery=np.arange(len(files.items), dtype=np.int64),
        queries=tuple(queries),
    )
    return (require_answers(truth, remedy=f"name relevant images in {path}"),)


def _take_in(
    questions: dict[tuple[int, CropBox | None], _Question],
    row: _Row,
    files: ImageFiles,
    *,
    line: int,
) -> None:
    """Add a row to its question.

    Raises:
        UsageError: it names an image that is not there, or contradicts an earlier row.
    """
    if not row.query:
        raise UsageError("there is no query; expected the path of an image")
    position = _locate(files, row.query, role="query")
    question = questions.setdefault((position, row.crop), _Question())
    if row.group is not None:
        question.groups[row.group] = None
    for role, named, answers, others in (
        ("relevant", row.relevant, question.relevant, question.junk),
        ("junk", row.junk, question.junk, question.relevant),
    ):
        for name in named:
            answer = _locate(files, name, role=role)
            if answer in others:
                raise UsageError(
                    f"{name!r} is both relevant and junk to {row.query!r} (also line "
                    f"{others[answer]}); name it once"
                )
            answers.setdefault(answer, line)


def _clusters(questions: Iterable[_Question]) -> dict[str, str]:
    """Return the cluster of each group that shares a query with another one."""
    cluster: dict[str, str] = {}
    for question in questions:
        if len(question.groups) > 1:
            joined = {cluster.get(group, group) for group in question.groups}
            first = min(joined)
            members = [group for group, name in cluster.items() if name in joined]
            cluster.update(dict.fromkeys([*members, *question.groups], first))
    return cluster


def _locate(files: ImageFiles, path: str, *, role: str) -> int:
    try:
        return files.locate(path)
    except UsageError as error:
        raise UsageError(f"{role}: {error}") from error


def _ascending(
    positions: dict[int, int], asking: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(sorted(positions.keys() - {asking}), dtype=np.int64)


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    """Yield every row with the number of its (last) line.

    Raises:
        UsageError: the file can't be read, or a line is not in its form.
    """
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"{path}: {path.suffix!r} is unknown; expected .csv, .jsonl or .ndjson")
    try:
        # File names need not be UTF-8: surrogate escapes carry them as they do in paths.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from read(path, file)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _csv_rows(path: Path, file: Iterator[str]) -> Iterator[tuple[int, _Row]]:
    reader = csv.reader(file, strict=True)
    try:
        columns = [cell.strip() for cell in next(reader, [])]
        repeated = len(set(columns)) != len(columns)
        if repeated or not {"query", "relevant"} <= set(columns) <= set(_COLUMNS):
            raise UsageError(
                f"{path}, line 1: the header is {','.join(columns)!r}; expected query,relevant "
                "and, if wanted, junk and group, separated by commas"
            )
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                raise UsageError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, but the header has "
                    f"{len(columns)}; a path that holds a comma needs quotes around it"
                )
            said = dict(zip(columns, cells, strict=True))
            yield (
                reader.line_num,
                _Row(
                    query=said["query"].strip(),
                    relevant=_split(said["relevant"]),
                    junk=_split(said.get("junk", "")),
                    group=said.get("group", "").strip() or None,
                    crop=None,
                ),
            )
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error


def _split(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in cell.split(SEPARATOR))))


def _json_rows(path: Path, file: Iterator[str]) -> Iterator[tuple[int, _Row]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            yield line, _from_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or "too deep or too long"
            raise UsageError(
                f"{path}, line {line}: no JSON object on one line: {reason}"
            ) from error
        except UsageError as error:
            raise UsageError(f"{path}, line {line}: {error}") from error


def _from_json(said: Any) -> _Row:  # noqa: ANN401 - whatever the line holds
    """Check an object, and return it as a row.

    Raises:
        UsageError: a key is unknown or missing, or a value of the wrong kind.
    """
    if not isinstance(said, dict):
        raise UsageError(f"expected an object with the keys {', '.join(_KEYS)}")
    unknown = sorted(said.keys() - set(_KEYS))
    if unknown:
        raise UsageError(f"the key {unknown[0]!r} is unknown; expected {', '.join(_KEYS)}")
    if not isinstance(said.get("query"), str):
        raise UsageError("query: expected the path of an image, as text")
    group = said.get("group")
    if not (group is None or isinstance(group, str)):
        raise UsageError(f"group: {group!r} was received, expected text")
    return _Row(
        query=said["query"],
        relevant=_paths(said, "relevant"),
        junk=_paths(said, "junk"),
        group=group,
        crop=None if said.get("crop") is None else _crop(said["crop"]),
    )


def _paths(said: dict[str, Any], key: str) -> tuple[str, ...]:
    paths = said.get(key, [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise UsageError(f"{key}: {paths!r} was received, expected a list of paths")
    return tuple(paths)


def _crop(corners: Any) -> CropBox:  # noqa: ANN401 - whatever the line holds
    """Return a crop from its left, top, right and bottom in pixels.

    Raises:
        UsageError: these are not four numbers that describe a rectangle.
    """
    numbers = isinstance(corners, list) and all(type(value) in (int, float) for value in corners)
    if not numbers or len(corners) != _CORNERS:
        raise UsageError(f"crop: {corners!r} was received, expected [left, top, right, bottom]")
    try:
        left, top, right, bottom = map(float, corners)
    except OverflowError:
        raise UsageError(f"crop: {corners!r} holds a number that is too large") from None
    if not (right > left and bottom > top):
        raise UsageError(
            f"crop: {corners!r} is empty; expected [left, top, right, bottom], with right above "
            "left and bottom above top"
        )
    return CropBox(left, top, right - left, bottom - top)
