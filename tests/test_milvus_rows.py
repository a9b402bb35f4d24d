"""What Milvus is told of an entry and of a condition; no server, and no client, is needed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.services.conditions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    Folder,
    Lacks,
    LessThan,
    OneOf,
    UnderOneOf,
    passes,
)
from imgsearch.services.entries import Entry, EntryFile
from imgsearch.services.milvus.expressions import ANYWHERE, MOST_FOLDERS, expression
from imgsearch.services.milvus.names import data_name, data_names, lock_name, lock_numbers
from imgsearch.services.milvus.rows import HIDDEN, entry_of, part_keys, rows_of
from imgsearch.storage.places import Near

NAMES = st.none() | st.text(max_size=6) | st.sampled_from(["Canon", 'a"\\b', "x" * 1001, "\ud800"])
DATES = st.none() | st.dates().map(lambda day: f"{day}T12:00:00")
PATHS = st.sampled_from([b"", b"a", b"a/b", b"a/bc/d.jpg", b"caf\xe9/1.jpg", b"ab"])
FILES = st.builds(EntryFile, st.integers(1, 2), PATHS)
DEGREES = st.integers(-90, 90).map(float)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Draw an entry."""
    latitude = draw(st.none() | DEGREES)
    return Entry(
        id=draw(st.integers(1, 2**63 - 1)),
        content="0" * 64,
        mark=draw(st.integers(-(2**63), 2**63 - 1)),
        vector=np.array(draw(st.lists(st.floats(width=32), min_size=3, max_size=3)), np.float32),
        files=tuple(draw(st.lists(FILES, min_size=1, max_size=3))),
        bytes=1,
        width=draw(st.integers(1, 5)),
        height=draw(st.integers(1, 5)),
        format=draw(st.sampled_from(["JPEG", "PNG"])),
        taken=draw(DATES),
        camera=draw(NAMES),
        lens=draw(NAMES),
        latitude=latitude,
        longitude=None if latitude is None else draw(st.integers(-180, 180).map(float)),
    )


LEAVES = st.one_of(
    st.builds(
        OneOf,
        st.sampled_from(["camera", "lens", "format"]),
        st.lists(NAMES.filter(bool) | st.just("JPEG"), max_size=3).map(tuple),
    ),
    st.builds(AtLeast, st.just("taken"), DATES.filter(bool)),
    st.builds(LessThan, st.just("taken"), DATES.filter(bool) | st.just("")),
    st.builds(AtLeast, st.sampled_from(["width", "height"]), st.integers(0, 6) | st.just(10**30)),
    st.builds(LessThan, st.sampled_from(["width", "height"]), st.integers(0, 6)),
    st.builds(Lacks, st.sampled_from(["taken", "camera", "lens", "latitude"])),
    st.builds(
        UnderOneOf,
        st.lists(st.builds(Folder, st.integers(1, 2), PATHS), max_size=3).map(tuple),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
CIRCLES = st.builds(
    Near, DEGREES, st.integers(-180, 180).map(float), st.sampled_from([1.0, 900.0, 9000.0, 30000.0])
)


def holds(condition: Condition, entry: Entry) -> bool:
    """Whether the expression is true of the row, as Milvus's language is also Python's."""
    row = rows_of(entry, 1)[-1]
    names: dict[str, Any] = {
        **row,
        "array_contains_any": lambda folders, wanted: not set(folders).isdisjoint(wanted),
    }
    return bool(eval(expression(condition) or "True", {"__builtins__": {}}, names))  # noqa: S307 - what is to be tested


@settings(max_examples=60)
@given(entries(), TREES)
def test_an_expression_is_true_of_what_passes_and_of_nothing_else(
    entry: Entry, condition: Condition
) -> None:
    assert holds(condition, entry) == passes(condition, entry)


@given(entries(), CIRCLES)
def test_a_box_leaves_nothing_of_its_circle_out(entry: Entry, near: Near) -> None:
    assert holds(near, entry) or not passes(near, entry)


def test_a_box_is_hardly_larger_than_its_circle() -> None:
    """At 60 degrees, 111.2 km are a degree of latitude and two of longitude."""
    near = Near(60.0, 179.0, math.pi * 6371.0088 / 180)
    box = expression(near)
    assert box.startswith("latitude >= 58.99999")
    assert "longitude >= 176.9" in box
    assert "longitude <= -178.9" in box


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (EVERYTHING, ""),
        (AnyOf(()), "id < 0"),
        (AnyOf((EVERYTHING, Lacks("lens"))), ""),
        (OneOf("camera", ('1" or id > 0', "\\")), r'camera in ["=1\" or id > 0", "=\\"]'),
        (OneOf("lens", ("a\nb\x00",)), r'lens in ["=a\u000ab\u0000"]'),
        (AllOf((AtLeast("width", 3), AnyOf((LessThan("height", 2), Lacks("taken"))))),
         '(width >= 3) and ((height < 2) or (taken == ""))'),
    ],
)  # fmt: skip
def test_a_condition_is_written_so(condition: Condition, expected: str) -> None:
    assert expression(condition) == expected


@given(entries())
def test_an_entry_is_made_again_of_its_row(entry: Entry) -> None:
    *parts, row = rows_of(entry, 7)
    assert not parts
    again = entry_of(row, row["about"], dim=3)
    assert again.vector.tobytes() == entry.vector.tobytes()
    for name in set(Entry.__slots__) - {"vector"}:
        assert getattr(again, name) == getattr(entry, name), name


def test_an_entry_of_many_files_goes_on_in_hidden_rows() -> None:
    """And may lie under any folder, as more of them do not fit."""
    files = tuple(EntryFile(1, b"folder/%d/a long name.jpg" % number) for number in range(5000))
    entry = Entry(
        id=3, content="0" * 64, mark=1, vector=np.ones(2, np.float32), files=files, bytes=1,
        width=1, height=1, format="JPEG",
    )  # fmt: skip
    *parts, row = rows_of(entry, 2)
    assert row["row"] == "3.2"
    assert [part["row"] for part in parts] == part_keys(row["row"], row["parts"])
    assert {part["since"] for part in parts} == {HIDDEN}
    assert max(len(part["about"]) for part in (row, *parts)) < 65_536
    text = "".join([row["about"], *(part["about"] for part in parts)])
    assert entry_of(row, text, dim=2).files == files
    assert row["folders"] == [ANYWHERE]
    assert len(rows_of(replace(entry, files=files[: MOST_FOLDERS // 4]), 2)[-1]["folders"]) > 1


def test_collections_of_an_address_are_told_from_others() -> None:
    one, two = data_name("photos", 9, "a_b"), data_name("photos", 10, "c")
    listed = [
        two.full,
        one.full,
        lock_name("photos", 3),
        "photos",
        "photos2__1_a",
        "old_photos__1_a",
    ]
    assert data_names("photos", listed) == [one, two]
    assert lock_numbers("photos", listed) == [3]
