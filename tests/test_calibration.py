"""What scores mean: the share of right ones among pairs of at least that score."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.duplicates.calibrating import is_outdated
from imgsearch.duplicates.calibration import (
    BEST,
    USUAL,
    USUAL_FALL,
    USUAL_SHARE,
    USUAL_START,
    WORTH,
    Calibration,
    fit,
)
from imgsearch.duplicates.judge import score_of
from imgsearch.duplicates.overlay import Agreement
from imgsearch.duplicates.placement import Placement

EDITS = np.linspace(2, 8, 301).tolist()


def different(count: int, *, fall: float, start: float = -20.0) -> list[float]:
    """Return scores above `start`, whose share above s is ((best - s) / (best - start)) ** fall."""
    shares = (np.arange(count) + 0.5) / count
    return (BEST - (BEST - start) * shares ** (1 / fall)).tolist()


def test_certainty_is_right_over_right_and_wrong() -> None:
    calibration = Calibration(
        contents=100,
        edits=2,
        different=10**9,
        right=0.2,
        candidates=2.0,
        start=-1.0,
        share=0.1,
        fall=4.0,
        scores=(0.0, 10.0),
        judge=1,
    )
    # Half of the edits score 5 or more; of two candidates each, a tenth above -1, of which what
    # scores 5 or more is (3 / 9) to the power of the fall.
    right, wrong = 0.2 * 0.5, 2 * 0.1 * (3 / 9) ** 4
    unseen = WORTH / (WORTH + 10**9) * USUAL_SHARE * (3 / (BEST - USUAL_START)) ** USUAL_FALL
    expected = right / (right + wrong + 2 * unseen)
    assert calibration.certainty(5 + 1e-9) == pytest.approx(expected, abs=1e-3)


def test_the_tail_that_scores_have_is_found_again() -> None:
    found = fit(EDITS, different(5000, fall=12), contents=2000, asked=2000)
    assert found.fall == pytest.approx(12, rel=0.35)
    assert found.share == pytest.approx(30 / 5000, rel=0.01)
    assert found.start == pytest.approx(BEST - 28 * (30.5 / 5000) ** (1 / 12))
    assert found.candidates == 2.5
    assert found.right == pytest.approx(1 / 2010)


def test_pairs_that_plainly_agree_are_counted_as_right_and_not_as_different() -> None:
    nearest = different(1000, fall=15)
    alone = fit(EDITS, nearest, contents=500, asked=500)
    joined = fit(EDITS, [*nearest, *np.linspace(5.6, 8, 100)], contents=500, asked=500)
    assert joined.fall == pytest.approx(alone.fall, rel=0.02)
    # 100 of 500 contents; three quarters of the edits score 3.5, and all of these do.
    assert joined.right == pytest.approx((100 / 0.75 + 1) / 510, rel=0.05)
    assert joined.threshold(0.99) < alone.threshold(0.99)


def test_more_that_is_nearly_the_same_raises_the_threshold() -> None:
    thresholds = [
        fit(EDITS, different(2000, fall=fall), contents=1000, asked=1000).threshold(0.99)
        for fall in (40, 12, 6)
    ]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < 4 < thresholds[-1]


def test_a_gallery_of_next_to_nothing_is_judged_as_others_are() -> None:
    found = fit([], [], contents=3, asked=3)
    score = np.array([6.5])
    assert found.found(score) == pytest.approx(USUAL.found(score), abs=0.02)
    assert 0 < found.threshold(0.99) < 6


@settings(deadline=None)
@given(st.lists(st.floats(-60, 8), max_size=60), st.lists(st.floats(-60, 8), max_size=60))
def test_a_higher_score_is_never_less_sure(edits: list[float], nearest: list[float]) -> None:
    found = fit(edits, nearest, contents=50, asked=50)
    scores = np.linspace(-10, found.scores[-1] + 5, 60)
    sure = np.array([found.certainty(score) for score in scores])
    assert ((sure >= 0) & (sure <= 1)).all()
    assert (np.diff(sure) >= 0).all()
    threshold = found.threshold(0.9)
    if threshold < inf:
        assert found.certainty(threshold) >= 0.9


def test_what_is_stored_is_read_again_and_nothing_else_is() -> None:
    found = fit(EDITS, different(300, fall=12), contents=100, asked=100)
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


def test_the_best_score_is_that_of_two_pictures_that_agree_everywhere() -> None:
    placement = Placement(0, 1.0, 1.0, 0.0, 0.0)
    everywhere = Agreement(
        placement=placement,
        mine=1.0,
        theirs=1.0,
        correlation=1.0,
        likeness=1.0,
        colours=1.0,
        covered=1.0,
        covering=1.0,
        detail=20.0,
    )
    assert score_of(everywhere) == pytest.approx(BEST, abs=0.05)


def test_a_search_that_finds_much_is_surer_of_each() -> None:
    """A card full of what the gallery holds has more pairs of one shot than the gallery."""
    known = fit(EDITS, different(2000, fall=8), contents=1000, asked=1000)
    card = known.among([6.0] * 90 + [-20.0] * 200, asked=100)
    assert card.right == pytest.approx((90 / 0.75 + 50 * known.right) / 150, rel=0.05)
    assert card.threshold(0.99) < known.threshold(0.99)
    assert known.among([-20.0] * 300, asked=10**6).right < known.right
