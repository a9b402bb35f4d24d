"""A description as text, for engines that keep text."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

from imgsearch.errors import DamagedCacheError, GalleryDamagedError, ServiceError
from imgsearch.recipe import Recipe
from imgsearch.services.entries import Description, EntryRoot
from imgsearch.vectors.projection import Projection

_PLAIN = ("gallery", "dim", "generation", "published", "count", "files")
_NAMES = ("cameras", "lenses", "formats")


def to_text(description: Description) -> str:
    """Return one line of JSON in ASCII, which `from_text` reads."""
    projection = description.projection
    values: dict[str, Any] = {name: getattr(description, name) for name in _PLAIN}
    values |= {name: list(getattr(description, name)) for name in _NAMES}
    values["recipe"] = replace(description.recipe, weights_path=None).to_json()
    values["projection"] = None if projection is None else _text(projection.to_bytes())
    values["roots"] = [[root.number, _text(root.path)] for root in description.roots]
    return json.dumps(values)


def from_text(text: str, address: str) -> Description:
    """Return the description that `to_text` wrote.

    Raises:
        ServiceError: the text is none of this version of imgsearch.
    """
    try:
        values = json.loads(text)
        projection = values["projection"]
        others: dict[str, Any] = {name: values[name] for name in _PLAIN}
        others |= {name: tuple(values[name]) for name in _NAMES}
        return Description(
            recipe=Recipe.from_json(values["recipe"]),
            projection=None if projection is None else Projection.from_bytes(b64decode(projection)),
            roots=tuple(
                EntryRoot(int(number), b64decode(path)) for number, path in values["roots"]
            ),
            **others,
        )
    except (ValueError, TypeError, KeyError, DamagedCacheError, GalleryDamagedError) as error:
        raise ServiceError(
            f"{address}: what describes the collection can't be read; it was published by another "
            "version of imgsearch, or is damaged: `imgsearch publish` it again"
        ) from error


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
