"""Pairs are judged by processes as they are here, whatever becomes of the processes."""

from __future__ import annotations

import sys
from itertools import combinations, islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import ImageOps
from scenes import scene

from imgsearch import fresh_python
from imgsearch.duplicates import judging
from imgsearch.duplicates.corners import smoothed
from imgsearch.duplicates.judge import Judge
from imgsearch.images.fingerprints import fingerprint_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from imgsearch.duplicates.judge import Judged

PLAIN = scene(0, (96, 72))
IMAGES = (PLAIN, ImageOps.mirror(PLAIN), PLAIN.resize((60, 45)), scene(1, (96, 72)))
RENDERINGS = {
    number: fingerprint_of(image).rendering
    for number, image in enumerate([*IMAGES, PLAIN.crop((20, 10, 90, 70))])
}
# The last number stands for an image without a rendering.
PAIRS = list(combinations(range(len(RENDERINGS) + 1), 2))


@pytest.fixture(name="started")
def _started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Note the processes that are started; all must have ended after the test."""
    started: list[subprocess.Popen[bytes]] = []
    start = fresh_python.start

    def noting(module: str) -> subprocess.Popen[bytes]:
        started.append(start(module))
        return started[-1]

    monkeypatch.setattr(fresh_python, "start", noting)
    monkeypatch.setattr(judging, "BATCH", 4)
    yield started
    assert all(process.poll() is not None for process in started)


def judged(processes: int = 2) -> Generator[Judged]:
    """Judge all pairs."""
    judge = Judge(RENDERINGS.get)
    return judging.judge_each(PAIRS, judge, rendering=RENDERINGS.get, processes=processes, few=0)


def here() -> list[Judged]:
    """Return what a judge here says."""
    judge = Judge(RENDERINGS.get)
    return [judge.judge(*pair) for pair in PAIRS]


def test_two_processes_say_what_a_judge_here_says(
    started: list[subprocess.Popen[bytes]],
) -> None:
    expected = here()
    assert list(judged()) == expected
    assert 1 <= len(started) <= 2
    assert [each.is_seen for each in expected] == [len(RENDERINGS) not in pair for pair in PAIRS]
    assert any(each.is_seen and each.laid is None for each in expected)
    assert len([each for each in expected if each.laid is not None and each.laid.score > 0]) > 2


def test_few_pairs_start_no_process(started: list[subprocess.Popen[bytes]]) -> None:
    judge = Judge(RENDERINGS.get)
    found = judging.judge_each(PAIRS, judge, rendering=RENDERINGS.get, processes=2)
    assert list(found) == here()
    assert list(judged(processes=1)) == here()
    assert started == []


def test_what_a_process_that_was_killed_leaves_is_judged_here(
    started: list[subprocess.Popen[bytes]],
) -> None:
    laid = judged()
    first = next(laid)
    for process in started:
        process.kill()
    assert [first, *laid] == here()


def test_without_processes_it_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for executable in ("", "/no/such/python"):
        monkeypatch.setattr(sys, "executable", executable)
        assert list(judged()) == here()


def test_who_stops_early_leaves_no_process_behind(
    started: list[subprocess.Popen[bytes]],
) -> None:
    laid = judged()
    assert list(islice(laid, 2)) == here()[:2]
    laid.close()
    assert started
    assert all(process.poll() is not None for process in started)


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(-255, 255, width=32),
    )
)
def test_smoothing_takes_the_edges_for_what_lies_beyond_them(luma: NDArray[np.float32]) -> None:
    wide = np.pad(luma, 1, mode="edge")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    expected = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) * np.float32(1 / 16)
    assert (smoothed(luma) == expected).all()
