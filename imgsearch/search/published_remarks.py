"""What a person is told of the contents of a collection that filters pass over, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.services.conditions import AllOf, Lacks
from imgsearch.services.wanting import conditions_of
from imgsearch.storage.remarks import MAY_LACK, left_out

if TYPE_CHECKING:
    from imgsearch.services.protocol import Collection
    from imgsearch.storage.filters import Filters


def about_filters(collection: Collection, where: Filters) -> list[str]:
    """Say what filters leave out for want of a value, and what there is where none passes.

    Raises:
        UsageError: a folder that is not in the collection, or a format that does not exist.
    """
    known = collection.description
    given = conditions_of(where, known)
    lines = []
    for names, field, what in MAY_LACK:
        others = [given[name] for name in given if name not in names]
        if len(others) == len(given) or (what == "date" and where.undated == "include"):
            continue
        lacking = collection.count(AllOf((*others, Lacks(field))))
        if lacking:
            lines.append(left_out(lacking, collection.count(AllOf(tuple(others))), what))
    for name, wanted, values in (
        ("camera", where.camera, known.cameras),
        ("lens", where.lens, known.lenses),
        ("formats", ", ".join(where.formats), known.formats),
    ):
        if name in given and not collection.count(given[name]):
            there = f"there is {', '.join(values)}" if values else f"no {name} is known"
            lines.append(f"{name}: nothing in the gallery fits {wanted!r}; {there}")
    return lines
