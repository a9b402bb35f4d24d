"""CSV is opened in spreadsheets, which run what looks like a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from imgsearch.cli import comma_separated
from imgsearch.search.matches import Match


def test_no_cell_of_csv_is_a_formula() -> None:
    """A camera's name is whatever the file says it is."""
    match = Match(
        path=Path("/a.jpg"),
        root=Path("/"),
        score=-0.25,
        rank=1,
        content="0" * 64,
        width=1,
        height=1,
        format="JPEG",
        bytes=1,
        camera='=HYPERLINK("https://example.org")',
        lens="@SUM(1)",
        taken=None,
        latitude=-33.9,
        longitude=0.0,
        offline=False,
    )
    text = (comma_separated.head() + comma_separated.rows("+1.jpg", [match])).decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["camera"] == """'=HYPERLINK("https://example.org")"""
    assert (row["lens"], row["query"]) == ("'@SUM(1)", "'+1.jpg")
    assert (row["score"], row["latitude"], row["path"]) == ("-0.250000", "-33.9", "/a.jpg")
