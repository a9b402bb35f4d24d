"""A filter from outside needs one field of a subclass, and queries obey it with k matches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from PIL import Image

from imgsearch.errors import UsageError
from imgsearch.images.metadata import Metadata
from imgsearch.recipe import RecipeRequest
from imgsearch.storage import filters as storage_filters
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.filter_condition import Condition, on_column
from imgsearch.storage.filters import Filters, filtered
from imgsearch.storage.passing import PassingContents, allowed_ids
from imgsearch.storage.places import Near
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.remarks import about_filters, about_missing_embeddings

if TYPE_CHECKING:
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


def test_a_gallery_that_has_changed_is_asked_anew_what_passes(
    shapes: Gallery, tmp_path: Path
) -> None:
    """What passed is remembered by the reader, and another connection writes."""
    query, where = tmp_path / "photos/01.png", Filters(min_width=40)

    def found() -> set[str]:
        return {match.path.name for _ in range(2) for match in shapes.query(query, where=where)}

    assert found() == {"10.png", "20.png", "30.png"}
    write_picture(tmp_path / "photos/wide.png", seed=99, side=64)
    (tmp_path / "photos/20.png").unlink()
    shapes.index(tmp_path / "photos")
    assert found() == {"10.png", "30.png", "wide.png"}


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


def test_one_value_may_stand_by_itself() -> None:
    for under in ("/x/y", Path("/x/y"), ["/x/y"], (Path("/x/y"),)):
        assert Filters(under=under).under == (Path("/x/y"),)  # type: ignore[arg-type]
    assert Filters(formats="JPEG") == Filters(formats=("JPEG",))  # type: ignore[arg-type]
    assert Filters(formats=["png", "gif"]).formats == ("png", "gif")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"under": 3}, "under: 3 is of type int; give paths of folders"),
        ({"under": (b"/x",)}, "under: b'/x' is of type bytes"),
        ({"formats": ("JPEG", 1)}, "formats: 1 is of type int"),
        ({"after": 2024}, "after: 2024 is of type int; give text such as"),
        ({"before": 2024}, "before: 2024 is of type int"),
        ({"camera": b"x"}, "camera: b'x' is of type bytes"),
        ({"near": (48, 2, 10)}, "near: .* is of type tuple; give Near"),
        ({"min_width": "9"}, "min_width: '9' is of type str"),
        ({"min_height": True}, "min_height: True is of type bool"),
        ({"undated": "maybe"}, "undated: 'maybe' is neither include nor exclude"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        Filters(**given)


FACTS = (
    {"taken": "2024-05-01T12:00:00", "camera": "Canon EOS R5", "format": "JPEG"},
    {"taken": "2019-05-01T12:00:00", "camera": "NIKON Z 6", "latitude": 48.85, "longitude": 2.35},
    {"camera": "NIKON Z 6"},
    {},
    {},
)


CAMERAS = "NIKON Z 6 (2), Canon EOS R5 (1)"


@pytest.fixture
def store() -> Store:
    """Return the rows of five contents, some of which lack what filters ask for, and an orphan."""
    store = Store.in_memory()
    root = store.add_root(Path("/photos"), recursive=True)
    for number, facts in enumerate((*FACTS, {})):
        known = Metadata(**{"width": 10 * number, "height": 9, "format": "PNG", **facts})  # type: ignore[arg-type]
        content_id = store.add_content(f"{number:064x}", 1, known)
        if number < len(FACTS):
            row = ScannedRow(root.id, f"{number}".encode(), 1, 1)
            store.put_file(None, row, content_id=content_id)
    return store


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (Filters(), []),
        (Filters(min_width=1), []),
        (
            Filters(after="2020"),
            ["3 of 5 contents have no date and are left out; --undated include keeps them"],
        ),
        (
            Filters(after="2020", before="2025", min_width=30),
            ["2 of 2 contents have no date and are left out; --undated include keeps them"],
        ),
        (Filters(after="2020", undated="include"), []),
        (Filters(camera="nikon"), ["2 of 5 contents have no camera and are left out"]),
        (Filters(near=Near(0, 0, 1)), ["4 of 5 contents have no place and are left out"]),
        (
            Filters(camera="zzz"),
            [
                "2 of 5 contents have no camera and are left out",
                "camera: nothing in the gallery fits 'zzz'; there is " + CAMERAS,
            ],
        ),
        (
            Filters(formats=("heic", "gif")),
            ["formats: nothing in the gallery fits 'heic, gif'; there is PNG (4), JPEG (1)"],
        ),
    ],
)
def test_what_filters_leave_out_for_want_of_a_value_is_said(
    store: Store, where: Filters, said: list[str]
) -> None:
    assert about_filters(store, where) == said


def test_contents_without_a_date_are_kept_when_wanted(store: Store) -> None:
    for where, ids in (
        (Filters(after="2020"), [1]),
        (Filters(after="2020", undated="include"), [1, 3, 4, 5, 6]),
        (Filters(after="2018", before="2020", undated="include", min_width=20), [3, 4, 5, 6]),
        (Filters(after="2018", before="2020", undated="include"), [2, 3, 4, 5, 6]),
    ):
        allowed = allowed_ids(store, where)
        assert allowed is not None
        assert sorted(allowed.tolist()) == ids
    assert allowed_ids(store, Filters(undated="include")) is None


def test_what_no_index_lists_is_not_asked_of_a_long_list(store: Store) -> None:
    """Five are wide enough, and asking about two candidates takes less than about the five."""
    given = [on_column("width", ">= ?", [10], store), Condition("height = 9 AND width < 40")]
    for count, ids in ((2, None), (5, [2, 3, 4])):
        contents = PassingContents(store, given)
        contents.list_if_cheaper(count, passed=2, asked=2, among=6)
        assert (None if contents.ids is None else contents.ids.tolist()) == ids
    assert contents.among(np.array([6, 1, 3])).tolist() == [False, False, True]


def test_a_format_that_does_not_exist_is_refused_with_those_that_do(store: Store) -> None:
    with pytest.raises(UsageError, match=r"formats: 'jpgg' is not a format; choose from JPEG, "):
        allowed_ids(store, Filters(formats=("png", "jpgg")))


def test_contents_without_an_embedding_are_counted(store: Store) -> None:
    stored = store.add_recipe(FakeSource().resolve(RecipeRequest(), offline=True))
    held = Embeddings(store, Path("/nowhere"), stored)
    for content_id in (1, 2, 3):
        store.add_embedding(stored.id, content_id, np.ones(48, np.float32))
    assert about_missing_embeddings(held, 3) == (
        "2 of 5 contents have no embedding under this recipe (fake-1/last/gap/16/squash) and "
        "cannot match; `imgsearch index` with it embeds them"
    )
    for content_id in (4, 5):
        store.add_embedding(stored.id, content_id, np.ones(48, np.float32))
    assert about_missing_embeddings(held, 5) is None
    assert about_missing_embeddings(held, 6) is None


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
    store = Store.in_memory()
    condition = storage_filters._has_camera(asked, store)
    for number, name in enumerate(cameras):
        facts = Metadata(width=1, height=1, format="JPEG", camera=name)
        store.add_content(f"{number:064x}", 1, facts)
    for sql in (condition.sql, condition.of_few):
        assert store.content_count(sql, condition.values) == found
    store.close()
