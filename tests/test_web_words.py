"""Questions in words over the page's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, collected_log
from web_fakes import Served, serving
from words_fakes import Talking, plant

from imgsearch import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def talking() -> Talking:
    """Return a source with words."""
    return Talking()


@pytest.fixture
def served(tmp_path: Path, photos: Path, talking: Talking) -> Iterator[Served]:
    """Serve twelve pictures under a recipe that takes words."""
    with Gallery(tmp_path / "words.gallery", source=talking) as gallery:
        gallery.index(photos)
    with collected_log() as said, serving(tmp_path, gallery.path, talking, said) as running:
        yield running


def test_words_stand_for_a_picture(served: Served, talking: Talking, photos: Path) -> None:
    plant(talking, "the seventh", photos / "trip1" / "07.png")
    assert [recipe["words"] for recipe in served.get("/info").json["recipes"]] == [True]
    found = served.query({"words": "the seventh"}, k=3).json["matches"]
    assert found[0]["path"].endswith("07.png")
    without = served.query({"words": "the fifth"}, {"words": "the seventh", "minus": True}).json
    assert not without["matches"][0]["path"].endswith("07.png")
    assert served.is_well()


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        ({"words": "  "}, "says nothing"),
        ({"words": "x" * 1001}, "1,000 letters"),
        ({"words": "beach", "crop": [0, 0, 50, 50]}, "without a crop"),
        ({"words": "beach", "content": "0" * 64}, "either content, upload or words"),
        ({"words": 7}, "not a text"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    served: Served, picture: dict[str, object], said: str
) -> None:
    reply = served.query(picture)
    assert (reply.status, said in reply.json["error"]["message"]) == (400, True)
    assert served.is_well()


def test_kinds_are_not_told_of_words(served: Served) -> None:
    assert served.query({"words": "beach"}, kinds=True).status == 400


def test_a_recipe_without_words_says_so(tmp_path: Path, photos: Path) -> None:
    source = FakeSource()
    with Gallery(tmp_path / "plain.gallery", source=source) as gallery:
        gallery.index(photos)
    with collected_log() as said, serving(tmp_path, gallery.path, source, said) as running:
        assert running.get("/info").json["recipes"][0]["words"] is False
        reply = running.query({"words": "beach"})
        assert reply.status == 400
        assert "has no text encoder" in reply.json["error"]["message"]
        assert running.is_well()
