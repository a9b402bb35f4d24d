"""What a match must be besides similar.

A filter is one field of `Filters`: its value, its check and its SQL condition stand together
there. The field's name is the filter's name in error messages and in JSON. A subclass of
`Filters` may add fields of its own with `filtered`; queries obey them like the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.storage.places import Near, distance_km

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root

T = TypeVar("T")
D = TypeVar("D")

_FILTER: Final = "filter"
_DATE: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?)?)?)?")
_DATE_FILL: Final = "0000-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition on a row of `content`.

    Attributes:
        sql: over the columns of `content`, with a question mark for each value.
        values: for the question marks, in their order.
    """

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class _Filter:
    condition: Callable[[Any, Store], Condition]
    check: Callable[[str, Any], None] | None


def filtered(
    condition: Callable[[T, Store], Condition],
    default: D,
    *,
    check: Callable[[str, T], None] | None = None,
) -> T | D:
    """Declare a filter, as a field of `Filters` or of a subclass.

    Args:
        condition: called with a value that differs from the default, and the store that is
            asked; may give the store's connection an SQL function.
        default: lets every content pass.
        check: called with the field's name and such a value; raises `UsageError` for a value
            that makes no sense.
    """
    return field(default=default, metadata={_FILTER: _Filter(condition, check)})


def full_date(date: str) -> str:
    """Return the first second of a year, month, day or minute, as "2024-05-01T00:00:00"."""
    return date + _DATE_FILL[len(date) :]


def _check_date(name: str, date: str) -> None:
    is_date = _DATE.fullmatch(date) is not None
    if is_date:
        try:
            datetime.fromisoformat(full_date(date))
        except ValueError:
            is_date = False
    if not is_date:
        raise UsageError(
            f"{name}: {date!r} is not a date such as 2024, 2024-05, 2024-05-01 or 2024-05-01T12:00"
        )


def _lies_under_one(folders: tuple[Path, ...], store: Store) -> Condition:
    roots = store.roots()
    parts = [part for folder in folders for part in parts_under(folder, roots)]
    either = " OR ".join(["(root_id = ? AND (path = ? OR (path >= ? AND path < ?)))"] * len(parts))
    return Condition(
        f"id IN (SELECT content_id FROM file WHERE {either})",  # noqa: S608 - only question marks
        tuple(
            value for root_id, below in parts for value in (root_id, below, *paths.beneath(below))
        ),
    )


def _is_near(near: Near, store: Store) -> Condition:
    store.connection.create_function("distance_km", 4, distance_km, deterministic=True)
    return Condition(
        "latitude IS NOT NULL AND longitude IS NOT NULL "
        "AND distance_km(latitude, longitude, ?, ?) <= ?",
        (near.latitude, near.longitude, near.kilometres),
    )


# What makers call themselves besides their name, and galleries' cameras need not.
_COMPANY: Final = frozenset({
    "ag", "camera", "co", "company", "corp", "corporation", "digital", "eastman",
    "electronics", "gmbh", "imaging", "inc", "kk", "ltd", "optical", "techwin",
})  # fmt: skip


def _has_camera(part: str, _: Store) -> Condition:
    """Match a part of the name, or "NIKON CORPORATION NIKON D850" as the gallery has it.

    A gallery keeps make and model without what is said twice.
    """
    plain = [word.strip(",.") for word in part.casefold().split()]
    words = [word for word in plain if word and word not in _COMPANY]
    once = [word for word, before in zip(words, ["", *words], strict=False) if word != before]
    texts = (_text(part), _text(" ".join(once)) or _text(part))
    return Condition(
        "(instr(lower(camera), lower(?)) > 0 OR instr(lower(camera), lower(?)) > 0)", texts
    )


def _is_one_of(formats: tuple[str, ...], _: Store) -> Condition:
    from imgsearch.images.formats import name_of

    marks = ", ".join("?" * len(formats))
    return Condition(f"format IN ({marks})", tuple(name_of(_text(name)) for name in formats))


def _text(word: str) -> str:
    """Return a word that SQLite takes, even if a command line held bytes that are not UTF-8."""
    return word.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a match must be, besides similar. Filters act inside the search: k stays k.

    Attributes:
        under: folders or files, one of which the match lies under.
        after: earliest capture time, such as "2024", "2024-05" or "2024-05-01T12:00:00".
        before: capture time that the match is earlier than.
        camera: part of the camera's name, in any case; make and model as EXIF has them will do.
        near: circle in which the image was taken.
        min_width: pixels, as displayed.
        min_height: pixels, as displayed.
        formats: one of these, such as "JPEG", in any case.
    """

    under: tuple[Path, ...] = filtered(_lies_under_one, ())
    after: str | None = filtered(
        lambda date, _: Condition("taken >= ?", (full_date(date),)), None, check=_check_date
    )
    before: str | None = filtered(
        lambda date, _: Condition("taken < ?", (full_date(date),)), None, check=_check_date
    )
    camera: str | None = filtered(_has_camera, None)
    near: Near | None = filtered(_is_near, None)  # noqa: RUF009 - it declares a field, as field() does
    min_width: int | None = filtered(lambda least, _: Condition("width >= ?", (least,)), None)
    min_height: int | None = filtered(lambda least, _: Condition("height >= ?", (least,)), None)
    formats: tuple[str, ...] = filtered(_is_one_of, ())

    def __post_init__(self) -> None:
        """Refuse values that make no sense, such as dates that do not exist.

        Raises:
            UsageError: names the filter and the value.
        """
        for name, declared, value in _given(self):
            if declared.check is not None:
                declared.check(name, value)


def _given(where: Filters) -> Iterator[tuple[str, _Filter, Any]]:
    """Yield name, filter and value of each field that is not left at its default."""
    for declared in fields(where):
        value = getattr(where, declared.name)
        if value != declared.default:
            yield declared.name, declared.metadata[_FILTER], value


def allowed_ids(store: Store, where: Filters) -> NDArray[np.int64] | None:
    """Return the ids `(n,)` of the contents that pass all filters; None if none is given.

    Raises:
        UsageError: a folder that is not in the gallery.
    """
    conditions = [declared.condition(value, store) for _, declared, value in _given(where)]
    if not conditions:
        return None
    return store.content_ids_where(
        " AND ".join(f"({condition.sql})" for condition in conditions),
        [value for condition in conditions for value in condition.values],
    )


def parts_under(path: Path, roots: Collection[Root]) -> list[tuple[int, bytes]]:
    """Return the parts of roots, by id and stored relative folder, that lie under a path.

    Raises:
        UsageError: none does.
    """
    parts: list[tuple[int, bytes]] = []
    for root in roots:
        below = paths.relative_to(path, root.path)
        if below is not None:
            parts.append((root.id, below))
        elif root.path.is_relative_to(path):
            parts.append((root.id, b""))
    if not parts:
        known = ", ".join(str(root.path) for root in roots)
        raise UsageError(f"under: {path} is not in the gallery, whose folders are {known}")
    return parts


def lies_under(root_id: int, path: bytes, under: Sequence[list[tuple[int, bytes]]]) -> bool:
    """Say whether a file lies in one of the parts that `parts_under` gave for each path."""
    return not under or any(
        root_id == wanted and (below in (b"", path) or path.startswith(below + b"/"))
        for parts in under
        for wanted, below in parts
    )
