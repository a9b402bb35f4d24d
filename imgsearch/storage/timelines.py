"""Contents in the order in which a person looks through them, with what a scroll bar needs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from imgsearch.storage.filter_condition import Condition
from imgsearch.storage.filters import conditions
from imgsearch.storage.passing import joined

if TYPE_CHECKING:
    import sqlite3

    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters

Order = Literal["taken", "path"]

_MOST_RATIO: Final = 65_535
_RATIO: Final = "round(100.0 * content.width / max(content.height, 1))"
_FIRST: Final = "MIN(CAST(root.path || '/' || file.path AS BLOB))"
_ORDERS: Final[dict[Order, str]] = {
    "taken": f"content.taken IS NULL, content.taken DESC, {_FIRST}",
    "path": _FIRST,
}
# A table that the filter of folders leaves; a content's first file is the first under one.
_LIES_UNDER: Final = (
    "EXISTS (SELECT 1 FROM part_under WHERE part_under.root_id = file.root_id AND (below = X'' OR "
    "file.path = below OR (file.path >= part_under.first AND file.path < last)))"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a timeline.

    Attributes:
        key: a month, "2024-05", or None for no capture time; or the absolute path of a folder.
        count: how many contents.
    """

    key: str | bytes | None
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Contents in an order, without what only a few of them are shown with.

    Attributes:
        ids: of the contents, `(n,)` int64. They never mean another content, so that a timeline
            may be kept while the gallery changes.
        ratios: 100 times width by height, `(n,)` uint16.
        sections: by month or by folder, in order.
    """

    ids: NDArray[np.int64]
    ratios: NDArray[np.uint16]
    sections: tuple[Section, ...]

    def position(self, content_id: int) -> int | None:
        """Return the index of a content, or None."""
        found = np.flatnonzero(self.ids == content_id)
        return int(found[0]) if len(found) else None


def timeline(store: Store, where: Filters, order: Order = "taken") -> Timeline:
    """Return the contents in files that pass the filters.

    Args:
        store: in a snapshot.
        where: the filters.
        order: "taken": those taken last first, those without a capture time last, then by the
            path of their first file; "path": by that path alone.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    key = "substr(content.taken, 1, 7)" if order == "taken" else _FIRST
    rows = _ordered(store, where, order, f"content.id, {_RATIO}, {key}").fetchall()
    ids, ratios, keys = zip(*rows, strict=True) if rows else ((), (), ())
    if order == "path":
        keys = tuple(path.rpartition(b"/")[0] or b"/" for path in keys)
    return Timeline(
        ids=np.array(ids, dtype=np.int64),
        ratios=np.clip(np.array(ratios, dtype=np.float64), 1, _MOST_RATIO).astype(np.uint16),
        sections=tuple(Section(key, len(list(group))) for key, group in groupby(keys)),
    )


def newest_first(store: Store, where: Filters) -> list[int]:
    """Return the ids of a timeline by capture time."""
    return [row[0] for row in _ordered(store, where, "taken", "content.id")]


def _ordered(store: Store, where: Filters, order: Order, columns: str) -> sqlite3.Cursor:
    given = conditions(where, store).values()
    both = joined(given) if given else Condition("1")
    passes = ["1"]
    if given:
        passes.append(f"content.id IN (SELECT id FROM content WHERE {both.sql})")  # noqa: S608 - conditions are code, their values are bound
    if where.under:
        passes.append(_LIES_UNDER)
    return store.connection.execute(
        f"SELECT {columns} FROM content "  # noqa: S608 - likewise
        "JOIN file ON file.content_id = content.id JOIN root ON root.id = file.root_id "
        f"WHERE {' AND '.join(passes)} GROUP BY content.id ORDER BY {_ORDERS[order]}",
        both.values,
    )
