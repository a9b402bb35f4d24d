"""Parts of pictures are found over the page's interface."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from conftest import collected_log
from region_fakes import SIDE, HistogramSource, scene, thing, write_scenes
from web_fakes import Served, serving

from imgsearch import CropBox, Filters, Gallery, HeldContent, IndexOptions, Part
from imgsearch.gallery.explaining import REFINED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL import Image

COUNT = 12


def serve(folder: Path, *, regions: bool) -> Any:
    """Return what serves twelve scenes, three of which hold a thing."""
    source = HistogramSource()
    with Gallery(folder / "parts.gallery", source=source) as gallery:
        gallery.index(write_scenes(folder / "photos", COUNT), options=IndexOptions(regions=regions))
    return serving(folder, gallery.path, source, [])  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a gallery with parts."""
    with (
        collected_log() as said,
        serve(tmp_path_factory.mktemp("anywhere"), regions=True) as running,
    ):
        running.said = said
        yield running


@pytest.fixture(autouse=True)
def still_well(served: Served) -> Iterator[None]:
    yield
    assert served.is_well(), served.said


def png(image: Image.Image) -> bytes:
    """Return a picture as the bytes of a file."""
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def found(served: Served, *pictures: dict[str, Any], **options: Any) -> list[Any]:
    """Return names, scores and boxes of what is found anywhere."""
    reply = served.query(*pictures, anywhere=True, **options)
    assert reply.status == 200, reply.body
    return [
        (match["path"].rpartition("/")[2], match["score"], match["box"])
        for match in reply.json["matches"]
    ]


def expected(served: Served, image: Any, *, crop: CropBox | None = None, **options: Any) -> Any:
    """Return the same of what the command line finds and draws closer."""
    with Gallery(served.gallery, source=HistogramSource()) as gallery:
        matches = gallery.query(image, crop=crop, anywhere=True, **options)
        refined = gallery.refined(matches, image, crop=crop)
    return [(match.path.name, match.score, list(match.box or ())) for match in refined]


def content_of(served: Served, name: str) -> str:
    """Return the content of a file."""
    (content,) = [one["content"] for one in served.contents() if one["path"].endswith(name)]
    return str(content)


def test_a_recipe_says_how_many_pictures_have_parts(served: Served) -> None:
    assert [recipe["regions"] for recipe in served.get("/info").json["recipes"]] == [COUNT]


def test_what_was_sent_is_found_in_the_pictures_that_hold_it(served: Served) -> None:
    for number in range(3):
        data = png(thing(number))
        asked = {"upload": served.upload(data).json["upload"]}
        matches = found(served, asked, k=5)
        assert matches == expected(served, data, k=5)
        name, _, box = matches[0]
        assert (name, box) == (f"{number:02}.png", [128, 32, 96, 96])
        assert served.query(asked, k=1).json["matches"][0]["box"] is None


def test_a_part_of_what_was_sent_is_found_anywhere(served: Served) -> None:
    data = png(scene(77, 1, at=(0, 160)))
    asked = {"upload": served.upload(data).json["upload"], "crop": [0, 62.5, 37.5, 37.5]}
    matches = found(served, asked, k=4)
    assert matches[0][0] == "01.png"
    crop = CropBox(0, 62.5, 37.5, 37.5, percent=True)
    assert matches == expected(served, data, crop=crop, k=4)


def test_a_content_and_a_part_of_one_are_found_anywhere(served: Served) -> None:
    content = content_of(served, "02.png")
    whole = found(served, {"content": content}, k=COUNT)
    assert whole == expected(served, HeldContent(content), k=COUNT)
    assert "02.png" not in [name for name, _, _ in whole]
    crop = CropBox(50, 12.5, 37.5, 37.5, percent=True)
    part = found(served, {"content": content, "crop": [50, 12.5, 37.5, 37.5]}, k=COUNT)
    assert part == expected(served, Part(HeldContent(content), crop), k=COUNT)


def test_an_answer_about_parts_is_not_that_about_wholes(served: Served) -> None:
    """Each is kept, and neither is given for the other."""
    asked = {"content": content_of(served, "05.png")}
    plain = served.query(asked, k=COUNT).json["matches"]
    parts = found(served, asked, k=COUNT)
    assert served.query(asked, k=COUNT).json["matches"] == plain
    assert {match["box"] is None for match in plain} == {True}
    scores = {match["path"].rpartition("/")[2]: match["score"] for match in plain}
    assert all(score >= scores[name] for name, score, _ in parts)


def test_reading_on_is_the_long_answer_and_no_box_is_drawn_twice(served: Served) -> None:
    data = png(thing(4))
    asked = {"upload": served.upload(data).json["upload"]}
    before = served.source.looked_at  # type: ignore[attr-defined]
    pieces = [match for at in range(0, COUNT, 2) for match in found(served, asked, k=2, offset=at)]
    looks = served.source.looked_at - before  # type: ignore[attr-defined]
    assert pieces == expected(served, data, k=COUNT)
    parts = [box for _, _, box in pieces[:REFINED] if box != [0, 0, SIDE, SIDE]]
    # The answer was made four times (3, 6, 12 and 24 matches), and three times a box was drawn.
    assert looks == 4 + 3 + len(parts)
    assert len(parts) > 3


def test_filters_and_the_least_score_hold_for_parts(served: Served) -> None:
    data = png(thing(0))
    asked = {"upload": served.upload(data).json["upload"]}
    under = [str(served.folder / "photos")]
    least = found(served, asked, k=4)[2][1]
    some = found(served, asked, filters={"under": under}, min_score=least, k=COUNT)
    where = Filters(under=(served.folder / "photos",))
    assert some == expected(served, data, where=where, min_score=least, k=COUNT)
    assert 0 < len(some) < COUNT
    assert found(served, asked, filters={"format": ["JPEG"]}) == []


def test_pictures_to_stay_away_from_count(served: Served) -> None:
    asked = {"upload": served.upload(png(thing(0))).json["upload"]}
    away = {"content": content_of(served, "00.png"), "minus": True}
    names = [name for name, _, _ in found(served, asked, away, k=COUNT)]
    assert len(names) == COUNT - 1
    assert "00.png" not in names


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expand": {"k": 3}}, "leave out expand"),
        ({"kinds": True}, "leave out anywhere"),
        ({"anywhere": "yes"}, "neither true nor false"),
    ],
)
def test_what_does_not_go_with_parts_is_refused(
    served: Served, options: dict[str, Any], said: str
) -> None:
    asked = {"content": content_of(served, "01.png")}
    reply = served.query(asked, **{"anywhere": True, **options})
    assert (reply.status, reply.code) == (400, "usage")
    assert said in reply.json["error"]["message"]


def test_words_are_not_found_in_parts(served: Served) -> None:
    reply = served.query({"words": "a mug"}, anywhere=True)
    assert (reply.status, reply.code) == (400, "usage")
    assert "words stand for whole pictures" in reply.json["error"]["message"]


def test_a_content_whose_file_is_gone_is_not_there(served: Served, tmp_path: Path) -> None:
    """Its embedding is held, but how it looks when it is small is not."""
    path = served.folder / "photos" / "03.png"
    asked = {"content": content_of(served, "03.png")}
    hidden = path.rename(tmp_path / "03.png")
    try:
        reply = served.query(asked, anywhere=True)
        assert (reply.status, reply.code) == (410, "not-there")
        assert served.query(asked).status == 200
    finally:
        hidden.rename(path)


def test_a_gallery_without_parts_says_what_makes_them(tmp_path: Path) -> None:
    with serve(tmp_path, regions=False) as running:
        assert running.get("/info").json["recipes"][0]["regions"] == 0
        asked = {"content": running.contents()[0]["content"]}
        reply = running.query(asked, anywhere=True)
        assert (reply.status, reply.code) == (400, "usage")
        assert "`imgsearch index --regions` makes them" in reply.json["error"]["message"]
        assert running.query(asked, anywhere=False).status == 200
