"""Wandering through everything: by time, by folder, and through a hundred thousand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from browser.collection import HOSTILE_BROKEN
from browser.waiting import expect

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from browser.visitor import Visitor

MANY: Final = 100_000
MONTHS: Final = 250


def test_pictures_stand_under_their_months_the_latest_first(visitor: Visitor) -> None:
    visitor.go("/browse")
    headings = visitor.page.locator(".grid-heading h2")
    expect(headings.first).to_have_text("April 2024")
    visitor.page.get_by_role("slider", name="Go to").press("End")
    expect(headings.last).to_have_text("Without a date")


def test_the_scrubber_goes_from_month_to_month_by_key_and_says_where_it_is(
    visitor: Visitor,
) -> None:
    visitor.go("/browse")
    slider = visitor.page.get_by_role("slider", name="Go to")
    expect(slider).to_have_attribute("aria-valuetext", "April 2024")
    slider.press("ArrowDown")
    expect(slider).to_have_attribute("aria-valuetext", "February 2024")
    visitor.drag(slider, (0.5, 0.1), (0.5, 1))
    expect(slider).to_have_attribute("aria-valuenow", "100")


def test_folders_follow_their_paths_and_can_be_left_by_back(visitor: Visitor) -> None:
    visitor.go("/browse")
    visitor.names()
    visitor.page.get_by_role("button", name="By folder").click()
    visitor.page.wait_for_url("**order=path")
    expect(visitor.page.locator(".grid-heading h2").first).to_have_text("canal")
    visitor.page.go_back()
    expect(visitor.page.locator(".grid-heading h2").first).to_have_text("April 2024")


def test_files_that_cannot_be_read_or_are_not_connected_are_named(visitor: Visitor) -> None:
    visitor.go("/browse")
    page = visitor.page
    expect(page.get_by_text("unplugged is not connected; 6 files")).to_be_visible()
    page.get_by_role("button", name="Which?").click()
    dialog = page.get_by_role("dialog", name="Files that could not be read")
    expect(dialog).to_contain_text(HOSTILE_BROKEN)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Which?")).to_be_focused()


def test_keys_lead_through_the_grid_and_mark_in_it(visitor: Visitor) -> None:
    visitor.go("/browse")
    page = visitor.page
    names = visitor.names(12)
    page.locator(".tile > a[tabindex='0']").focus()
    visitor.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert visitor.focused().startswith(names[1])
    visitor.press("ArrowDown", "ArrowUp")
    assert visitor.focused().startswith(names[1])
    visitor.press("Space", "ArrowRight", "ArrowRight", "Shift+Space")
    expect(page.get_by_role("region", name="Marked pictures")).to_contain_text("3 marked")
    page.keyboard.press("Control+End")
    last = visitor.focused()
    expect(page.locator(".grid-heading h2").last).to_have_text("Without a date")
    page.keyboard.press("Control+Home")
    assert visitor.focused().startswith(names[0])
    assert last != visitor.focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/content/*")


def test_of_a_hundred_thousand_only_what_is_in_view_exists(visitor: Visitor) -> None:
    """The server's answers are made up here; the page is the real one."""
    held = visitor.page.request.get(f"{visitor.base}/api/v1/contents?limit=100").json()
    entries = [entry for entry in held["contents"] if not entry["offline"]]
    shapes = [round(100 * entry["width"] / entry["height"]) for entry in entries]

    def timeline(route: Route) -> None:
        ratios = [shapes[index % len(shapes)] for index in range(MANY)]
        sections = [
            {"key": f"{2024 - month // 12}-{12 - month % 12:02}", "count": MANY // MONTHS}
            for month in range(MONTHS)
        ]
        answer = {**held, "total": MANY, "ratios": ratios, "sections": sections}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(answer))

    def contents(route: Route) -> None:
        offset = int(parse_qs(urlsplit(route.request.url).query)["offset"][0])
        some = [entries[index % len(entries)] for index in range(offset, min(MANY, offset + 200))]
        route.fulfill(
            status=200,
            content_type="application/json",
            body=json.dumps({**held, "offset": offset, "contents": some}),
        )

    visitor.page.route("**/api/v1/timeline*", timeline)
    visitor.page.route("**/api/v1/contents?*", contents)
    visitor.go("/browse")
    visitor.names()
    assert visitor.page.evaluate("document.documentElement.scrollHeight") > 2_000_000
    assert visitor.page.locator(".tile").count() < 100
    visitor.page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    expect(visitor.page.locator(f".tile[data-content][data-index='{MANY - 1}']")).to_be_visible()
    assert visitor.page.locator(".tile").count() < 100
