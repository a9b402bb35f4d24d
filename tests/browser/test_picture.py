"""The page of one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.collection import SAMPLES
from browser.waiting import expect

if TYPE_CHECKING:
    from browser.visitor import Visitor


@pytest.fixture
def opened(visitor: Visitor) -> Visitor:
    """Return a visitor who has opened the second of some matches."""
    visitor.ask(SAMPLES / "coast" / "lighthouse_2.jpg")
    visitor.likes()
    visitor.page.locator(".results .tile").nth(1).click()
    visitor.page.wait_for_url("**/content/*")
    visitor.page.locator(".stage-large.shown").wait_for()
    return visitor


def heading(visitor: Visitor) -> str:
    """Return the name of the picture that is open."""
    return visitor.page.get_by_role("heading", level=1).inner_text()


def test_previous_and_next_lead_along_the_answer_and_back_to_it(opened: Visitor) -> None:
    page = opened.page
    second = heading(opened)
    expect(page.locator(".picture-count")).to_contain_text("2 of ")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".picture-count")).to_contain_text("3 of ")
    assert heading(opened) != second
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", level=1)).to_have_text(second)
    page.get_by_role("link", name="Back", exact=True).click()
    page.wait_for_url("**/?like=file:*")


def test_from_the_browse_page_previous_and_next_lead_through_all_of_it(visitor: Visitor) -> None:
    visitor.go("/browse?format=JPEG")
    names = visitor.names(3)
    visitor.tiles().nth(1).click()
    visitor.page.wait_for_url("**/content/*?format=JPEG")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(names[1])
    visitor.page.get_by_role("link", name="Next").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(names[2])
    visitor.page.get_by_role("link", name="Back", exact=True).click()
    visitor.page.wait_for_url("**/browse?format=JPEG")


def test_it_is_zoomed_moved_and_turned_for_the_eye_only(opened: Visitor) -> None:
    page = opened.page
    paper = page.locator(".stage-paper")
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(paper).to_have_attribute("style", pattern("scale(1.5625)"))
    opened.drag(page.locator(".stage"), (0.5, 0.5), (0.6, 0.5))
    page.keyboard.press("r")
    expect(paper).to_have_attribute("style", pattern("scale(1) rotate(90deg)"))
    page.locator(".stage").dblclick()
    expect(paper).to_have_attribute("style", pattern("scale(2.5)"))
    page.keyboard.press("0")
    expect(paper).to_have_attribute("style", pattern("scale(1)"))


def pattern(text: str) -> object:
    """Return a regular expression for an attribute that holds a text."""
    import re

    return re.compile(re.escape(text))


def test_what_is_known_of_it_leads_to_what_shares_it(opened: Visitor) -> None:
    page = opened.page
    facts = page.get_by_role("complementary", name="What is known of it")
    expect(facts).to_contain_text("CC0-1.0")
    facts.get_by_title("Browse the pictures that share it").first.click()
    page.wait_for_url("**/browse?camera=*")
    assert opened.names()


def test_its_path_is_copied_and_its_original_saved(opened: Visitor) -> None:
    page = opened.page
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the path").first.click()
    expect(page.locator(".toast")).to_contain_text("The path is copied.")
    assert page.evaluate("navigator.clipboard.readText()").endswith(heading(opened))
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the original").click()
    original = SAMPLES / "coast" / heading(opened)
    assert download.value.path().read_bytes() == original.read_bytes()


def test_its_likes_stand_beneath_and_a_key_asks_for_all_of_them(opened: Visitor) -> None:
    page = opened.page
    assert opened.names(3, within=".picture-likes")
    page.keyboard.press("l")
    page.wait_for_url("**/?like=*")


def test_a_picture_that_is_not_connected_says_so(visitor: Visitor) -> None:
    visitor.go("/browse")
    offline = visitor.page.locator(".tile.broken").first
    expect(offline).to_contain_text("Offline")
    offline.click()
    expect(visitor.page.locator(".stage-missing")).to_contain_text("not connected")


def test_an_address_of_no_picture_says_so(visitor: Visitor) -> None:
    visitor.go(f"/content/{'0' * 64}")
    expect(visitor.page.get_by_role("alert")).to_contain_text("That did not work")
    visitor.said.clear()  # the browser notes the status 404
