"""Recipes whose row contradicts itself, and what the row was.

A recipe stands in its row twice: as JSON, and as the identifier, which is a digest of it. A single
wrong character in either is found by trying every other one in its place.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError
from imgsearch.recipe import Recipe
from imgsearch.storage.records import DamagedRecipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.storage.database import Store

# Of a text that is mended; trying all its neighbours takes seconds.
LONGEST_MENDED: Final = 4096
_DIGITS: Final = set("0123456789abcdef")
# What `json.dumps` writes, all of it ASCII. A flipped bit is tried before the rest.
_CHARACTERS: Final = string.printable.encode("ascii")[:95]


def damaged_recipes(store: Store) -> list[DamagedRecipe]:
    """Return the recipes whose identifier is not that of their JSON."""
    damaged = []
    rows = store.connection.execute(
        "SELECT id, CAST(identifier AS BLOB), CAST(recipe AS BLOB) FROM recipe ORDER BY id"
    )
    for recipe_id, identifier, text in rows:
        said = (identifier or b"").decode("ascii", "backslashreplace")
        recipe = _parsed(text or b"")
        if recipe is None or recipe.identifier != said:
            mended = _mended(said, text or b"", recipe)
            damaged.append(DamagedRecipe(recipe_id, said, mended))
    return damaged


def mend_recipe(store: Store, damaged: DamagedRecipe) -> None:
    """Write a row as it was; in a transaction."""
    if damaged.mended is not None:
        store.connection.execute(
            "UPDATE recipe SET identifier = ?, recipe = ? WHERE id = ?",
            (damaged.mended.identifier, damaged.mended.to_json(), damaged.id),
        )


def _mended(identifier: str, text: bytes, recipe: Recipe | None) -> Recipe | None:
    if recipe is not None and _differing(identifier, recipe.identifier) == 1:
        return recipe  # a digest of anything else would differ nearly everywhere
    if len(text) > LONGEST_MENDED or not set(identifier) <= _DIGITS:
        return None
    for candidate in _neighbours(text):
        tried = _parsed(candidate)
        if tried is not None and tried.identifier == identifier:
            return tried
    return None


def _differing(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))


def _neighbours(text: bytes) -> Iterator[bytes]:
    """Yield the texts that differ from this one in one character, those in one bit first."""
    for flips in (True, False):
        for place, byte in enumerate(text):
            for other in _CHARACTERS:
                if ((byte ^ other).bit_count() == 1) == flips and other != byte:
                    yield text[:place] + bytes([other]) + text[place + 1 :]


def _parsed(text: bytes) -> Recipe | None:
    try:
        return Recipe.from_json(text.decode("ascii"))
    except (GalleryDamagedError, UnicodeDecodeError):
        return None
