"""Trying again what may succeed the next time, ever more slowly."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, TypeVar

from imgsearch.sources.protocol import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.sources.faults import Fault

T = TypeVar("T")

TRIES: Final = 6
# Seconds before the second try; twice as long before each further one, so 6 to 12 in all.
FIRST_PAUSE: Final = 0.4


def patiently(
    action: Callable[[], T],
    fault_of: Callable[[Exception], Fault],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what an action returns, at the latest at its sixth try.

    Pauses are drawn between half and all of their length, lest all threads come back at once.

    Raises:
        SourceError: what went wrong can't go right, or went wrong every time.
    """
    pause = FIRST_PAUSE
    for number in range(1, TRIES + 1):
        try:
            return action()
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            fault = fault_of(error)
            if number >= min(TRIES, fault.tries):
                tried = f" ({number} tries)" if number > 1 else ""
                # Not the library's message, which may hold credentials or signed addresses.
                raise SourceError(f"{fault.reason}{tried}", gone=fault.gone) from None
        sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
        pause *= 2
    raise AssertionError  # the last try returns or raises
