"""Questions in words, where a recipe takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from words_fakes import Talking, plant

from browser.conftest import serving
from browser.visitor import Visitor
from browser.waiting import expect
from imgsearch import Gallery

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext


def test_words_find_pictures_and_go_together_with_one(
    context: BrowserContext, tmp_path: Path, photos: Path
) -> None:
    source = Talking()
    with Gallery(tmp_path / "words.gallery", source=source) as gallery:
        gallery.index(photos)
    plant(source, "the seventh", photos / "trip1" / "07.png")
    with serving(tmp_path / "words.gallery", source=source) as server:
        visitor = Visitor(context, server.address)
        page = visitor.page
        visitor.go("/")
        page.get_by_label("Describe what you look for").fill("the seventh")
        page.get_by_role("button", name="Find", exact=True).click()
        page.wait_for_url("**/?words=the+seventh")
        assert visitor.likes()[0] == "07.png"
        page.reload()
        expect(page.get_by_label("Describe what you look for")).to_have_value("the seventh")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Add a picture").click()
        chooser.value.set_files(photos / "trip0" / "03.png")
        page.wait_for_url("**words=the+seventh&like=*")
        assert visitor.likes()
        page.get_by_label("Describe what you look for").fill("")
        page.get_by_role("button", name="Find", exact=True).click()
        page.wait_for_url(lambda url: "words=" not in url and "like=" in url)
        assert visitor.likes()[0] == "03.png"
        assert visitor.said == []


def test_a_gallery_without_words_has_no_field_for_them(visitor: Visitor) -> None:
    visitor.go("/")
    visitor.tiles().first.wait_for()
    expect(visitor.page.get_by_label("Describe what you look for")).to_be_hidden()
