"""The pages for everybody: by keyboard, by ear, in any window; and no name is ever a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from browser.collection import (
    HOSTILE_BROKEN,
    HOSTILE_CAMERA,
    HOSTILE_FILE,
    HOSTILE_FOLDER,
    HOSTILE_LENS,
    MARKUP,
    SAMPLES,
)
from browser.conftest import serving
from browser.visitor import Visitor
from browser.waiting import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext


LAMP: Final = SAMPLES / "coast" / "lighthouse_1.jpg"
# How wide the page is, once it has been laid out anew.
WIDTH: Final = """() => new Promise((tell) => {
    const measure = () => tell(document.documentElement.scrollWidth);
    requestAnimationFrame(() => requestAnimationFrame(measure));
})"""
SERIOUS: Final = {"serious", "critical"}


def pages_of(visitor: Visitor) -> dict[str, str]:
    """Return the address of one page of each kind, by name."""
    visitor.go("/browse?camera=Lumora&min_width=600")
    visitor.tiles().first.wait_for()
    content = visitor.page.locator(".tile[data-content]:not(.broken)").first.get_attribute(
        "data-content"
    )
    return {
        "start": "/",
        "answer": f"/?like={content}@10,10,50,50&not={content}",
        "browse": "/browse",
        "folders": "/browse?order=path",
        "picture": f"/content/{content}",
        "selections": "/selections",
        "backbones": f"/backbones?like={content}",
        "nowhere": "/browse?min_width=100000",
    }


def serious(visitor: Visitor, *rules: str) -> list[str]:
    """Return what axe finds serious on the page that is open, by some rules or by all."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = axe.Axe().run(visitor.page, options=options).response["violations"]
    return [
        f"{finding['id']}: {[node['html'] for node in finding['nodes']][:3]}"
        for finding in found
        if finding["impact"] in SERIOUS
    ]


def test_axe_finds_nothing_serious_on_any_page_in_either_scheme(visitor: Visitor) -> None:
    found = {}
    for name, path in pages_of(visitor).items():
        visitor.page.emulate_media(color_scheme="light")
        visitor.go(path)
        visitor.page.locator(".tile img.shown, .set-cover, .empty").first.wait_for()
        found[name] = serious(visitor)
        visitor.page.emulate_media(color_scheme="dark")
        found[f"{name}, dark"] = serious(visitor, "color-contrast")
    visitor.page.keyboard.press("?")
    found["keys"] = serious(visitor)
    assert {name: what for name, what in found.items() if what} == {}


def test_every_page_begins_with_a_link_to_the_pictures_and_names_its_parts(
    visitor: Visitor,
) -> None:
    for path in pages_of(visitor).values():
        visitor.go(path)
        visitor.page.keyboard.press("Tab")
        assert visitor.focused() == "Skip to the pictures"
        for role in ("banner", "navigation", "main"):
            assert visitor.page.get_by_role(role).count() >= 1
        assert visitor.page.get_by_role("heading", level=1).count() == 1


def test_a_question_is_asked_narrowed_and_kept_without_a_mouse(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/browse?camera=Lumora&min_width=600&order=path")
    page.locator(".tile[data-content]:not(.broken)").first.wait_for()
    page.get_by_role("button", name="Size:").first.focus()
    while page.locator(".tile > a:focus").count() == 0:
        visitor.press("Tab")
    visitor.press("l")
    page.wait_for_url("**/?like=*")
    visitor.likes()
    page.get_by_role("button", name="Frame a part").press("Enter")
    expect(page.get_by_role("group", name="Frame: 50 by 50 percent")).to_be_focused()
    visitor.press("Shift+ArrowRight", "ArrowUp")
    page.wait_for_url("**@25,23,52,50")
    visitor.press("Delete")
    page.wait_for_url(lambda url: "@" not in url)
    page.get_by_role("button", name="Format").press("Enter")
    expect(page.get_by_role("checkbox", name="JPEG")).to_be_focused()
    visitor.press("Space")
    page.wait_for_url("**format=JPEG")
    visitor.press("Escape")
    assert visitor.focused().startswith("Format: JPEG")
    visitor.likes()
    page.locator(".tile > a[tabindex='0']").focus()
    visitor.press("+")
    page.wait_for_url("**&like=*")


def test_what_is_found_is_said_aloud(visitor: Visitor) -> None:
    visitor.ask(LAMP)
    live = visitor.page.locator("#live")
    expect(live).to_have_text("The nearest 60 pictures found.")
    visitor.tiles().first.hover()
    visitor.tiles().first.get_by_title("Mark").click()
    expect(live).to_have_text("1 marked")


def test_names_that_are_markup_are_shown_as_they_are_on_every_page(visitor: Visitor) -> None:
    """What runs would open a dialog, which the fixture refuses."""
    page = visitor.page
    visitor.go("/browse?order=path")
    page.get_by_role("button", name="Which?").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE_BROKEN)
    page.keyboard.press("Escape")
    for name, text in (("Camera", HOSTILE_CAMERA), ("Lens", HOSTILE_LENS)):
        page.get_by_role("button", name=name, exact=True).click()
        page.get_by_role("radio", name=text).check()
        expect(page.locator(".chip.on", has_text=MARKUP)).to_have_count(1)
        page.keyboard.press("Escape")
        page.get_by_role("button", name=f"Take away the filter {name}").click()
    page.get_by_role("button", name="Folder", exact=True).click()
    page.get_by_role("button", name="Folders in photos").click()
    page.get_by_label(HOSTILE_FOLDER).check()
    page.keyboard.press("Escape")
    expect(page.locator(".chip.on", has_text=HOSTILE_FOLDER)).to_have_count(1)
    expect(page.locator(".grid-heading h2", has_text=HOSTILE_FOLDER)).to_have_count(1)

    tile = page.get_by_role("link", name=HOSTILE_FILE)
    tile.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Keep as a set").click()
    page.get_by_label("Name of the set").fill(MARKUP)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=MARKUP)).to_be_visible()
    expect(page.locator(".toast")).to_contain_text(MARKUP)
    page.get_by_role("link", name=HOSTILE_FILE).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_FILE)
    facts = page.get_by_role("complementary", name="What is known of it")
    for text in (HOSTILE_FOLDER, HOSTILE_CAMERA, HOSTILE_LENS):
        expect(facts).to_contain_text(text)
    visitor.go("/selections")
    expect(page.get_by_role("link", name=MARKUP)).to_be_visible()
    page.evaluate(
        "name => fetch('/api/v1/sets/' + encodeURIComponent(name), { method: 'DELETE' })", MARKUP
    )


def test_no_page_is_wider_than_its_window_also_when_that_is_made_narrow(visitor: Visitor) -> None:
    for name, path in pages_of(visitor).items():
        visitor.page.set_viewport_size({"width": 900, "height": 844})
        visitor.go(path)
        visitor.page.locator(".tile, .set-cover, .empty").first.wait_for()
        for width in (900, 390):
            visitor.page.set_viewport_size({"width": width, "height": 844})
            assert visitor.page.evaluate(WIDTH) <= width, name


def test_a_server_that_stops_is_said_to_have_and_the_page_goes_on_when_it_is_back(
    context: BrowserContext, gallery_path: Path
) -> None:
    with serving(gallery_path) as first:
        visitor = Visitor(context, first.address)
        visitor.go("/browse")
        visitor.tiles().first.wait_for()
        port = first.port
    page = visitor.page
    page.get_by_role("button", name="By folder").click()
    expect(page.get_by_role("alert").first).to_contain_text("The server has stopped")
    with serving(gallery_path, port=port) as second:
        expect(page.locator("#gone")).to_contain_text("The server was started anew")
        context.request.get(second.address)
        expect(page.locator(".grid-heading h2").first).to_have_text("canal")
        expect(page.locator("#gone")).to_be_hidden()


def test_an_empty_gallery_says_how_to_fill_it(context: BrowserContext, tmp_path: Path) -> None:
    from conftest import FakeSource

    from imgsearch.gallery.gallery import Gallery

    (tmp_path / "photos").mkdir()
    with Gallery(tmp_path / "empty.gallery", source=FakeSource()) as gallery:
        gallery.index(tmp_path / "photos")
    with serving(tmp_path / "empty.gallery") as server:
        visitor = Visitor(context, server.address)
        for path in ("/", "/browse"):
            visitor.go(path)
            expect(visitor.page.locator(".command code")).to_contain_text("imgsearch index")
