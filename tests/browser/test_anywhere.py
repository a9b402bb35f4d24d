"""A thing is found anywhere in pictures, and framed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from region_fakes import SIDE, HistogramSource, thing, write_scenes

from browser.conftest import serving
from browser.test_everybody import WIDTH, serious
from browser.visitor import Visitor
from browser.waiting import expect
from imgsearch import Gallery, IndexOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Route

NAME = "Find it anywhere in pictures"
# Left, top, width and height of the frame on the tile of a picture.
FRAMED = """async ([box, width, height]) => {
    const { framePart } = await import("/static/app/grid/part.js");
    const { shown } = await import("/static/app/grid/justify.js");
    const { style } = framePart({ box, width, height }, shown(width / height));
    const sides = ["left", "top", "width", "height"];
    return sides.map((side) => `${Math.round(parseFloat(style[side]))}%`);
}"""
PLACE = "matches in 38 by 38 percent of it, 50 from the left, 13 from the top"


@pytest.fixture
def seeker(context: BrowserContext, tmp_path: Path) -> Iterator[Visitor]:
    """Return who asks a gallery with parts; its first three pictures hold a thing each."""
    source = HistogramSource()
    with Gallery(tmp_path / "parts.gallery", source=source) as gallery:
        gallery.index(write_scenes(tmp_path / "photos"), options=IndexOptions(regions=True))
    thing(1).save(tmp_path / "thing.png")
    with serving(tmp_path / "parts.gallery", source=source) as server:  # type: ignore[arg-type]
        visitor = Visitor(context, server.address)
        yield visitor
        assert visitor.said == []


def place(frame: Locator, picture: Locator) -> list[int]:
    """Return left, top, width and height of a frame in pixels of a picture that fills its box."""
    inner, outer = frame.bounding_box(), picture.bounding_box()
    assert inner is not None
    assert outer is not None
    scale = SIDE / outer["width"]
    return [
        round(scale * length)
        for length in (
            inner["x"] - outer["x"], inner["y"] - outer["y"], inner["width"], inner["height"],
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("box", "size", "placed"),
    [
        ([200, 50, 100, 50], [400, 200], ["50%", "25%", "25%", "25%"]),
        # Of eight to two, 640 pixels are seen, from 80 to 720.
        ([0, 0, 400, 200], [800, 200], ["0%", "0%", "50%", "100%"]),
        ([400, 0, 160, 100], [800, 200], ["50%", "0%", "25%", "50%"]),
        ([730, 0, 70, 200], [800, 200], ["98%", "0%", "2%", "100%"]),
        ([0, 0, 70, 200], [800, 200], ["0%", "0%", "2%", "100%"]),
        # Of 90 to 400, 200 pixels are seen, from 100 to 300.
        ([0, 150, 45, 250], [90, 400], ["0%", "25%", "50%", "75%"]),
    ],
)
def test_a_frame_lies_where_the_part_is_also_where_a_tile_cuts_the_picture(
    visitor: Visitor, box: list[int], size: list[int], placed: list[str]
) -> None:
    visitor.go("/browse")
    assert visitor.page.evaluate(FRAMED, [box, *size]) == placed


def test_a_dropped_thing_is_found_in_a_picture_and_framed_there(
    seeker: Visitor, tmp_path: Path
) -> None:
    page = seeker.page
    seeker.ask(tmp_path / "thing.png")
    seeker.likes()
    expect(page.locator(".part-frame")).to_have_count(0)
    page.get_by_role("checkbox", name=NAME).check()
    page.wait_for_url("**/?like=file:*&anywhere=1")
    expect(page.locator(".results:not(.waiting) .part-frame").first).to_be_visible()
    assert seeker.likes()[0] == "01.png"
    first = seeker.tiles().first
    assert PLACE in (first.locator("a").get_attribute("aria-label") or "")
    assert place(first.locator(".part-frame"), first) == pytest.approx([128, 32, 96, 96], abs=1)
    answer = seeker.likes(20)
    assert serious(seeker) == []
    page.emulate_media(color_scheme="dark")
    assert serious(seeker, "color-contrast") == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(WIDTH) <= 390
    page.set_viewport_size({"width": 1280, "height": 800})

    first.locator("a").click()
    page.wait_for_url("**/content/*")
    frame = page.get_by_role("img", name=f"It {PLACE}")
    expect(frame).to_be_visible()
    paper = page.locator(".stage-paper")
    assert place(frame, paper) == pytest.approx([128, 32, 96, 96], abs=1)
    assert serious(seeker) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(WIDTH) <= 390
    page.set_viewport_size({"width": 1280, "height": 800})
    switch = page.get_by_role("button", name="Frame the part that matches")
    switch.click()
    expect(frame).to_be_hidden()
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    page.reload()
    expect(frame).to_be_visible()

    page.go_back()
    page.wait_for_url("**&anywhere=1")
    expect(page.get_by_role("checkbox", name=NAME)).to_be_checked()
    assert seeker.likes(20) == answer
    page.get_by_role("checkbox", name=NAME).uncheck()
    page.wait_for_url(lambda url: "anywhere" not in url)
    expect(page.locator(".part-frame")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("checkbox", name=NAME)).to_be_checked()
    assert seeker.likes(20) == answer


def test_a_part_of_a_picture_is_found_anywhere_and_narrowed(seeker: Visitor) -> None:
    page = seeker.page
    seeker.go("/browse?order=path")
    content = seeker.tiles().nth(2).get_attribute("data-content")
    seeker.go(f"/?like={content}@50,12.5,37.5,37.5&anywhere=1&format=PNG")
    assert "02.png" not in seeker.likes(20)
    expect(page.get_by_role("button", name="Take away the filter Format")).to_be_visible()
    page.get_by_role("button", name="Scores").click()
    expect(page.locator(".tile").first.locator(".tile-score")).to_have_count(1)
    page.get_by_role("button", name="Take away the filter Format").click()
    page.wait_for_url("**&anywhere=1")
    expect(page.locator(".results:not(.waiting) .part-frame").first).to_be_visible()


def test_words_are_looked_for_in_whole_pictures(seeker: Visitor) -> None:
    """No recipe of tests has both parts and words, so the server's answers are bent."""
    asked: list[Any] = []

    def with_words(route: Route) -> None:
        known = route.fetch().json()
        known["recipes"][0]["words"] = True
        route.fulfill(json=known)

    def without_words(route: Route) -> None:
        asked.append(route.request.post_data_json)
        sent = dict(asked[-1])
        sent["pictures"] = [one for one in sent["pictures"] if "words" not in one]
        route.continue_(post_data=sent)

    page = seeker.page
    seeker.go("/browse")
    content = seeker.tiles().first.get_attribute("data-content")
    page.route("**/api/v1/info", with_words)
    page.route("**/api/v1/queries", without_words)
    seeker.go(f"/?like={content}&anywhere=1")
    seeker.likes()
    page.get_by_label("Describe what you look for").fill("a mug")
    page.get_by_role("button", name="Find", exact=True).click()
    page.wait_for_url("**words=a+mug**")
    switch = page.get_by_role("checkbox", name=NAME)
    expect(switch).to_be_disabled()
    expect(switch).not_to_be_checked()
    expect(page.get_by_text("Words are looked for in whole pictures.")).to_be_visible()
    assert seeker.likes()
    assert [sent.get("anywhere") for sent in asked] == [True, None]


def test_a_gallery_without_parts_does_not_offer_them_and_says_what_makes_them(
    visitor: Visitor,
) -> None:
    page = visitor.page
    visitor.go("/browse?camera=Lumora&min_width=600")
    content = page.locator(".tile[data-content]:not(.broken)").first.get_attribute("data-content")
    visitor.go(f"/?like={content}")
    assert visitor.likes()
    switch = page.get_by_role("checkbox", name=NAME)
    expect(switch).to_be_hidden()
    visitor.go(f"/?like={content}&anywhere=1")
    expect(page.get_by_text("imgsearch index --regions")).to_be_visible()
    visitor.said.clear()  # the browser notes the status 400
    switch.uncheck()
    page.wait_for_url(lambda url: "anywhere" not in url)
    assert visitor.likes()
    expect(switch).to_be_hidden()
