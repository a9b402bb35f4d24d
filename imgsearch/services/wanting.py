"""From a gallery's filters to conditions on the entries of a collection."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, Final

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.images.formats import all_formats, name_of
from imgsearch.services.conditions import (
    AnyOf,
    AtLeast,
    Folder,
    Lacks,
    LessThan,
    OneOf,
    UnderOneOf,
)
from imgsearch.storage.camera_names import camera_texts, storable
from imgsearch.storage.filters import full_date, given_values
from imgsearch.storage.known_roots import KnownRoots
from imgsearch.storage.records import Root
from imgsearch.storage.under import parts_under

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import Description
    from imgsearch.storage.filters import Filters

# As SQLite's lower(), whose cases are those of ASCII.
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def conditions_of(where: Filters, description: Description) -> dict[str, Condition]:
    """Return the condition of each filter that is given, by its name.

    Raises:
        UsageError: a folder that is not in the collection, a format that does not exist, or a
            filter that no service knows.
    """
    found: dict[str, Condition] = {}
    for name, value in given_values(where).items():
        if name not in _MADE_BY:
            raise UsageError(f"{name}: a search service has no such filter")
        found[name] = _MADE_BY[name](value, description)
    if where.undated == "include":
        for name in found.keys() & {"after", "before"}:
            found[name] = AnyOf((found[name], Lacks("taken")))
    return found


def roots_of(description: Description) -> list[Root]:
    """Return the photo folders of a collection."""
    return [
        Root(root.number, paths.decode(root.path), recursive=True) for root in description.roots
    ]


def _under(folders: Any, description: Description) -> Condition:  # noqa: ANN401 - a filter's value
    known = KnownRoots(roots_of(description))
    return UnderOneOf(
        tuple(
            Folder(root_id, below)
            for folder in folders
            for root_id, below in parts_under(folder, known)
        )
    )


def _formats(formats: Any, description: Description) -> Condition:  # noqa: ANN401 - a filter's value
    names = tuple(name_of(storable(name)) for name in formats)
    known = [row.name for row in all_formats()]
    for given, name in zip(formats, names, strict=True):
        if name not in known and name not in description.formats:
            raise UsageError(f"formats: {given!r} is not a format; choose from {', '.join(known)}")
    return OneOf("format", names)


def _holding(names: tuple[str, ...], *parts: str) -> tuple[str, ...]:
    wanted = [part.translate(_LOWER) for part in parts]
    return tuple(name for name in names if any(part in name.translate(_LOWER) for part in wanted))


_MADE_BY: Final[dict[str, Callable[[Any, Description], Condition]]] = {
    "under": _under,
    "after": lambda date, _: AtLeast("taken", full_date(date)),
    "before": lambda date, _: LessThan("taken", full_date(date)),
    "camera": lambda part, description: OneOf(
        "camera", _holding(description.cameras, *camera_texts(part))
    ),
    "lens": lambda part, description: OneOf("lens", _holding(description.lenses, storable(part))),
    "near": lambda near, _: near,
    "min_width": lambda least, _: AtLeast("width", least),
    "min_height": lambda least, _: AtLeast("height", least),
    "formats": _formats,
}
