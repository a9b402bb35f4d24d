"""What a person is told of the contents that an answer passes over, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from imgsearch.storage.filter_condition import Condition
from imgsearch.storage.filters import conditions
from imgsearch.storage.passing import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters

OptionalColumn = Literal["taken", "camera", "lens", "latitude"]

_IN_A_FILE: Final = Condition("EXISTS (SELECT 1 FROM file WHERE content_id = content.id)")
# What filters ask of a content that may have none: the filters, the columns, their name.
MAY_LACK: Final[tuple[tuple[tuple[str, ...], OptionalColumn, str], ...]] = (
    (("after", "before"), "taken", "date"),
    (("camera",), "camera", "camera"),
    (("lens",), "lens", "lens"),
    (("near",), "latitude", "place"),
)
_SHOWN: Final = 8


def about_filters(store: Store, where: Filters) -> list[str]:
    """Say what filters leave out for want of a value, and what there is where none passes.

    Args:
        store: in a snapshot.
        where: the filters.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    given = conditions(where, store)
    lines = []
    for names, column, what in MAY_LACK:
        others = [_IN_A_FILE, *(given[name] for name in given if name not in names)]
        if len(others) == 1 + len(given) or (what == "date" and where.undated == "include"):
            continue
        lacking = _count(store, [*others, Condition(f"{column} IS NULL")])
        if lacking:
            lines.append(left_out(lacking, _count(store, others), what))
    for name, column, wanted in (
        ("camera", "camera", where.camera),
        ("lens", "lens", where.lens),
        ("formats", "format", ", ".join(where.formats)),
    ):
        if name in given and not _count(store, [_IN_A_FILE, given[name]]):
            lines.append(
                f"{name}: nothing in the gallery fits {wanted!r}; {_what_is(store, column)}"
            )
    return lines


def left_out(lacking: int, of: int, what: str) -> str:
    """Say how many contents have no value that a filter asks for."""
    keep = "; --undated include keeps them" if what == "date" else ""
    return f"{lacking:,} of {of:,} contents have no {what} and are left out{keep}"


def about_missing_embeddings(embeddings: Embeddings, searched: int) -> str | None:
    """Say how many contents have no embedding under a recipe; None where all have one.

    Args:
        embeddings: in a snapshot.
        searched: how many are searched, which saves counting them where that is all.
    """
    store = embeddings.store
    if store.content_count() <= searched:
        return None
    none = Condition(
        "id NOT IN (SELECT content_id FROM embedding WHERE recipe_id = ?)", (embeddings.stored.id,)
    )
    lacking = _count(store, [_IN_A_FILE, none])
    if not lacking:
        return None
    of = _count(store, [_IN_A_FILE])
    return (
        f"{lacking:,} of {of:,} contents have no embedding under this recipe "
        f"({embeddings.recipe.name}) and cannot match; `imgsearch index` with it embeds them"
    )


def _count(store: Store, every: Iterable[Condition]) -> int:
    both = joined(every)
    return store.content_count(both.sql, both.values)


def _what_is(store: Store, column: str) -> str:
    rows = store.connection.execute(
        f"SELECT {column}, COUNT(*) FROM content "  # noqa: S608 - one of the columns above
        f"WHERE {column} IS NOT NULL AND {_IN_A_FILE.sql} GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    if not rows:
        return f"no {column} is known of any content"
    listed = [f"{value} ({count:,})" for value, count in rows[:_SHOWN]]
    more = [f"{len(rows) - _SHOWN:,} more"] if len(rows) > _SHOWN else []
    return f"there is {', '.join(listed + more)}"
