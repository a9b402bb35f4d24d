"""Tables and conditions in PostgreSQL's language; every value is bound, every name quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from imgsearch.paths import beneath
from imgsearch.services.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Lacks,
    LessThan,
    OneOf,
    UnderOneOf,
)
from imgsearch.storage.places import EARTH_RADIUS_KM, Near

if TYPE_CHECKING:
    from imgsearch.services.conditions import Condition, Folder

SCHEMA: Final = "imgsearch"
# Readers may come without the right to make any of it, writers once without its being there.
FOUNDATION: Final = (
    "CREATE SCHEMA IF NOT EXISTS imgsearch",
    (
        "CREATE TABLE IF NOT EXISTS imgsearch.version (number bigint GENERATED ALWAYS AS IDENTITY "
        "PRIMARY KEY, collection text NOT NULL, space text NOT NULL, dim int NOT NULL, "
        "description text, stamp uuid)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS imgsearch.collection "
        "(name text PRIMARY KEY, version bigint NOT NULL REFERENCES imgsearch.version)"
    ),
)
COLUMNS: Final = (
    "id", "content", "mark", "vector", "bytes", "width", "height", "format", "taken", "camera",
    "lens", "latitude", "longitude",
)  # fmt: skip
# By which COPY takes them; the bytes of a vector are those of its binary form.
COPIED_AS: Final = (
    "int8", "bytea", "int8", "bytea", "int8", "int8", "int8", "text", "text", "text", "text",
    "float8", "float8",
)  # fmt: skip
# pgvector's own limit for an HNSW index.
LONGEST_INDEXED: Final = 2000
EVERYTHING_SQL: Final = sql.SQL("true")
_RANGES: Final = sql.SQL(
    "unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS part (in_root, first, last)"
)
# Great circles as `imgsearch.storage.places.distance_km` has them.
_DISTANCE: Final = sql.SQL(
    "2 * {radius} * asin(least(1, sqrt(power(sin(radians(%s - latitude) / 2), 2) "
    "+ cos(radians(latitude)) * cos(radians(%s)) * power(sin(radians(%s - longitude) / 2), 2))))"
).format(radius=sql.Literal(EARTH_RADIUS_KM))
# Sums in another order may differ in their last digits; what comes back is looked at again.
_A_LITTLE: Final = 1e-9


def table(kind: str, number: int) -> sql.Identifier:
    """Return the name of a version's table, "entry" or "file"."""
    return sql.Identifier(SCHEMA, f"{kind}_{number}")


def making_tables(number: int, dim: int) -> list[sql.Composed]:
    """Return what makes the tables of a version."""
    names = {"entry": table("entry", number), "file": table("file", number)}
    return [
        sql.SQL(text).format(dim=sql.Literal(dim), **names)
        for text in (
            (
                "CREATE TABLE {entry} (id bigint PRIMARY KEY, content bytea NOT NULL, "
                "mark bigint NOT NULL, vector vector({dim}) NOT NULL, bytes bigint NOT NULL, "
                'width bigint NOT NULL, height bigint NOT NULL, format text COLLATE "C" NOT NULL, '
                'taken text COLLATE "C", camera text COLLATE "C", lens text COLLATE "C", '
                "latitude float8, longitude float8)"
            ),
            "CREATE TABLE {file} (id bigint NOT NULL, root bigint NOT NULL, path bytea NOT NULL)",
            "CREATE INDEX ON {entry} (content)",
            "CREATE INDEX ON {entry} (taken)",
            "CREATE INDEX ON {entry} (camera)",
            "CREATE INDEX ON {file} (id)",
            "CREATE INDEX ON {file} (root, path)",
        )
    ]


def condition_sql(
    condition: Condition, number: int, *, one_by_one: bool = False
) -> tuple[sql.Composable, list[Any]]:
    """Return a condition on a row of entries, and the values for its placeholders.

    Args:
        condition: the tree.
        number: of the version.
        one_by_one: for a search that looks at few entries, each of which is asked for its files;
            else all entries under folders are listed.
    """
    match condition:
        case AllOf(()):
            return EVERYTHING_SQL, []
        case AllOf(conditions):
            return _joined(conditions, sql.SQL(" AND "), number, one_by_one=one_by_one)
        case AnyOf(conditions):
            return _joined(conditions, sql.SQL(" OR "), number, one_by_one=one_by_one)
        case Near():
            return _near(condition)
        case UnderOneOf(folders):
            return _under(folders, number, one_by_one=one_by_one)
        case _:
            return _of_field(condition)


def _of_field(condition: OneOf | AtLeast | LessThan | Lacks) -> tuple[sql.Composable, list[Any]]:
    name = sql.Identifier(condition.field)
    match condition:
        case OneOf(_, names):
            return sql.SQL("{} = ANY(%s)").format(name), [list(names)]
        case AtLeast(_, value):
            return sql.SQL("{} >= %s").format(name), [value]
        case LessThan(_, value):
            return sql.SQL("{} < %s").format(name), [value]
        case Lacks():
            return sql.SQL("{} IS NULL").format(name), []


def _near(near: Near) -> tuple[sql.Composable, list[Any]]:
    south, north = near.latitudes
    most = near.kilometres * (1 + _A_LITTLE) + _A_LITTLE
    values = [south, north, near.latitude, near.latitude, near.longitude, most]
    return sql.SQL("latitude BETWEEN %s AND %s AND {} <= %s").format(_DISTANCE), values


def _under(
    folders: tuple[Folder, ...], number: int, *, one_by_one: bool
) -> tuple[sql.Composable, list[Any]]:
    # Ranges of paths, of which the file itself is one.
    ranges = [
        (folder.root, *ends)
        for folder in folders
        for ends in (beneath(folder.below), (folder.below, folder.below + b"\0"))
    ]
    roots, first, last = zip(*ranges, strict=True) if ranges else ((), (), ())
    names = {"entry": table("entry", number), "file": table("file", number)}
    if one_by_one:
        # A count, and not EXISTS, which the planner would turn into a list of all.
        text = (
            "(SELECT count(*) FROM {file} AS own JOIN {ranges} ON root = in_root "
            "AND path >= first AND path < last WHERE own.id = {entry}.id) > 0"
        )
    else:
        # OFFSET keeps the planner from joining all files of a root with all ranges, and has it
        # look each range up.
        text = (
            "id IN (SELECT found.id FROM {ranges} CROSS JOIN LATERAL (SELECT id FROM {file} "
            "WHERE root = in_root AND path >= first AND path < last OFFSET 0) AS found)"
        )
    return sql.SQL(text).format(ranges=_RANGES, **names), [list(roots), list(first), list(last)]


def _joined(
    conditions: tuple[Condition, ...], word: sql.SQL, number: int, *, one_by_one: bool
) -> tuple[sql.Composable, list[Any]]:
    parts: list[sql.Composable] = []
    values: list[Any] = []
    for condition in conditions:
        part, its = condition_sql(condition, number, one_by_one=one_by_one)
        parts.append(sql.SQL("({})").format(part))
        values += its
    # Of no conditions, one holds never.
    return word.join(parts) if parts else sql.SQL("false"), values
