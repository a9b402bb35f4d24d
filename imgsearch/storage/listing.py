"""Contents in the order in which a person lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.storage.filters import Condition, conditions
from imgsearch.storage.passing import joined

if TYPE_CHECKING:
    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters


def newest_first(store: Store, where: Filters) -> list[int]:
    """Return the ids of the contents in files that pass the filters.

    Those taken last come first, those without a capture time last; then by path.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    given = conditions(where, store).values()
    both = joined(given) if given else Condition("1")
    allowed = f"SELECT id FROM content WHERE {both.sql}"  # noqa: S608 - conditions are code, their values are bound
    rows = store.connection.execute(
        f"SELECT content.id FROM content JOIN file ON file.content_id = content.id "  # noqa: S608 - likewise
        f"JOIN root ON root.id = file.root_id WHERE content.id IN ({allowed}) GROUP BY content.id "
        "ORDER BY content.taken IS NULL, content.taken DESC, MIN(root.path || '/' || file.path)",
        both.values,
    )
    return [row[0] for row in rows]
