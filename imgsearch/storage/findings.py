"""What a check of a gallery notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    """

    what: str
    severity: Severity
    repairable: bool = False
    repaired: bool = False
