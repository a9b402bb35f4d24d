"""What a match must be besides similar.

A filter is one field of `Filters`: its value, its check and its SQL condition stand together
there. The field's name is the filter's name in error messages and in JSON. A subclass of
`Filters` may add fields of its own with `filtered`; queries obey them like the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from imgsearch import paths
from imgsearch.addresses import named
from imgsearch.errors import UsageError
from imgsearch.storage.camera_names import camera_texts, storable
from imgsearch.storage.filter_condition import LISTED, Condition, on_column
from imgsearch.storage.places import Near, distance_km
from imgsearch.storage.under import parts_under

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imgsearch.storage.database import Store


T = TypeVar("T")
D = TypeVar("D")
Undated = Literal["include", "exclude"]

_FILTER: Final = "filter"
_DATE: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?)?)?)?")
_DATE_FILL: Final = "0000-01-01T00:00:00"
# As `LISTED`: of folders rows of files are read, and of places only some in a band pass.
_LISTED_SLOWLY: Final = 3


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
    _check_type(name, date, str, 'text such as "2024-05"')
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


def _check_type(name: str, value: object, kind: type, wanted: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"{name}: {value!r} is of type {type(value).__name__}; give {wanted}")


def _check_pixels(name: str, pixels: int) -> None:
    _check_type(name, pixels, int, "a whole number of pixels")


def _check_place(name: str, near: Near) -> None:
    _check_type(name, near, Near, "Near(latitude, longitude, kilometres)")


def _several(name: str, value: object, kinds: tuple[type, ...], wanted: str) -> tuple[Any, ...]:
    """Return one value, or several, as a tuple."""
    if isinstance(value, kinds):
        return (value,)
    try:
        values: tuple[Any, ...] = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        values = (value,)
    for one in values:
        if not isinstance(one, kinds):
            raise UsageError(f"{name}: {one!r} is of type {type(one).__name__}; give {wanted}")
    return values


def _lies_under_one(folders: tuple[Path, ...], store: Store) -> Condition:
    known = store.known_roots()
    parts = dict.fromkeys(part for folder in folders for part in parts_under(folder, known))
    # A table, as one expression over thousands of parts is more than SQLite takes.
    store.temporary_table(
        "CREATE TEMP TABLE IF NOT EXISTS part_under "
        "(root_id INTEGER, below BLOB, first BLOB, last BLOB, PRIMARY KEY (root_id, below)) "
        "WITHOUT ROWID"
    )
    store.connection.execute("DELETE FROM temp.part_under")
    store.connection.executemany(
        "INSERT INTO temp.part_under VALUES (?, ?, ?, ?)",
        ((root_id, below, *paths.beneath(below)) for root_id, below in parts),
    )
    return Condition(
        "id IN (SELECT content_id FROM part_under CROSS JOIN file "
        "ON file.root_id = part_under.root_id AND path = below "
        "UNION ALL SELECT content_id FROM part_under CROSS JOIN file "
        "ON file.root_id = part_under.root_id AND path >= first AND path < last)",
        of_few=(
            "EXISTS (SELECT 1 FROM file CROSS JOIN part_under ON part_under.root_id = file.root_id "
            "AND (path = below OR (path >= first AND path < last)) "
            "WHERE file.content_id = content.id)"
        ),
        source=(
            "SELECT content_id AS id FROM part_under CROSS JOIN file "
            "ON file.root_id = part_under.root_id AND path = below WHERE content_id IS NOT NULL "
            "UNION ALL SELECT content_id FROM part_under CROSS JOIN file "
            "ON file.root_id = part_under.root_id AND path >= first AND path < last "
            "WHERE content_id IS NOT NULL"
        ),
        key=tuple(parts),
        listed=_LISTED_SLOWLY,
    )


def _is_near(near: Near, store: Store) -> Condition:
    store.function("distance_km", distance_km, 4)
    across = " OR ".join(["longitude BETWEEN ? AND ?"] * len(near.longitudes))
    # Most of what passes lies in a rectangle within the circle, and is not asked for its distance.
    return Condition(
        f"latitude BETWEEN ? AND ? AND ({across}) AND ("
        "(latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?) "
        "OR distance_km(latitude, longitude, ?, ?) <= ?)",
        (
            *near.latitudes,
            *(degrees for reach in near.longitudes for degrees in reach),
            *near.inside,
            *(near.latitude, near.longitude, near.kilometres),
        ),
        key="place",
        listed=_LISTED_SLOWLY * store.has_index("content_by_place"),
    )


def _has_camera(part: str, store: Store) -> Condition:
    """Match a part of the name, or "NIKON CORPORATION NIKON D850" as the gallery has it.

    A gallery keeps make and model without what is said twice.
    """
    texts = camera_texts(part)
    each = "(instr(lower(camera), lower(?)) > 0 OR instr(lower(camera), lower(?)) > 0)"
    if not store.has_index("content_by_camera"):
        return Condition(each, texts, key="camera")
    # By the few names that there are, each of which is looked up in the index.
    return Condition(
        "camera IN (WITH RECURSIVE name (camera) AS (SELECT MIN(camera) FROM content "  # noqa: S608 - a constant
        "UNION ALL SELECT (SELECT MIN(camera) FROM content WHERE camera > name.camera) "
        f"FROM name WHERE name.camera IS NOT NULL) SELECT camera FROM name WHERE {each})",
        texts,
        of_few=each,
        key="camera",
        listed=LISTED,
    )


def _is_one_of(formats: tuple[str, ...], store: Store) -> Condition:
    from imgsearch.images.formats import all_formats, name_of

    names = [name_of(storable(name)) for name in formats]
    known = [row.name for row in all_formats()]
    for given, name in zip(formats, names, strict=True):
        # A gallery may hold formats that another program has registered.
        if name not in known and not len(store.content_ids_where("format = ?", (name,))):
            raise UsageError(f"formats: {given!r} is not a format; choose from {', '.join(known)}")
    marks = ", ".join("?" * len(names))
    return on_column("format", f"IN ({marks})", names, store)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a match must be, besides similar. Filters act inside the search: k stays k.

    Attributes:
        under: folders or files, one of which the match lies under; one may stand by itself.
        after: earliest capture time, such as "2024", "2024-05" or "2024-05-01T12:00:00".
        before: capture time that the match is earlier than.
        camera: part of the camera's name, in any case; make and model as EXIF has them will do.
        lens: part of the lens's name, in any case.
        near: circle in which the image was taken.
        min_width: pixels, as displayed.
        min_height: pixels, as displayed.
        formats: one of these, such as "JPEG", in any case; one may stand by itself.
        undated: "include" lets contents without a capture time pass `after` and `before`.
    """

    under: tuple[Path, ...] = filtered(_lies_under_one, ())
    after: str | None = filtered(
        lambda date, store: on_column("taken", ">= ?", [full_date(date)], store),
        None,
        check=_check_date,
    )
    before: str | None = filtered(
        lambda date, store: on_column("taken", "< ?", [full_date(date)], store),
        None,
        check=_check_date,
    )
    camera: str | None = filtered(_has_camera, None)
    lens: str | None = filtered(
        lambda part, _: Condition(
            "instr(lower(lens), lower(?)) > 0", (storable(part),), key="lens"
        ),
        None,
    )
    near: Near | None = filtered(_is_near, None, check=_check_place)  # noqa: RUF009 - it declares a field, as field() does
    min_width: int | None = filtered(
        lambda least, store: on_column("width", ">= ?", [least], store),
        None,
        check=_check_pixels,
    )
    min_height: int | None = filtered(
        lambda least, store: on_column("height", ">= ?", [least], store),
        None,
        check=_check_pixels,
    )
    formats: tuple[str, ...] = filtered(_is_one_of, ())
    undated: Undated = "exclude"

    def __post_init__(self) -> None:
        """Refuse values that make no sense, such as dates that do not exist.

        Raises:
            UsageError: names the filter and the value.
        """
        under = _several("under", self.under, (str, Path), "paths of folders")
        object.__setattr__(
            self, "under", tuple(path if isinstance(path, Path) else named(path) for path in under)
        )
        formats = _several("formats", self.formats, (str,), 'names such as "JPEG"')
        object.__setattr__(self, "formats", formats)
        for name, part in (("camera", self.camera), ("lens", self.lens)):
            if part is not None:
                _check_type(name, part, str, f"part of a {name}'s name")
        if self.undated not in get_args(Undated):
            raise UsageError(f"undated: {self.undated!r} is neither include nor exclude")
        for name, declared, value in _given(self):
            if declared.check is not None:
                declared.check(name, value)


def given_values(where: Filters) -> dict[str, Any]:
    """Return the value of each filter that is not left at its default, by its name."""
    return {name: value for name, _, value in _given(where)}


def _given(where: Filters) -> Iterator[tuple[str, _Filter, Any]]:
    """Yield name, filter and value of each field that is not left at its default."""
    for declared in fields(where):
        value = getattr(where, declared.name)
        if _FILTER in declared.metadata and value != declared.default:
            yield declared.name, declared.metadata[_FILTER], value


EVERYTHING: Final = Filters()
"""Filters that let everything pass."""


def conditions(where: Filters, store: Store) -> dict[str, Condition]:
    """Return the condition of each filter that is given, by its name.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    if where is EVERYTHING:
        return {}  # as in most questions
    found = {name: declared.condition(value, store) for name, declared, value in _given(where)}
    if where.undated == "include":
        for name in found.keys() & {"after", "before"}:
            found[name] = replace(found[name], sql=f"{found[name].sql} OR taken IS NULL")
    return found
