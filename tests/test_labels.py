"""Pictures with one label are right answers to one another, and never to themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ground_truth_checks import check
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.labels import from_labels, require_answers
from imgsearch.evaluation.ground_truth.values import Item


def items(count: int) -> tuple[Item, ...]:
    return tuple(Item(Path(f"/photos/{number}.jpg")) for number in range(count))


def test_labels_by_hand() -> None:
    """Label a finds its like; b is alone; the picture without label is searched, not asked."""
    truth = from_labels("mine", items(5), ["a", None, "b", "a", "a"])
    assert truth.gallery.tolist() == [0, 1, 2, 3, 4]
    asked = [(q.item, q.group, q.relevant.tolist(), q.junk.tolist()) for q in truth.queries]
    assert asked == [
        (0, "a", [3, 4], []),
        (2, "b", [], []),
        (3, "a", [0, 4], []),
        (4, "a", [0, 3], []),
    ]


@given(
    st.lists(st.one_of(st.none(), st.sampled_from("abcd")), max_size=30),
    st.one_of(st.none(), st.sets(st.integers(0, 29))),
)
def test_relevance_is_mutual_and_never_of_oneself(
    labels: list[str | None], asking: set[int] | None
) -> None:
    truth = from_labels("any", items(len(labels)), labels, asking=asking)
    check(truth)
    relevant = {query.item: set(query.relevant.tolist()) for query in truth.queries}
    expected = {at for at, label in enumerate(labels) if label and (asking is None or at in asking)}
    assert relevant.keys() == expected
    for one, answers in relevant.items():
        assert answers == {at for at, label in enumerate(labels) if label == labels[one]} - {one}
        assert all(one in relevant[other] for other in answers if other in relevant)


def test_twenty_thousand_pictures_in_classes_of_two_hundred() -> None:
    labels = [str(number % 100) for number in range(20_000)]
    truth = from_labels("large", items(20_000), labels)
    assert len(truth.queries) == 20_000
    assert all(len(query.relevant) == 199 for query in truth.queries)
    np.testing.assert_array_equal(truth.queries[107].relevant[:3], [7, 207, 307])


def test_labels_that_do_not_fit_the_pictures_are_refused() -> None:
    with pytest.raises(UsageError, match="1 labels for 2 images"):
        from_labels("mine", items(2), ["a"])


def test_a_ground_truth_without_any_answer_is_refused_with_a_remedy() -> None:
    truth = from_labels("mine", items(2), ["a", "b"])
    with pytest.raises(UsageError, match=r"mine: none of 2 queries .* 2 images; label them"):
        require_answers(truth, remedy="label them")
