"""Which kind of sameness two contents have, told by how they lie upon each other and their data."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from imgsearch.duplicates.groups import Evidence, Kind

if TYPE_CHECKING:
    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.duplicates.changes import Laid
    from imgsearch.storage.records import Content

# Seconds between the exposures of a burst at most, and the share of the detail of one of them that
# lies upon the other's; closer in time, less will do.
BURST_SECONDS: Final = 60
BURST_DETAIL: Final = 0.75
FAST_SECONDS: Final = 10
FAST_DETAIL: Final = 0.55
# Two different scenes, by the same camera and moments apart, agree so far once in a thousand.
BURST_CERTAINTY: Final = 0.995
# What is added to a score where camera and second of two contents are the same, and taken from it
# where they are not: copies nearly always keep them, and other pictures hardly ever share them.
SAME_MOMENT: Final = 2.0
# Scores are not told apart below this much from 1.
SUREST: Final = 0.9999


def may_be_same(
    one: Content, other: Content, score: float, calibration: Calibration, *, precision: float
) -> bool:
    """Say whether there may be evidence on two contents, of which only their score is known."""
    if calibration.certainty(score + SAME_MOMENT) >= precision:
        return True
    apart = _seconds_apart(one, other)
    return apart is not None and apart <= BURST_SECONDS


def evidence_of(
    one: Content, other: Content, laid: Laid, calibration: Calibration, *, precision: float
) -> tuple[Evidence, Evidence] | None:
    """Return why two contents are the same, or None.

    Args:
        one: the content that lay below.
        other: the content that was laid over it.
        laid: how they lie upon each other.
        calibration: what the score means.
        precision: the least certainty.

    Returns:
        The evidence where the first is kept, and where the second is.
    """
    apart = _seconds_apart(one, other)
    score = laid.score
    if apart is not None:
        is_one_moment = not apart and one.metadata.camera == other.metadata.camera
        score += SAME_MOMENT if is_one_moment else -SAME_MOMENT
    certainty = min(calibration.certainty(score), SUREST)
    if certainty >= precision and not apart:
        kind = Kind.COPY if laid.is_plain() and laid.is_plain(second=False) else Kind.EDIT
    elif _is_burst(one, other, laid, apart) and precision <= max(certainty, BURST_CERTAINTY):
        kind, certainty = Kind.BURST, max(certainty, BURST_CERTAINTY)
    elif certainty >= precision:
        # A scan or a tool may have dated a copy anew.
        kind = Kind.EDIT
    else:
        return None
    plain = Evidence(kind=kind, certainty=certainty)
    return (
        _evidence(one, other, laid, plain, second=True),
        _evidence(other, one, laid, plain, second=False),
    )


def as_burst(
    one: Content, other: Content, laid: Laid, found: tuple[Evidence, Evidence]
) -> tuple[Evidence, Evidence] | None:
    """Return the evidence on two contents that are no one exposure after all.

    Args:
        one: the content that lay below.
        other: the content that was laid over it.
        laid: how they lie upon each other.
        found: what it was before the originals were looked at.

    Returns:
        None where nothing says that they were taken moments apart.
    """
    if not _is_burst(one, other, laid, _seconds_apart(one, other)):
        return None
    first, second = (replace(each, kind=Kind.BURST) for each in found)
    return first, second


def _evidence(
    keeper: Content, file: Content, laid: Laid, plain: Evidence, *, second: bool
) -> Evidence:
    sizes = (
        (keeper.metadata.width, keeper.metadata.height),
        (
            file.metadata.width,
            file.metadata.height,
        ),
    )
    return Evidence(
        kind=plain.kind,
        certainty=plain.certainty,
        changes=laid.changes(*sizes, second=second),
        transform=laid.transform(*sizes, second=second),
    )


def _is_burst(one: Content, other: Content, laid: Laid, apart: float | None) -> bool:
    if apart is None or one.metadata.camera != other.metadata.camera:
        return False
    if not apart and (laid.agreement.placement.orientation or one.metadata.camera is None):
        # Copies keep the second in which they were taken; so may what a camera takes in one.
        return False
    detail = laid.agreement.better
    return (apart <= FAST_SECONDS and detail >= FAST_DETAIL) or (
        apart <= BURST_SECONDS and detail >= BURST_DETAIL
    )


def _seconds_apart(one: Content, other: Content) -> float | None:
    """Return the time between two exposures; None where it is not known."""
    try:
        times = [datetime.fromisoformat(each.metadata.taken or "") for each in (one, other)]
    except ValueError:
        return None
    return abs((times[0] - times[1]).total_seconds())
