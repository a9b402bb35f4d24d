"""Tables say which pictures ask and what is right, and errors name the line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ground_truth_checks import check, files, named
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.tables import read_table
from imgsearch.images.geometry import CropBox

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles

NAMES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "trip/e.jpg"]
DOCUMENT = Path(__file__).parents[1] / "docs" / "ground-truth.md"


@pytest.fixture
def five(tmp_path: Path) -> ImageFiles:
    """Return five pictures."""
    return files(tmp_path / "photos", NAMES)


def write(photos: ImageFiles, text: str, *, suffix: str = ".csv") -> Path:
    path = photos.root.parent / f"truth{suffix}"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def read(photos: ImageFiles, text: str, *, suffix: str = ".csv") -> dict[str, Any]:
    (truth,) = read_table(photos, write(photos, text, suffix=suffix))
    check(truth)
    assert truth.name == "table"
    assert truth.gallery.tolist() == list(range(len(photos.names)))
    return named(truth, photos.root)


@pytest.mark.parametrize(
    "text",
    [
        "query,relevant,junk\na.jpg,b.jpg;trip/e.jpg,c.jpg\nb.jpg,a.jpg,\n",
        "junk,query,relevant\r\nc.jpg,a.jpg,b.jpg\r\n\r\n,b.jpg,a.jpg\r\n,a.jpg,trip/e.jpg\r\n",
        '\ufeffquery,relevant,junk\na.jpg,"b.jpg; trip/e.jpg;",c.jpg\nb.jpg,./a.jpg,""',
    ],
)
def test_a_csv_by_hand(five: ImageFiles, text: str) -> None:
    """Several paths in a cell, and several rows of one query, say the same."""
    assert read(five, text) == {
        "a.jpg": ({"b.jpg", "trip/e.jpg"}, {"c.jpg"}, "a.jpg"),
        "b.jpg": ({"a.jpg"}, set(), "b.jpg"),
    }


def test_a_query_of_two_groups_counts_in_both_and_ties_them_together(five: ImageFiles) -> None:
    text = (
        "query,relevant,group\na.jpg,b.jpg,north\na.jpg,c.jpg,south\na.jpg,b.jpg,north\n"
        "b.jpg,a.jpg,north\nc.jpg,a.jpg,south\nd.jpg,a.jpg,south\nd.jpg,a.jpg,west\n"
        "trip/e.jpg,a.jpg,east\n"
    )
    (truth,) = read_table(five, write(five, text))
    check(truth)
    told = [
        (query.relevant.tolist(), query.group, query.further_groups, query.cluster)
        for query in truth.queries
    ]
    assert told == [
        ([1, 2], "north", ("south",), "north"),
        ([0], "north", (), "north"),
        ([0], "south", (), "north"),
        ([0], "south", ("west",), "north"),
        ([0], "east", (), None),
    ]


def test_groups_and_absolute_paths(five: ImageFiles) -> None:
    text = f"query,relevant,group\n{five.root / 'a.jpg'},b.jpg,north\nb.jpg,a.jpg,north\nc.jpg,,\n"
    assert read(five, text) == {
        "a.jpg": ({"b.jpg"}, set(), "north"),
        "b.jpg": ({"a.jpg"}, set(), "north"),
        "c.jpg": (set(), set(), "c.jpg"),
    }


def test_json_lines_by_hand(five: ImageFiles) -> None:
    text = (
        '{"query": "a.jpg", "relevant": ["b.jpg"], "junk": ["c.jpg"], "group": "north"}\n\n'
        '{"query": "a.jpg", "relevant": ["d.jpg"]}\n{"query": "b.jpg", "junk": ["d.jpg"]}\n'
    )
    assert read(five, text, suffix=".jsonl") == {
        "a.jpg": ({"b.jpg", "d.jpg"}, {"c.jpg"}, "north"),
        "b.jpg": (set(), {"d.jpg"}, "b.jpg"),
    }


def test_a_query_is_no_answer_to_itself(five: ImageFiles) -> None:
    told = read(five, "query,relevant,junk\na.jpg,a.jpg;b.jpg,\nb.jpg,a.jpg,b.jpg\n")
    assert told["a.jpg"][:2] == ({"b.jpg"}, set())
    assert told["b.jpg"][:2] == ({"a.jpg"}, set())


def test_the_picture_behind_a_crop_is_junk_unless_it_is_named(five: ImageFiles) -> None:
    """Two crops of a picture and the picture itself are three queries."""
    lines = [
        {"query": "a.jpg", "relevant": ["b.jpg"], "crop": [10, 20, 110.5, 60]},
        {"query": "a.jpg", "relevant": ["a.jpg", "b.jpg"], "crop": [0, 0, 5, 5]},
        {"query": "a.jpg", "relevant": ["b.jpg"]},
    ]
    (truth,) = read_table(five, write(five, "\n".join(map(json.dumps, lines)), suffix=".ndjson"))
    check(truth)
    first, second, third = truth.queries
    assert [truth.items[query.item].crop for query in truth.queries] == [
        CropBox(10, 20, 100.5, 40),
        CropBox(0, 0, 5, 5),
        None,
    ]
    assert (first.item, first.relevant.tolist(), first.junk.tolist()) == (5, [1], [0])
    assert (second.item, second.relevant.tolist(), second.junk.tolist()) == (6, [0, 1], [])
    assert (third.item, third.relevant.tolist(), third.junk.tolist()) == (0, [1], [])
    assert {query.group for query in truth.queries} == {"a.jpg"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: the header is ''"),
        ("query;relevant\n", "line 1: the header is 'query;relevant'; expected query,relevant"),
        ("query,relevant,colour\n", "line 1: the header"),
        ("query,relevant,relevant\n", "line 1: the header"),
        ("query,relevant\na.jpg,b.jpg\na.jpg,gone.jpg\n", "line 3: relevant: 'gone.jpg' is not in"),
        ("query,relevant\ngone.jpg,b.jpg\n", "line 2: query: 'gone.jpg' is not in"),
        ("query,relevant\n,b.jpg\n", "line 2: there is no query"),
        ("query,relevant\na.jpg,b.jpg,c.jpg\n", "line 2: 3 cells, but the header has 2"),
        ('query,relevant\n"a.jpg"x,b.jpg\n', "line 2: "),
        ("query,relevant,junk\na.jpg,b.jpg,b.jpg\n", "both relevant and junk to 'a.jpg'"),
        (
            "query,relevant,junk\na.jpg,b.jpg,\nb.jpg,,\na.jpg,,./b.jpg\n",
            r"line 4: './b.jpg' is both relevant and junk to 'a.jpg' \(also line 2\)",
        ),
        ("query,relevant\na.jpg,\n", "none of 1 queries has a right answer"),
        ("query,relevant\na.jpg," + "b.jpg;" * 30_000 + "\n", "field larger than field limit"),
    ],
)
def test_a_csv_that_is_wrong_names_its_line(five: ImageFiles, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read(five, text)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", "line 2: expected an object"),
        ('{"query": "a.jpg"', "line 2: no JSON object on one line"),
        ("[" * 100_000, "line 2: no JSON object on one line"),
        ('{"query": "a.jpg", "relevent": []}', "line 2: the key 'relevent' is unknown"),
        ('{"relevant": []}', "line 2: query: expected the path"),
        ('{"query": 5}', "line 2: query: expected the path"),
        ('{"query": "a.jpg", "relevant": "b.jpg"}', "line 2: relevant: 'b.jpg' was received"),
        ('{"query": "a.jpg", "junk": [5]}', "line 2: junk: .* expected a list of paths"),
        ('{"query": "a.jpg", "group": 5}', "line 2: group: 5 was received, expected text"),
        ('{"query": "a.jpg", "crop": [1, 2, 3]}', "line 2: crop: .* expected .left, top"),
        ('{"query": "a.jpg", "crop": [1, 2, true, 4]}', "line 2: crop: "),
        ('{"query": "a.jpg", "crop": [5, 5, 5, 9]}', "line 2: crop: .* is empty"),
        ('{"query": "a.jpg", "crop": [-1, 5, 5, 9]}', "line 2: crop: .* negative"),
        ('{"query": "a.jpg", "crop": [0, 0, NaN, 9]}', "line 2: crop: "),
        ('{"query": "a.jpg", "crop": [0, 0, Infinity, 9]}', "line 2: crop: "),
        ('{"query": "a.jpg", "crop": [0, 0, 1' + "0" * 400 + ", 9]}", "line 2: crop: .* too large"),
        ('{"query": "a.jpg", "relevant": ["gone.jpg"]}', "line 2: relevant: 'gone.jpg'"),
    ],
)
def test_json_lines_that_are_wrong_name_their_line(
    five: ImageFiles, line: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        read(five, '{"query": "a.jpg", "relevant": ["b.jpg"]}\n' + line, suffix=".jsonl")


def test_a_table_that_is_absent_or_of_another_kind_is_refused(five: ImageFiles) -> None:
    with pytest.raises(UsageError, match=r"gone\.csv: cannot be read"):
        read_table(five, five.root / "gone.csv")
    with pytest.raises(UsageError, match=r"expected \.csv, \.jsonl or \.ndjson"):
        read(five, "", suffix=".xlsx")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(NAMES), st.booleans())),
        min_size=1,
        max_size=8,
    )
)
def test_both_forms_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, dict[str, bool]]]
) -> None:
    """Whatever is said, both agree on it or both refuse it, and it keeps its promises."""
    photos = files(tmp_path_factory.mktemp("table") / "photos", NAMES)
    said = [
        {
            "query": query,
            "relevant": [name for name, right in answers.items() if right],
            "junk": [name for name, right in answers.items() if not right],
        }
        for query, answers in rows
    ]
    cells = [(row["query"], ";".join(row["relevant"]), ";".join(row["junk"])) for row in said]
    texts = {
        ".jsonl": "\n".join(map(json.dumps, said)),
        ".csv": "\n".join(map(",".join, [("query", "relevant", "junk"), *cells])),
    }
    outcomes = []
    for suffix, text in texts.items():
        try:
            outcomes.append(read(photos, text, suffix=suffix))
        except UsageError as error:
            outcomes.append({"refused": "both" if "both" in str(error) else "none"})
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(("language", "suffix"), [("csv", ".csv"), ("json", ".jsonl")])
def test_the_examples_in_the_documents_are_read(tmp_path: Path, language: str, suffix: str) -> None:
    (example,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    photos = files(tmp_path / "photos", re.findall(r"[\w/]+\.jpg", example))
    told = read(photos, example, suffix=suffix)
    assert any(relevant for relevant, _, _ in told.values())
