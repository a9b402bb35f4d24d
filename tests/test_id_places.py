"""Places of ids, found by the runs in which writers give them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.vectors.id_places import IdPlaces


def test_ids_of_two_runs_are_found_and_those_between_before_and_behind_are_not() -> None:
    ids = np.concatenate([np.arange(10, 60), np.arange(1000, 1050)])
    known, places = IdPlaces(ids).find(np.array([9, 10, 59, 60, 999, 1000, 1049, 1050, -5]))
    assert known.tolist() == [False, True, True, False, False, True, True, False, False]
    assert places[known].tolist() == [0, 49, 50, 99]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 2**40)), min_size=1, max_size=20),
    st.lists(st.integers(-10, 2**42), max_size=30),
)
def test_runs_of_any_lengths_give_what_a_search_among_all_ids_gives(
    runs: list[tuple[int, int]], others: list[int]
) -> None:
    """Many short runs are searched as they are, few long ones by their first ids."""
    ids: list[int] = []
    for length, gap in runs:
        first = (ids[-1] if ids else -1) + gap
        ids += range(first, first + length)
    wanted = np.array(ids + others, dtype=np.int64)
    known, places = IdPlaces(np.array(ids, dtype=np.int64)).find(wanted)
    assert known.tolist() == [item in set(ids) for item in wanted.tolist()]
    assert [ids[place] for place in places[known].tolist()] == wanted[known].tolist()
