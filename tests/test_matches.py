"""Filters and places refuse what makes no sense before anything is searched."""

from __future__ import annotations

import pytest

from imgsearch.errors import UsageError
from imgsearch.storage.filters import Filters, full_date
from imgsearch.storage.places import Near


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2024", "2024-01-01T00:00:00"),
        ("2024-05", "2024-05-01T00:00:00"),
        ("2024-05-17", "2024-05-17T00:00:00"),
        ("2024-05-17T12:30", "2024-05-17T12:30:00"),
        ("2024-05-17T12:30:59", "2024-05-17T12:30:59"),
    ],
)
def test_a_date_stands_for_its_first_second(date: str, expected: str) -> None:
    assert full_date(date) == expected
    assert Filters(after=date, before=date).after == date


@pytest.mark.parametrize(
    "date",
    ["", "24", "2024-13", "2024-02-30", "2024-5-1", "2024-05-17T25:00", "2024-05-17 12:00", "0000",
     "٢٠٢٤", "yesterday", "2024-05-17T12", "2024\n"],
)  # fmt: skip
@pytest.mark.parametrize("option", ["after", "before"])
def test_what_is_no_date_is_refused_by_name(option: str, date: str) -> None:
    with pytest.raises(UsageError, match=rf"^{option}: .*is not a date such as"):
        Filters(**{option: date})


def test_a_place_is_read_from_three_numbers() -> None:
    assert Near.parse("48.85, 2.35,10") == Near(48.85, 2.35, 10)
    assert Near.parse("-90,-180,0.1") == Near(-90, -180, 0.1)


@pytest.mark.parametrize(
    "text",
    ["", "48.85,2.35", "48.85,2.35,10,1", "a,b,c", "91,0,1", "0,181,1", "0,0,0", "0,0,-1",
     "nan,0,1", "0,nan,1", "0,0,nan"],
)  # fmt: skip
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^near: "):
        Near.parse(text)
