"""What there is among some contents: dates, cameras, lenses, formats, places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgsearch.storage.filters import Condition, conditions, joined

if TYPE_CHECKING:
    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many contents have a value; None stands for those without one."""

    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """How many contents were taken near a place, which is a corner of a grid, in degrees."""

    latitude: float
    longitude: float
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What there is among some contents.

    Attributes:
        total: how many contents.
        months: "2024-05", ascending, None last.
        cameras: the most frequent first, None among them.
        lenses: likewise.
        formats: likewise.
        places: to a tenth of a degree.
    """

    total: int
    months: tuple[ValueCount, ...]
    cameras: tuple[ValueCount, ...]
    lenses: tuple[ValueCount, ...]
    formats: tuple[ValueCount, ...]
    places: tuple[PlaceCount, ...]


def facets(store: Store, where: Filters, *, most: int = 200) -> Facets:
    """Count what there is among the contents in files that pass the filters.

    Args:
        store: in a snapshot.
        where: the filters.
        most: values of each kind, months apart.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    in_a_file = Condition("EXISTS (SELECT 1 FROM file WHERE content_id = content.id)")
    both = joined([in_a_file, *conditions(where, store).values()])

    def counts(
        what: str, order: str = "n DESC, value", limit: int = most
    ) -> tuple[ValueCount, ...]:
        rows = store.connection.execute(
            f"SELECT {what} AS value, COUNT(*) AS n FROM content WHERE {both.sql} "  # noqa: S608 - conditions are code, their values are bound
            f"GROUP BY value ORDER BY {order} LIMIT ?",
            (*both.values, limit),
        )
        return tuple(ValueCount(*row) for row in rows)

    months = counts("substr(taken, 1, 7)", "value IS NULL, value", -1)
    places = store.connection.execute(
        "SELECT round(latitude, 1), round(longitude, 1), COUNT(*) FROM content "  # noqa: S608 - likewise
        f"WHERE latitude IS NOT NULL AND longitude IS NOT NULL AND {both.sql} GROUP BY 1, 2",
        both.values,
    )
    return Facets(
        total=sum(month.count for month in months),
        months=months,
        cameras=counts("camera"),
        lenses=counts("lens"),
        formats=counts("format"),
        places=tuple(PlaceCount(*row) for row in places),
    )
