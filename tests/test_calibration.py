"""What scores mean: the share of right ones among pairs of at least that score."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.duplicates.calibrating import is_outdated
from imgsearch.duplicates.calibration import (
    FEWEST_RIGHT,
    USUAL,
    USUAL_FALL,
    USUAL_SHARE,
    USUAL_START,
    WORTH,
    Calibration,
    fit,
)

EDITS = np.linspace(2, 8, 301).tolist()


def different(count: int, *, fall: float, top: float = -2.0) -> list[float]:
    """Return scores whose share above s falls by `fall` for each unit, the highest at `top`."""
    return [top - np.log(rank) / fall for rank in range(1, count + 1)]


def test_certainty_is_right_over_right_and_wrong() -> None:
    calibration = Calibration(
        contents=100,
        edits=2,
        different=10**9,
        right=0.2,
        candidates=2.0,
        start=-1.0,
        share=0.1,
        fall=1.0,
        scores=(0.0, 10.0),
        judge=1,
    )
    # Half of the edits score 5 or more; of two candidates each, a tenth above -1, e**-6 of that.
    right, wrong = 0.2 * 0.5, 2 * 0.1 * exp(-6)
    unseen = WORTH / (WORTH + 10**9) * USUAL_SHARE * exp(-USUAL_FALL * (5 - USUAL_START))
    assert calibration.certainty(5) == pytest.approx(right / (right + wrong + 2 * unseen))


def test_the_tail_of_an_exponential_is_found_again() -> None:
    found = fit(EDITS, different(5000, fall=0.9), contents=2000, asked=2000)
    assert found.fall == pytest.approx(0.9, abs=0.12)
    assert found.share * exp(-found.fall * (-2 - found.start)) == pytest.approx(1 / 5000, rel=0.5)
    assert found.candidates == 2.5
    assert found.right == FEWEST_RIGHT


def test_pairs_that_plainly_agree_are_counted_as_right_and_not_as_different() -> None:
    nearest = different(1000, fall=1.0)
    alone = fit(EDITS, nearest, contents=500, asked=500)
    joined = fit(EDITS, [*nearest, *np.linspace(5.6, 8, 100)], contents=500, asked=500)
    assert joined.fall == pytest.approx(alone.fall, abs=0.02)
    # 100 of 500 contents, of whose like four tenths of the edits score so much.
    assert joined.right == pytest.approx(100 / 0.4 / 500, rel=0.05)
    assert joined.threshold(0.99) < alone.threshold(0.99)


def test_more_that_is_nearly_the_same_raises_the_threshold() -> None:
    thresholds = [
        fit(EDITS, different(2000, fall=fall, top=top), contents=1000, asked=1000).threshold(0.99)
        for fall, top in ((1.5, -4), (1.0, -2), (0.6, 0))
    ]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[-1]


def test_a_gallery_of_next_to_nothing_is_judged_as_others_are() -> None:
    found = fit([], [], contents=3, asked=3)
    assert found.found(6.5) == pytest.approx(USUAL.found(6.5), abs=0.02)
    assert 3 < found.threshold(0.99) < inf


@settings(deadline=None)
@given(st.lists(st.floats(-60, 8), max_size=60), st.lists(st.floats(-60, 8), max_size=60))
def test_a_higher_score_is_never_less_sure(edits: list[float], nearest: list[float]) -> None:
    found = fit(edits, nearest, contents=50, asked=50)
    scores = np.linspace(-10, found.scores[-1] - 1e-3, 60)
    sure = np.array([found.certainty(score) for score in scores])
    assert ((sure >= 0) & (sure <= 1)).all()
    threshold = found.threshold(0.9)
    if threshold < inf:
        assert found.certainty(threshold) >= 0.9


def test_what_is_stored_is_read_again_and_nothing_else_is() -> None:
    found = fit(EDITS, different(300, fall=1.0), contents=100, asked=100)
    assert Calibration.from_json(found.to_json()) == found
    assert Calibration.from_json(replace(found, judge=0).to_json()) is None
    for damaged in ("", "{}", "[1]", '{"scores": 1}', found.to_json().replace("fall", "rise")):
        assert Calibration.from_json(damaged) is None


def test_a_gallery_that_grew_by_half_is_calibrated_again() -> None:
    known = replace(USUAL, contents=100)
    assert not is_outdated(known, 149)
    assert is_outdated(known, 150)
    assert is_outdated(known, 60)
    assert is_outdated(None, 100)
