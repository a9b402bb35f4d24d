"""What there is among some contents: dates, cameras, lenses, formats, places."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.storage.filter_condition import Condition
from imgsearch.storage.filters import conditions
from imgsearch.storage.passing import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters

MOST_PLACES: Final = 5_000


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
        places: to a tenth of a degree; to a whole one where there are thousands.
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
    in_a_file = Condition("id IN (SELECT content_id FROM file)")
    both = joined([in_a_file, *conditions(where, store).values()])

    # One look at every content, counted here, takes half as long as five that SQLite groups.
    rows = store.connection.execute(
        "SELECT substr(taken, 1, 7), camera, lens, format, round(latitude, 1), "  # noqa: S608 - conditions are code, their values are bound
        f"round(longitude, 1) FROM content WHERE {both.sql}",
        both.values,
    ).fetchall()
    months, cameras, lenses, formats, *place = zip(*rows, strict=True) if rows else ((),) * 6
    return Facets(
        total=len(rows),
        months=tuple(
            ValueCount(*pair)
            for pair in sorted(Counter(months).items(), key=lambda pair: (pair[0] is None, pair))
        ),
        cameras=_most_frequent(cameras, most),
        lenses=_most_frequent(lenses, most),
        formats=_most_frequent(formats, most),
        places=_places(Counter(zip(*place, strict=True))),
    )


def _places(found: Counter[tuple[float | None, float | None]]) -> tuple[PlaceCount, ...]:
    """Return places to a tenth of a degree; where they are very many, to a whole one."""
    counts: dict[tuple[float, float], int] = {}
    digits = 1 if len(found) <= MOST_PLACES else 0
    for (latitude, longitude), count in found.items():
        if latitude is not None and longitude is not None:
            place = round(latitude, digits), round(longitude, digits)
            counts[place] = counts.get(place, 0) + count
    return tuple(PlaceCount(*place, count) for place, count in sorted(counts.items()))


def _most_frequent(values: Iterable[str | None], most: int) -> tuple[ValueCount, ...]:
    def rank(pair: tuple[str | None, int]) -> tuple[int, bool, str]:
        return -pair[1], pair[0] is not None, pair[0] or ""

    return tuple(ValueCount(*pair) for pair in sorted(Counter(values).items(), key=rank)[:most])
