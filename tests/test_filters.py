"""A filter from outside needs one field of a subclass, and queries obey it with k matches."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest
from conftest import write_picture
from PIL import Image

from imgsearch.errors import UsageError
from imgsearch.storage import filters as storage_filters
from imgsearch.storage.database import Store
from imgsearch.storage.filters import Condition, Filters, allowed_ids, filtered

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.gallery import Gallery


def _elongated(ratio: float, _: Store) -> Condition:
    # The OR has to stay within this filter when others are given beside it.
    return Condition("width >= ? * height OR height >= ? * width", (ratio, ratio))


def _check_ratio(name: str, ratio: float) -> None:
    if ratio < 1:
        raise UsageError(f"{name}: {ratio} is below 1")


@dataclass(frozen=True, slots=True)
class ShapeFilters(Filters):
    """The gallery's filters, and one more.

    Attributes:
        elongated: least ratio of the longer side to the shorter.
    """

    elongated: float | None = filtered(_elongated, None, check=_check_ratio)


@pytest.fixture
def shapes(gallery: Gallery, tmp_path: Path) -> Gallery:
    """Return a gallery of 30 squares, 3 wide images and 4 high ones."""
    for number in range(37):
        path = write_picture(tmp_path / f"photos/{number:02}.png", seed=number)
        if number % 5 == 0 and number:
            wide = number % 2 == 0
            with Image.open(path) as image:
                image.resize((64, 32) if wide else (16, 32)).save(path)
    gallery.index(tmp_path / "photos")
    return gallery


def test_a_filter_from_outside_is_obeyed_and_k_stays_k(shapes: Gallery, tmp_path: Path) -> None:
    query = tmp_path / "photos/01.png"
    everything = shapes.query(query, k=100)
    wanted = [
        match.path
        for match in everything
        if max(match.width, match.height) >= 2 * min(match.width, match.height)
    ]
    assert len(everything) == 36
    assert len(wanted) == 7
    assert {match.path for match in everything[:7]} != set(wanted)
    for k in (1, 4, 7, 100):
        found = shapes.query(query, k=k, where=ShapeFilters(elongated=2))
        assert [match.path for match in found] == wanted[:k]


def test_it_is_combined_with_the_others(shapes: Gallery, tmp_path: Path) -> None:
    query = tmp_path / "photos/01.png"
    found = shapes.query(query, k=100, where=ShapeFilters(elongated=2, min_width=20))
    assert {match.path.name for match in found} == {"10.png", "20.png", "30.png"}
    folder = tmp_path / "photos"
    assert shapes.query(query, where=ShapeFilters(elongated=1, under=(folder / "05.png",)))
    assert len(shapes.query(query, k=100, where=ShapeFilters(under=(folder,)))) == 36


def test_its_own_check_refuses_a_value_by_the_field_s_name() -> None:
    assert ShapeFilters(elongated=1).elongated == 1
    with pytest.raises(UsageError, match=r"^elongated: 0.5 is below 1"):
        ShapeFilters(elongated=0.5)
    with pytest.raises(UsageError, match=r"^after: "):
        ShapeFilters(elongated=1, after="never")


def test_without_a_filter_no_content_is_looked_at() -> None:
    assert allowed_ids(Store.in_memory(), ShapeFilters()) is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("nikon", 1),
        ("nikon corporation", 1),
        ("NIKON CORPORATION NIKON D850", 1),
        ("Eastman Kodak Company", 1),
        ("OLYMPUS IMAGING CORP.", 1),
        ("camera", 1),
        ("EOS R", 1),
        ("D3", 0),
        ("corporation", 0),
    ],
)
def test_a_camera_is_found_by_make_and_model_as_exif_has_them(asked: str, found: int) -> None:
    """A gallery keeps "NIKON D850" of NIKON CORPORATION and NIKON D850."""
    cameras = ["NIKON D850", "KODAK DX6490", "OLYMPUS E-M5", "Canon EOS R5", "Lomo Camera"]
    condition = storage_filters._has_camera(asked, cast("Store", None))
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE content (camera TEXT)")
    connection.executemany("INSERT INTO content VALUES (?)", [(name,) for name in cameras])
    statement = f"SELECT COUNT(*) FROM content WHERE {condition.sql}"  # noqa: S608 - the filter's own words
    assert connection.execute(statement, condition.values).fetchone() == (found,)
    connection.close()
