"""What a recommendation is to go by: how long it may take, and which metric decides."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS: Final = ("mAP", "hit-rate@1", "hit-rate@10")
DEFAULT_MINUTES: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a recommendation is to go by.

    Attributes:
        minutes: limit for the whole. Only the first network may exceed it; that is logged as a
            warning before it is embedded.
        metrics: as `parse_metric` reads them, at least one; the first decides.
        clock: returns seconds since any moment.
    """

    minutes: float = DEFAULT_MINUTES
    metrics: tuple[str, ...] = METRICS
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class Limit:
    """A moment after which embedding is to stop, while it is set.

    Attributes:
        clock: returns seconds.
        end: of the whole, by the clock.
        embedding: when embedding has to stop; infinite while nothing has to.
    """

    clock: Callable[[], float]
    end: float
    embedding: float = math.inf

    def is_over(self) -> bool:
        """Tell whether embedding has to stop now."""
        return self.clock() > self.embedding

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.end - self.clock()
