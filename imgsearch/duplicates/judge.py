"""How far the agreement of two images speaks for one shot, and the pairs that were judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING, Final

from imgsearch.duplicates.changes import Laid
from imgsearch.duplicates.looks import Look, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.duplicates.overlay import Agreement

# A logistic regression over edits of 100 photographs and 4,053 pairs of nearest different ones
# (benchmarks/results/duplicates.md says which): of the logarithms of the share of detail that
# does not agree, and of what lacks from a median correlation of 1; of the correlation of
# colours; and of the share of the area.
CONSTANT: Final = -40.2
DETAIL: Final = 1.46
LIKENESS: Final = 3.32
COLOURS: Final = 8.0
AREA: Final = 21.5
# What a share or correlation lacks from 1 tells nothing below this.
FINEST: Final = 0.02
LOWEST: Final = -60.0
# Renderings, with their corners, that are held at once; some 100 kB each.
HELD: Final = 1024


def score_of(agreement: Agreement | None) -> float:
    """Return the logarithm of the odds that two images are of one shot, where both are as likely.

    `LOWEST` stands for two images that nothing lays upon each other.
    """
    if agreement is None:
        return LOWEST
    return (
        CONSTANT
        - DETAIL * log(1 + FINEST - agreement.better)
        - LIKENESS * log(1 + FINEST - max(agreement.likeness, 0.0))
        + COLOURS * max(agreement.colours, -0.5)
        + AREA * agreement.whole
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge says of two images.

    Attributes:
        laid: how the second lies upon the first; None where nothing suggests how.
        is_seen: whether there was a rendering of both. Without, nothing was judged.
    """

    laid: Laid | None
    is_seen: bool = True


class Judge:
    """Lays images over each other, and remembers what it has seen of each."""

    def __init__(self, rendering: Callable[[int], bytes | None]) -> None:
        """Say where renderings are.

        Args:
            rendering: from a number that stands for an image to its rendering as it is stored, or
                None where there is none.
        """
        self._rendering = rendering
        self._look = lru_cache(HELD)(self._seen)

    def score(self, one: int, other: int) -> float:
        """Return the logarithm of the odds that two images are of one shot."""
        return score_of(self._compared(one, other))

    def lay(self, one: int, other: int) -> Laid | None:
        """Lay the second image over the first; None where nothing suggests how."""
        agreement = self._compared(one, other)
        first, second = self._look(one), self._look(other)
        if agreement is None or first is None or second is None:
            return None
        return Laid.of(first, second, agreement, score_of(agreement))

    def judge(self, one: int, other: int) -> Judged:
        """Lay the second image over the first, and say whether that could be tried."""
        is_seen = self._look(one) is not None and self._look(other) is not None
        return Judged(self.lay(one, other), is_seen)

    def _compared(self, one: int, other: int) -> Agreement | None:
        first, second = self._look(one), self._look(other)
        return None if first is None or second is None else compare(first, second)

    def _seen(self, number: int) -> Look | None:
        encoded = self._rendering(number)
        if encoded is None:
            return None
        try:
            return Look(encoded)
        except OSError:  # damaged: as if it were not there
            return None
