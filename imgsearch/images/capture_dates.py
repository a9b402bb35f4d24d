"""When an image was taken: which of a file's many dates, and how it is written.

A date of the original comes before one of the scanning, which comes before one of the last change,
whichever block it stands in: EXIF, XMP or IPTC.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

EARLIEST_YEAR: Final = 1826  # the year of the oldest photograph that survives

_DAY: Final = re.compile(r"\s*(\d{4})([:\-/. ]?)(\d{1,2})\2(\d{1,2})(?!\d)(.*)", re.DOTALL)
_COMPACT_DAY: Final = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(?!\d)(.*)", re.DOTALL)
_TIME: Final = re.compile(r"[ T:]*(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")
_COMPACT_TIME: Final = re.compile(r"[ T:]*(\d\d)(\d\d)(\d\d)(?!\d)")
# The first number of an hour, a minute and a second that is too high.
_LIMITS: Final = (24, 60, 60)


def first_date(texts: Iterable[str | None]) -> str | None:
    """Return the first of several texts that is a date, as `iso` writes it.

    A day without a time takes that of the next text that has one on this day.
    """
    dates = [date for text in texts if text and (date := _read(text))]
    if not dates:
        return None
    first, has_time = dates[0]
    if has_time:
        return first
    day = first.partition("T")[0]
    return next((date for date, timed in dates if timed and date.startswith(day)), first)


def iso(text: str) -> str | None:
    """Return "2024-05-01T12:00:00" for "2024:05:01 12:00:00" and its usual corruptions.

    A day that exists stays whatever its time is: from the first part of the time that is missing
    or makes no sense (24:00:00, 12:30:60), all of its parts are 0.
    """
    date = _read(text)
    return date[0] if date else None


def _read(text: str) -> tuple[str, bool] | None:
    """Return the date as `iso` does, and whether the text tells an hour."""
    found = _COMPACT_DAY.match(text)
    if found:
        year, month, day, rest = found.groups()
    else:
        found = _DAY.match(text)
        if not found or not found[2]:
            return None
        year, _, month, day, rest = found.groups()
    at = _TIME.match(rest) or _COMPACT_TIME.match(rest)
    parts = [0, 0, 0]
    timed = False
    for index, part in enumerate(at.groups() if at else ()):
        if part is None or int(part) >= _LIMITS[index]:
            break
        timed = True
        parts[index] = int(part)
    try:
        moment = datetime(int(year), int(month), int(day), parts[0], parts[1], parts[2])  # noqa: DTZ001 - local clock
    except ValueError:
        return None
    return (moment.isoformat(), timed) if moment.year >= EARLIEST_YEAR else None
