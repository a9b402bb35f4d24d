"""What a check of a gallery notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# So many embeddings a repair drops without being asked: the next index makes them again in a
# moment. More than these are work, and may be right where something else is damaged.
FEW: Final = 16

Severity = Literal["damage", "cache", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check noticed.

    Attributes:
        what: a sentence.
        severity: "damage" to the truth; a "cache" that is not what it says it is; a "note" that
            asks for nothing, such as a cache that an interrupted run left behind the rows.
        repairable: whether a repair mends it.
        repaired: whether this check has mended it.
        recipe_id: row of the recipe that the embeddings below belong to; 0 for none.
        contents: ids of the contents whose embeddings a repair drops.
        drops: how many embeddings a repair drops.
    """

    what: str
    severity: Severity
    repairable: bool = False
    repaired: bool = False
    recipe_id: int = 0
    contents: tuple[int, ...] = ()
    drops: int = 0
