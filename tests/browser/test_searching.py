"""Asking with a picture, from dropping it to taking its likes away."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from browser.collection import SAMPLES
from browser.waiting import expect

if TYPE_CHECKING:
    from pathlib import Path

    from browser.visitor import Visitor

LIGHTHOUSE = SAMPLES / "coast" / "lighthouse_1.jpg"
TEDDY = SAMPLES / "playroom" / "teddy_bear_1.jpg"


def test_a_dropped_picture_is_found_framed_narrowed_marked_and_taken_away(visitor: Visitor) -> None:
    """The main journey: drop, likes, frame a part, narrow, mark, export."""
    page = visitor.page
    visitor.ask(LIGHTHOUSE)
    assert visitor.likes()[0] in {"lighthouse_1.jpg", "copy of lighthouse_1.jpg"}

    whole = visitor.likes(20)
    page.wait_for_function("document.querySelector('.frame-stage img').naturalWidth")
    visitor.drag(page.locator(".frame-stage"), (0.3, 0.1), (0.7, 0.9))
    expect(page.get_by_role("group", name="Frame: 40 by 80 percent")).to_be_visible()
    page.wait_for_url("**@30,10,40,80")
    expect(page.locator(".results.waiting")).to_have_count(0)
    assert visitor.likes(20) != whole

    page.get_by_role("button", name="Camera").click()
    page.get_by_role("radio", name="Lumora F2").check()
    page.wait_for_url("**camera=Lumora+F2**")
    page.keyboard.press("Escape")
    expect(page.locator(".results-said")).to_contain_text("pictures, the nearest first")

    page.get_by_role("gridcell").first.hover()
    page.get_by_role("gridcell").first.get_by_title("Mark").click()
    page.get_by_role("gridcell").nth(2).hover()
    page.get_by_role("gridcell").nth(2).get_by_title("Mark").click()
    marked = page.get_by_role("region", name="Marked pictures")
    expect(marked).to_contain_text("2 marked")
    marked.get_by_role("button", name="Take away").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {row["camera"] for row in rows} == {"Lumora F2"}


def test_a_dropped_picture_can_be_asked_about_after_reload_back_and_from_a_bookmark(
    visitor: Visitor,
) -> None:
    """The server forgets what was dropped; this browser has it still."""
    page = visitor.page
    visitor.ask(TEDDY)
    found = visitor.likes()
    bookmark = page.url
    page.get_by_role("link", name="Browse").click()
    page.wait_for_url("**/browse")
    page.go_back()
    page.wait_for_url(bookmark)
    assert visitor.likes() == found
    page.reload()
    assert visitor.likes() == found

    other = visitor.tab()
    other.goto(bookmark)
    visitor.page = other
    assert visitor.likes() == found


def test_a_pasted_picture_asks_too(visitor: Visitor) -> None:
    visitor.go("/")
    visitor.paste(TEDDY)
    assert visitor.likes()[0] in {"teddy_bear_1.jpg", "copy of teddy_bear_1.jpg"}


def test_a_chosen_file_asks_too(visitor: Visitor) -> None:
    visitor.go("/")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(TEDDY)
    assert visitor.likes()[0] in {"teddy_bear_1.jpg", "copy of teddy_bear_1.jpg"}


def test_any_picture_in_view_can_be_asked_about(visitor: Visitor) -> None:
    visitor.go("/")
    first = visitor.page.locator(".tile[data-content]:not(.broken)").first
    content = first.get_attribute("data-content")
    first.click()
    visitor.page.wait_for_url(f"**/?like={content}")
    assert content not in [tile.get_attribute("data-content") for tile in visitor.tiles().all()]


def test_pictures_are_added_turned_into_unlike_and_taken_out(visitor: Visitor) -> None:
    page = visitor.page
    visitor.ask(TEDDY)
    visitor.likes()
    visitor.drop(LIGHTHOUSE, onto=".asked")
    list_ = page.get_by_role("list", name="Pictures asked about").get_by_role("listitem")
    expect(list_).to_have_count(2)
    page.get_by_role("button", name="Like picture 2: turn into unlike").click()
    page.wait_for_url("**&not=file:**")
    expect(page.locator(".results.waiting")).to_have_count(0)
    assert not {"lighthouse_1.jpg", "copy of lighthouse_1.jpg"} & set(visitor.likes(60))
    page.get_by_role("button", name="Take picture 2 out").click()
    expect(list_).to_have_count(0)
    assert "not" not in parse_qs(urlsplit(page.url).query)


def test_a_question_of_unlikes_alone_says_what_is_missing(visitor: Visitor) -> None:
    visitor.go("/")
    content = visitor.page.locator(".tile[data-content]:not(.broken)").first.get_attribute(
        "data-content"
    )
    visitor.go(f"/?not={content}")
    expect(visitor.page.get_by_text("Add one to look for")).to_be_visible()


def test_scores_and_kinds_are_shown_on_demand_and_stay_shown(visitor: Visitor) -> None:
    page = visitor.page
    visitor.ask(LIGHTHOUSE)
    visitor.likes()
    scores = page.locator(".tile").first.locator(".tile-score")
    expect(scores).to_be_hidden()
    page.get_by_role("button", name="Scores").click()
    expect(scores).to_have_text(["1.000", "Identical"])
    page.reload()
    expect(scores).to_have_text(["1.000", "Identical"])
    expect(scores.first).to_be_visible()


def test_what_is_no_picture_is_refused_in_a_sentence(visitor: Visitor, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("no picture at all", encoding="utf-8")
    visitor.ask(text)
    expect(visitor.page.locator(".toast")).to_contain_text("notes.jpg: ")
    assert visitor.where == "/"
    visitor.said.clear()  # the browser notes the status 422


def test_more_likes_come_as_one_scrolls_and_back_returns_to_the_picture(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size({"width": 800, "height": 400})
    visitor.ask(LIGHTHOUSE)
    visitor.likes()
    for _ in range(12):
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(60)
    expect(page.get_by_text("That is all")).to_be_visible()
    assert visitor.tiles().count() < 40  # of more than 60: only what is in view exists
    opened = visitor.tiles().last
    name = opened.locator("a").get_attribute("aria-label")
    scrolled = page.evaluate("window.scrollY")
    opened.locator("a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/content/*")
    page.locator(".stage").wait_for()
    page.go_back()
    page.wait_for_function("name => document.activeElement.ariaLabel === name", arg=name)
    assert page.evaluate("window.scrollY") == pytest.approx(scrolled, abs=2)


@pytest.mark.parametrize(
    ("name", "choose", "wanted"),
    [
        ("Format", "JPEG", "format=JPEG"),
        ("Size", "At least 640", "min_width=640&min_height=480"),
        ("Folder", "coast", "under="),
    ],
)
def test_a_filter_that_is_chosen_stands_in_the_address(
    visitor: Visitor, name: str, choose: str, wanted: str
) -> None:
    page = visitor.page
    visitor.ask(TEDDY)
    visitor.likes()
    page.get_by_role("button", name=name, exact=True).click()
    if name == "Folder":
        page.get_by_role("button", name="Folders in photos").click()
    page.get_by_label(choose).check()
    page.wait_for_url(f"**{wanted}**")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Take away the filter {name}").click()
    page.wait_for_url(lambda url: wanted not in url)


def test_a_span_of_months_is_drawn_on_the_histogram(visitor: Visitor) -> None:
    page = visitor.page
    visitor.ask(TEDDY)
    visitor.likes()
    page.get_by_role("button", name="Date", exact=True).click()
    visitor.drag(page.locator(".histogram"), (0.6, 0.5), (0.99, 0.5))
    page.wait_for_url("**after=**before=**")
    page.keyboard.press("Escape")
    assert visitor.focused().startswith("Date: ")


def test_a_circle_is_drawn_on_the_map(visitor: Visitor) -> None:
    page = visitor.page
    visitor.ask(TEDDY)
    visitor.likes()
    page.get_by_role("button", name="Place", exact=True).click()
    visitor.drag(page.locator(".place-map"), (0.5, 0.5), (0.8, 0.5))
    page.wait_for_url("**near=**")
    assert float(page.get_by_label("Kilometres").input_value()) > 1


def test_filters_that_let_nothing_through_can_be_cleared(visitor: Visitor) -> None:
    page = visitor.page
    visitor.ask(TEDDY)
    visitor.likes()
    visitor.go(f"{visitor.where}&min_width=100000")
    page.get_by_role("button", name="Clear the filters").click()
    assert visitor.likes()
