"""What was published answers as the gallery does, match for match, under every filter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import FakeSource, write_picture

from imgsearch import Expansion, Filters, HeldContent, Near, PublishedGallery, Weighted
from imgsearch.errors import UsageError
from services.collection import make_gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch import Gallery
    from services.engines import Server

PARIS = Near(48.5, -1.5, 30)
FILTERS: list[dict[str, Any]] = [
    {},
    {"under": "photos"},
    {"under": "photos/trip1"},
    {"under": ("photos/trip2", "more", "photos/trip0/again.png")},
    {"after": "2021"},
    {"before": "2021-06"},
    {"after": "2020-03", "before": "2020-09"},
    {"after": "2020-03", "before": "2020-09", "undated": "include"},
    {"camera": "nikon"},
    {"camera": "NIKON CORPORATION NIKON D850"},
    {"camera": "'ä' 100%_"},
    {"camera": "%"},
    {"lens": "50 MM"},
    {"near": PARIS},
    {"near": Near(48.5, -1.5, 4)},
    {"min_width": 2500},
    {"formats": "bmp"},
    {"formats": ("PNG", "JPEG"), "min_width": 4000},
    {"camera": "canon", "after": "2021", "near": PARIS, "under": "photos"},
    {"min_width": 4900, "camera": "d850", "undated": "include", "before": "2020-02"},
    {"after": "2099"},
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Return the gallery, which is the oracle."""
    gallery = make_gallery(tmp_path_factory.mktemp("collection"))
    yield gallery
    gallery.close()


@pytest.fixture(scope="module")
def published(original: Gallery, server: Server) -> Iterator[PublishedGallery]:
    """Return the same, published once."""
    address = server.address("answers")
    report = original.publish(address)
    assert report.contents == report.sent == 301
    assert report.projection != "none"
    with PublishedGallery(address, source=FakeSource()) as published:
        yield published


def filters(given: dict[str, Any], gallery: Gallery) -> Filters:
    """Return filters whose folders lie beside the gallery."""
    under = given.get("under", ())
    folders = (under,) if isinstance(under, str) else under
    return Filters(**{**given, "under": tuple(gallery.path.parent / path for path in folders)})


@pytest.mark.parametrize("given", FILTERS, ids=str)
def test_answers_are_the_gallerys_under_each_filter(
    original: Gallery, published: PublishedGallery, given: dict[str, Any]
) -> None:
    """The same scores to six decimals, ties by path, k truly k, metadata, duplicates."""
    photos = original.path.parent / "photos"
    where = filters(given, original)
    for name, k in (
        ("trip0/007.png", 10),
        ("tie0.bmp", 3),
        ("trip2/002.png", 1),
        ("trip4/004.png", 400),
    ):
        ours = original.query(photos / name, k=k, where=where)
        assert published.query(photos / name, k=k, where=where) == ours
    few = original.query(photos / "trip0/007.png", k=5, where=where, include_self=True)
    assert published.query(photos / "trip0/007.png", k=5, where=where, include_self=True) == few


def test_every_way_to_ask_gives_the_gallerys_answer(
    original: Gallery, published: PublishedGallery, tmp_path: Path
) -> None:
    photos = original.path.parent / "photos"
    new = write_picture(tmp_path / "new.png", seed=77_000)
    one, other = photos / "trip0/014.png", photos / "trip3/010.png"
    held = HeldContent(original.query(one, include_self=True)[0].content)
    questions: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((new,), {}),
        ((new.read_bytes(),), {"k": 7}),
        ((one, other), {}),
        ((one, new), {"minus": other}),
        ((Weighted(one, 2.5), other), {"include_self": True}),
        ((held,), {"k": 4}),
        ((new,), {"min_score": 0.2, "k": 300}),
        ((one,), {"expand": Expansion(5)}),
        ((photos / "trip0/000.png",), {"k": 5}),
        ((photos / "trip0/again.png",), {"k": 5, "where": Filters(formats=("BMP", "PNG"))}),
    ]
    for images, options in questions:
        assert published.query(*images, **options) == original.query(*images, **options)
    names = [one, new, tmp_path / "none.png", other]
    assert list(published.query_many(names, k=3)) == list(original.query_many(names, k=3))


def test_filters_say_what_they_leave_out(
    original: Gallery, published: PublishedGallery, said: list[str]
) -> None:
    new = original.path.parent / "photos/trip0/007.png"
    where = Filters(after="2021", camera="leica")
    original.query(new, where=where)
    ours = list(said)
    said.clear()
    published.query(new, where=where)
    assert [line.partition(";")[0] for line in said] == [line.partition(";")[0] for line in ours]
    assert "there is" in said[-1]


def test_what_a_collection_cannot_answer_is_refused(published: PublishedGallery) -> None:
    picture = published.information().roots[0] / "one.png"
    with pytest.raises(UsageError, match="not in the gallery"):
        published.query(picture, where=Filters(under="/nowhere"))
    with pytest.raises(UsageError, match="not a format"):
        published.query(picture, where=Filters(formats="nonsense"))
    with pytest.raises(UsageError, match="parts of pictures are not published"):
        published.query(picture, anywhere=True)


def test_the_same_bytes_are_named_so_and_pictures_are_shown(
    original: Gallery, published: PublishedGallery, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes((original.path.parent / "photos/trip3/010.png").read_bytes())
    matches = published.with_kinds(copy, published.query(copy, k=3))
    assert [match.kind for match in matches] == ["identical", None, None]
    assert [replace(match, kind=None) for match in matches] == original.query(copy, k=3)
    shown = published.image(matches[0].content)
    assert shown.tobytes() == original.image(matches[0].content).tobytes()


def test_information_says_what_is_there(original: Gallery, published: PublishedGallery) -> None:
    there = published.information()
    assert (there.contents, there.files) == (301, 302)
    assert there.recipe == original.information().recipes[0].recipe
    assert there.recipe.weights_path is None
    assert there.projection == original.information().recipes[0].projection
    assert there.roots == tuple(root.path for root in original.information().roots)
